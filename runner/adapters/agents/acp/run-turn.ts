import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import type { Sandbox, SandboxRequest, SandboxResult, SandboxStreams } from '../../../core/ports/sandbox.ts';
import { createEventLines } from '../event-lines.ts';
import { objectOf, textOf } from '../json-values.ts';
import type { ReadableLog } from '../readable-log.ts';
import { watchRefusals } from '../refusal-watch.ts';
import { converse, type Turn } from './conversation.ts';
import { createMessageStream } from './message-stream.ts';
import { isPermitted } from './permissions.ts';
import { createSessionUpdates } from './session-updates.ts';

export interface TurnOptions extends Pick<SandboxRequest, 'env' | 'mounts'> {
  readonly sandbox: Sandbox;
  readonly request: AgentRequest;
  readonly log: ReadableLog;
  readonly command: readonly [string, ...string[]];
  readonly prompt: string;
  readonly model: string;
  readonly forwards: NonNullable<SandboxRequest['forwards']>;
  /** What the agent may write to beside its tree. */
  readonly work: string;
  readonly graceMs: number;
  readonly refusalGraceMs: number;
  readonly tell: (event: AgentEvent) => void;
}

export interface TurnRun {
  readonly result: SandboxResult;
  /** Null when the program was never started. */
  readonly turn: Turn | null;
  /** Why the runner ended the turn, if it did. */
  readonly cut: 'canceled' | 'stalled' | 'refused' | null;
  readonly session: string | null;
  /** After its last tool call. */
  readonly said: string;
}

/** Of what it prints beside the protocol, as whole programs in a trace of a call. */
const longestLine = 500;
/** Kinds of updates that are not known, each told once. */
const mostUnknown = 20;
const longestTimerMs = 2 ** 31 - 1;

/** Runs the agent's program for one turn, and ends it when the turn is over. Rejects as the sandbox does. */
export async function runTurn(options: TurnOptions): Promise<TurnRun> {
  const { request } = options;
  const refusals = request.gateway === null ? null : watchRefusals(request.gateway, options.refusalGraceMs);
  const tell = (event: AgentEvent): void => {
    refusals?.saw(event);
    options.tell(event);
  };
  const { cwd, updates, state, cancel, stop } = beginRun({ ...options, tell });
  let talk: Promise<Turn> | null = null;
  let grace: NodeJS.Timeout | undefined;
  const endSoon = (): void => {
    grace ??= setTimeout(() => {
      stop.abort();
    }, options.graceMs);
  };
  const cut = (why: NonNullable<TurnRun['cut']>): void => {
    if (state.isOver) {
      stop.abort();
      return;
    }
    state.cut ??= why;
    cancel.abort();
    if (talk === null || why !== 'canceled') stop.abort();
    else endSoon();
  };
  const onAbort = (): void => {
    cut('canceled');
  };
  const stall = watchStall(request.stallMs, state, () => {
    cut('stalled');
  });
  refusals?.signal.addEventListener('abort', () => {
    cut('refused');
  });
  const errors = createEventLines({
    onEvent: (event) => {
      options.log.write(JSON.stringify(event));
    },
    onText: (line) => {
      options.log.write(line.slice(0, longestLine));
    },
  });
  const unknown = new Set<string>();
  const speak = async (streams: SandboxStreams): Promise<Turn> => {
    const turn = await converse({
      stream: createMessageStream({
        streams,
        onMessage: () => {
          state.heardAt = performance.now();
        },
        onNotification: (method, params) => {
          const kind = method === 'session/update' ? updateKind(params) : method;
          // Other names than these are extensions of the agent's own.
          const isKnown = method === 'session/update' ? updates.take(params) : !method.startsWith('session/');
          if (!isKnown && unknown.size < mostUnknown) unknown.add(kind.slice(0, 80));
        },
        onNoise: (line) => {
          options.log.write(line.slice(0, longestLine));
        },
      }),
      cwd,
      prompt: options.prompt,
      model: options.model,
      session: request.session,
      updates,
      isPermitted: (call) => isPermitted(request, options.work, call),
      onPermission: (name, granted) => {
        tell({ kind: 'permission', name, granted });
      },
      onQuestion: (question) => {
        tell({ kind: 'question', question });
        endSoon();
      },
      onSession: (id) => {
        state.session = id;
        tell({ kind: 'session', id });
      },
      onNotice: (text) => {
        options.log.write(text);
      },
      cancel: cancel.signal,
    });
    state.isOver = true;
    streams.end();
    endSoon();
    return turn;
  };
  if (request.signal.aborted) onAbort();
  request.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await options.sandbox.run({
      argv: options.command,
      cwd,
      env: options.env,
      mounts: options.mounts,
      hidden: request.hidden,
      network: request.profile.network,
      forwards: options.forwards,
      limits: request.limits,
      timeoutMs: request.timeoutMs,
      signal: stop.signal,
      onOutput: (text) => {
        errors.take(text);
      },
      conversation: {
        onStart: (streams) => {
          talk = speak(streams);
        },
      },
    });
    errors.finish();
    if (unknown.size > 0) options.log.write(`(it sent updates that are not known: ${[...unknown].join(', ')})`);
    const turn = await (talk as Promise<Turn> | null);
    if (turn?.kind === 'stopped') updates.answered(turn.answer);
    const said = updates.finish();
    if (turn !== null) tell({ kind: 'done', ok: turn.kind === 'stopped' && turn.reason === 'end_turn', text: said });
    return { result, turn, cut: state.cut, session: state.session, said };
  } finally {
    clearTimeout(grace);
    stall.stop();
    refusals?.stop();
    request.signal.removeEventListener('abort', onAbort);
  }
}

function updateKind(params: unknown): string {
  return textOf(objectOf(objectOf(params)['update'])['sessionUpdate']);
}

interface RunState {
  isOver: boolean;
  cut: TurnRun['cut'];
  session: string | null;
  /** When the last message came, on the clock that never goes back. */
  heardAt: number;
}

function beginRun({ request, model, tell }: TurnOptions) {
  const state: RunState = {
    isOver: false,
    cut: null,
    session: null,
    heardAt: performance.now(),
  };
  const updates = createSessionUpdates({
    tree: request.tree.path,
    model,
    tell,
  });
  return { cwd: request.tree.path, updates, state, cancel: new AbortController(), stop: new AbortController() };
}

function watchStall(stallMs: number, state: RunState, onStall: () => void): { stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  const arm = (waitMs: number): void => {
    timer = setTimeout(
      () => {
        if (state.isOver) return;
        const left = state.heardAt + stallMs - performance.now();
        if (left <= 0) onStall();
        else arm(left);
      },
      Math.min(waitMs, longestTimerMs),
    );
  };
  arm(stallMs);
  return {
    stop: () => {
      clearTimeout(timer);
    },
  };
}

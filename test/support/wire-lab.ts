import { createRunnerClient, type RunnerClientOptions } from '../../shared/protocol/client/create-runner-client.ts';
import type { ClientPlatform, ClientSocketEvents, RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import type { BoardJob } from '../../shared/protocol/board.ts';
import type { RunnerStatus } from '../../shared/protocol/runner-status.ts';
import type { WireEvent } from '../../shared/protocol/wire.ts';

/** A clock that stands until it is told to go, and sockets that lead to a script. */
export interface VirtualPlatform extends ClientPlatform {
  /** Lets what is due happen in order, and all that promises do in between. */
  pass(milliseconds: number): Promise<void>;
  readonly sockets: readonly VirtualSocket[];
  /** Whoever is given the sockets that are opened from now on. */
  serve(accept: (socket: VirtualSocket) => void): void;
  /** Actions that are still to come. */
  waiting(): number;
  /** What an action threw. */
  readonly thrown: readonly unknown[];
}

export interface VirtualSocket {
  readonly url: string;
  readonly sent: Message[];
  readonly isClosed: () => boolean;
  readonly open: () => void;
  say(message: unknown): void;
  sayText(text: string): void;
  end(code: number, reason?: string): void;
  onMessage(listener: (message: Message) => void): void;
}

export interface Message {
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

export function createVirtualPlatform(random: () => number = () => 0.5): VirtualPlatform {
  let now = 1_000_000;
  let order = 0;
  let accept: (socket: VirtualSocket) => void = () => undefined;
  const timers = new Map<number, { readonly at: number; readonly action: () => void }>();
  const sockets: VirtualSocket[] = [];
  const thrown: unknown[] = [];

  return {
    sockets,
    thrown,
    waiting: () => timers.size,
    serve(next) {
      accept = next;
    },
    now: () => now,
    random,
    after(milliseconds, action) {
      const key = ++order;
      timers.set(key, { at: now + milliseconds, action });
      return () => {
        timers.delete(key);
      };
    },
    openSocket(url, events) {
      const socket = createVirtualSocket(url, events);
      sockets.push(socket.outer);
      accept(socket.outer);
      return socket.inner;
    },
    async pass(milliseconds) {
      const until = now + milliseconds;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, { at }]) => at <= until);
        const [first] = due.sort(([left, one], [right, other]) => one.at - other.at || left - right);
        if (first === undefined) break;
        const [key, { at, action }] = first;
        timers.delete(key);
        now = Math.max(now, at);
        try {
          action();
        } catch (error) {
          thrown.push(error);
        }
        await settle();
      }
      now = until;
    },
  };
}

function createVirtualSocket(
  url: string,
  events: ClientSocketEvents,
): { readonly outer: VirtualSocket; readonly inner: { send(text: string): void; close(): void } } {
  const sent: Message[] = [];
  let listener: (message: Message) => void = () => undefined;
  let closed = false;
  const outer: VirtualSocket = {
    url,
    sent,
    isClosed: () => closed,
    open() {
      if (!closed) events.opened();
    },
    say(message) {
      outer.sayText(JSON.stringify(message));
    },
    // Also after the other side closed it: what is on its way still arrives.
    sayText(text) {
      events.received(text);
    },
    end(code, reason = '') {
      closed = true;
      events.closed(code, reason);
    },
    onMessage(next) {
      listener = next;
    },
  };
  const inner = {
    send(text: string) {
      const message = JSON.parse(text) as Message;
      sent.push(message);
      listener(message);
    },
    close() {
      closed = true;
    },
  };
  return { outer, inner };
}

export const runnerStatus: RunnerStatus = {
  pid: 1,
  version: '0.1.0',
  url: 'http://127.0.0.1:7717',
  ready: true,
  sandbox: 'bubblewrap',
  startedAt: 0,
  paused: 'no',
  watching: true,
  circuits: [],
  problems: [],
  running: 0,
  queued: 0,
  waiting: 0,
};

export function boardJob(id: string, change: Partial<BoardJob> = {}): BoardJob {
  const fr = id.replace(/-\d+$/, '');
  return {
    job: id,
    fr,
    status: 'running',
    waitingFor: null,
    runState: 'code',
    stages: [],
    rounds: 0,
    branch: null,
    commit: null,
    pr: null,
    gate: null,
    cost: null,
    weaker: [],
    decisions: [],
    leftToPerson: [],
    error: null,
    title: `Request ${fr}`,
    priority: 'P2',
    repository: 'app',
    notePath: `10_features/${fr}.md`,
    reportPath: `20_runs/${id}.md`,
    agent: 'coder',
    createdAt: 0,
    updatedAt: 0,
    stage: null,
    pausedBy: null,
    holdUntil: null,
    sentence: '',
    question: null,
    gateHash: null,
    review: null,
    tests: null,
    size: null,
    checks: null,
    dollars: null,
    ...change,
  };
}

/** A runner's side of the wire by the book: events with numbers, snapshots, resumption of what is still kept. */
export interface ScriptedRunner {
  readonly hello: Message[];
  readonly calls: Message[];
  happen(type: string, job?: BoardJob): WireEvent;
  /** Told on every open connection. */
  tell(method: string, params: unknown): void;
  alive(): void;
  snapshot(): unknown;
  jobs(): ReadonlyMap<string, BoardJob>;
  seq(): number;
  /** The numbers count something else from now on. */
  restore(): void;
  /** Events up to now cannot be had again. */
  forget(): void;
  accept(socket: VirtualSocket): void;
  /** Events are not told, only counted, until told otherwise. */
  mute(isMuted: boolean): void;
  /** What is answered instead; undefined leaves it to the book. */
  answer(by: (message: Message, socket: VirtualSocket) => object | null | undefined): void;
}

export function createScriptedRunner(now: () => number): ScriptedRunner {
  const jobs = new Map<string, BoardJob>();
  let events: WireEvent[] = [];
  let seq = 0;
  let epoch = 1;
  let kept = 0;
  let isMuted = false;
  let answer: Parameters<ScriptedRunner['answer']>[0] = () => undefined;
  const open = new Set<VirtualSocket>();
  const hello: Message[] = [];
  const calls: Message[] = [];

  const snapshot = (): object => ({
    seq,
    epoch: `epoch-${epoch}`,
    runner: runnerStatus,
    jobs: [...jobs.values()],
    featureRequests: [],
    spending: { dollars: 0, tokens: 0, budget: null },
    untrusted: 0,
  });

  function tell(method: string, params: unknown): void {
    for (const socket of open) {
      if (socket.isClosed()) open.delete(socket);
      else socket.say({ jsonrpc: '2.0', method, params });
    }
  }

  function received(socket: VirtualSocket, message: Message): void {
    const { id, method, params } = message;
    const own = answer(message, socket);
    if (method !== 'hello') calls.push(message);
    if (own !== undefined) {
      if (own !== null) socket.say({ jsonrpc: '2.0', id, ...own });
      return;
    }
    if (method === 'board.get') socket.say({ jsonrpc: '2.0', id, result: snapshot() });
    else if (method === 'runner.status') socket.say({ jsonrpc: '2.0', id, result: runnerStatus });
    if (method !== 'hello') return;
    hello.push(message);
    const since = params['since'] as { readonly epoch: string; readonly seq: number } | null;
    const resumed = since?.epoch === `epoch-${epoch}` && since.seq >= kept && since.seq <= seq;
    const result = {
      runner: { version: '0.1.0', name: 'desk', vaultWriter: 'runner' },
      protocol: 1,
      role: 'approver',
      person: 'ada',
      device: 'laptop',
      epoch: `epoch-${epoch}`,
      seq,
      resumed,
    };
    open.add(socket);
    socket.say({ jsonrpc: '2.0', id, result });
    if (!resumed) return;
    for (const event of events.filter((one) => one.seq > since.seq)) {
      socket.say({ jsonrpc: '2.0', method: 'event', params: event });
    }
  }

  return {
    hello,
    calls,
    happen(type, job) {
      seq += 1;
      if (job) jobs.set(job.job, job);
      const event: WireEvent = { seq, at: now(), type, jobId: job?.job ?? null, data: {}, ...(job && { job }) };
      events.push(event);
      if (!isMuted) tell('event', event);
      return event;
    },
    tell,
    alive() {
      tell('alive', { seq, at: now() });
    },
    snapshot,
    jobs: () => jobs,
    seq: () => seq,
    restore() {
      epoch += 1;
      seq = Math.floor(seq / 2);
      events = [];
      kept = seq;
    },
    forget() {
      kept = seq;
      events = [];
    },
    accept(socket) {
      socket.onMessage((message) => {
        received(socket, message);
      });
    },
    mute(next) {
      isMuted = next;
    },
    answer(by) {
      answer = by;
    },
  };
}

export interface WireLab {
  readonly platform: VirtualPlatform;
  readonly runner: ScriptedRunner;
  readonly client: RunnerClient & { readonly rejected: () => number };
  readonly events: WireEvent[];
  readonly socket: () => VirtualSocket;
}

/** A client that has just connected to a scripted runner, of another lab where that is given. */
export async function wireLab(
  options: Partial<RunnerClientOptions> & { readonly isSilent?: boolean } = {},
  other?: Pick<WireLab, 'platform' | 'runner'>,
): Promise<WireLab> {
  const platform = other?.platform ?? createVirtualPlatform();
  const runner = other?.runner ?? createScriptedRunner(() => platform.now());
  platform.serve((socket) => {
    if (options.isSilent === true) return;
    runner.accept(socket);
    platform.after(1, () => {
      socket.open();
    });
  });
  const client = createRunnerClient({
    address: 'http://127.0.0.1:7717',
    token: 'secret',
    client: { name: 'test', version: '0.1.0', kind: 'other' },
    platform,
    appliesWrites: true,
    ...options,
  });
  const events: WireEvent[] = [];
  client.onEvent((event) => {
    events.push(event);
  });
  await platform.pass(10);
  return {
    platform,
    runner,
    client,
    events,
    socket() {
      const socket = platform.sockets.at(-1);
      if (!socket) throw new Error('no socket was opened');
      return socket;
    },
  };
}

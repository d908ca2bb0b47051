import { writeFileSync } from 'node:fs';
import type { GatewayAccess } from '../../runner/core/ports/gateway.ts';
import type { Sandbox, SandboxRequest, SandboxStreams } from '../../runner/core/ports/sandbox.ts';
import type { AcpLine, AcpTranscript } from './acp-transcripts.ts';

type Message = Readonly<Record<string, unknown>>;

export interface Replay {
  readonly sandbox: Sandbox;
  /** Refuses what was refused, as soon as the agent has no more to say before its turn was ended. */
  readonly gateway: GatewayAccess;
  /** Aborted where the recorded run was canceled. */
  readonly signal: AbortSignal;
  /** Messages of the client that were not those of the recording. */
  readonly differences: readonly string[];
}

/** Says what an agent was recorded to say, each time as far as what the client says has come as well. */
export function replayOf(transcript: AcpTranscript): Replay {
  const differences: string[] = [];
  const canceled = new AbortController();
  const state = { isSilent: false };
  return {
    differences,
    signal: canceled.signal,
    gateway: {
      socketPath: '/nonexistent/model.sock',
      pathOf: (endpoint) => `/${endpoint}`,
      refusal: () => (state.isSilent ? transcript.refusal : null),
      close: () => Promise.resolve(),
    },
    sandbox: {
      probe: () => Promise.resolve({ kind: 'isolated', caps: 'rlimit', detail: 'a recording' }),
      async run(request) {
        await speak(transcript, request, differences, () => {
          state.isSilent = true;
          if (transcript.end === 'canceled') canceled.abort();
        });
        if (transcript.result !== null) writeFileSync(request.env['OPUS_RESULT_FILE'] ?? '', transcript.result);
        return {
          ending: transcript.ending,
          exitCode: transcript.exitCode,
          durationMs: 0,
          tail: '',
          outputBytes: 0,
          stdout: new Uint8Array(),
          refusedHosts: [],
        };
      },
    },
  };
}

function speak(
  transcript: AcpTranscript,
  request: SandboxRequest,
  differences: string[],
  onSilence: () => void,
): Promise<void> {
  const lines = transcript.lines.filter((line): line is Exclude<AcpLine, { leftOut: number }> => !('leftOut' in line));
  const answered = lines.some((line) => isAnswer(line, lines));
  const endsItself = !answered && (transcript.ending === 'exited' || transcript.ending === 'timeout');
  const ids = new Map<unknown, unknown>();
  const heard: Message[] = [];
  let at = 0;
  return new Promise<void>((resolve) => {
    const output = new TransformStream<Uint8Array>(undefined, undefined, { highWaterMark: Infinity });
    const writer = output.writable.getWriter();
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      void writer.close();
      resolve();
    };
    const say = (line: (typeof lines)[number]): void => {
      const text = 'noise' in line ? line.noise : JSON.stringify(withId(line.message, ids));
      void writer.write(new TextEncoder().encode(`${text}\n`));
    };
    /** Killed: what is recorded after that had come before. */
    const endAtOnce = (): void => {
      if (!isOver) for (const line of lines.slice(at)) if (line.from === 'agent') say(line);
      end();
    };
    const go = (): void => {
      for (let line = lines[at]; line !== undefined && !isOver; line = lines[at]) {
        if (line.from === 'client' && 'message' in line) {
          const said = heard.shift();
          if (said === undefined) {
            if (line.message['method'] === 'session/cancel') onSilence();
            return;
          }
          if (gist(said) !== gist(line.message)) differences.push(`${gist(said)} instead of ${gist(line.message)}`);
          ids.set(line.message['id'], said['id']);
        } else {
          say(line);
        }
        at += 1;
      }
      onSilence();
      if (endsItself) end();
    };
    const streams: SandboxStreams = {
      write: (text, done) => {
        for (const part of text.split('\n')) if (part !== '') heard.push(JSON.parse(part) as Message);
        done();
        go();
      },
      end,
      stdout: output.readable as AsyncIterable<Uint8Array>,
    };
    request.signal?.addEventListener('abort', endAtOnce, { once: true });
    request.conversation?.onStart(streams);
  });
}

/** Of a request its method, of an answer all but its number. */
function gist({ method, result, error }: Message): string {
  return typeof method === 'string' ? method : JSON.stringify({ result, error });
}

/** The answer to the prompt: after it the client ends the agent's input. */
function isAnswer(line: AcpLine, lines: readonly AcpLine[]): boolean {
  if (!('message' in line) || line.from !== 'agent' || 'method' in line.message) return false;
  return lines.some(
    (one) =>
      'message' in one &&
      one.from === 'client' &&
      one.message['method'] === 'session/prompt' &&
      one.message['id'] === line.message['id'],
  );
}

/** What answers the client bears the number that the client gave it this time. */
function withId(message: Message, ids: ReadonlyMap<unknown, unknown>): Message {
  return 'method' in message ? message : { ...message, id: ids.get(message['id']) ?? message['id'] };
}

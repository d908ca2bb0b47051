import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import type { SandboxStreams } from '../../../core/ports/sandbox.ts';

const longestMessage = 16 * 1024 * 1024;
const mostOpenRequests = 1_000;

export interface MessageStreamOptions {
  readonly streams: Pick<SandboxStreams, 'write' | 'stdout'>;
  /** A message of the protocol came; whatever else an agent prints is no sign of life. */
  readonly onMessage: () => void;
  /**
   * Not left to the SDK, which drops a whole update for one field that it does not expect, says so on the runner's own
   * output, and may hand it on after the answer that followed it.
   */
  readonly onNotification: (method: string, params: unknown) => void;
  /** A line that is no message, as programs print them. */
  readonly onNoise: (line: string) => void;
}

/**
 * JSON-RPC messages by lines, from a program that is not trusted: what is no message is left out, one that is too large
 * or more requests than are being answered end the stream with an error.
 */
export function createMessageStream(options: MessageStreamOptions): Stream {
  const awaited = new Set<unknown>();
  let open = 0;

  function accept(line: string): AnyMessage | null {
    const message = parse(line);
    if (message === null) {
      options.onNoise(line);
      return null;
    }
    const isCall = 'method' in message;
    const id = 'id' in message ? message.id : undefined;
    // Nobody asked, or it was answered before.
    if (!isCall && !awaited.delete(id)) return null;
    if (isCall && id !== undefined) open += 1;
    if (open > mostOpenRequests) throw new Error('it asks faster than it reads the answers');
    options.onMessage();
    if (!isCall || id !== undefined) return message;
    options.onNotification(message.method, message.params);
    return null;
  }

  async function* received(): AsyncGenerator<AnyMessage> {
    for await (const line of lines(options.streams.stdout)) {
      const message = line.trim() === '' ? null : accept(line);
      if (message !== null) yield message;
    }
  }

  return {
    readable: ReadableStream.from(received()),
    writable: new WritableStream<AnyMessage>({
      write: (message) =>
        new Promise<void>((resolve, reject) => {
          if (!('method' in message)) open -= 1;
          else if ('id' in message) awaited.add(message.id);
          options.streams.write(`${JSON.stringify(message)}\n`, (error) => {
            if (error) reject(error);
            else resolve();
          });
        }),
    }),
  };
}

function parse(line: string): AnyMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { jsonrpc, method, id } = value as Readonly<Record<string, unknown>>;
  if (jsonrpc !== '2.0') return null;
  const isMessage = method === undefined ? 'result' in value || 'error' in value : typeof method === 'string';
  const hasGoodId = id === undefined ? method !== undefined : ['string', 'number'].includes(typeof id);
  return isMessage && hasGoodId ? (value as AnyMessage) : null;
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of untilCut(chunks)) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...pieces, chunk.subarray(from, at)]).toString('utf8');
      pieces = [];
      size = 0;
      from = at + 1;
    }
    size += chunk.length - from;
    if (size > longestMessage) {
      throw new Error(`it sent a message of more than ${longestMessage / 1_048_576} MB`);
    }
    if (from < chunk.length) pieces.push(chunk.subarray(from));
  }
  yield Buffer.concat(pieces).toString('utf8');
}

/** A program that is killed leaves its output unfinished, which is an end like any other. */
async function* untilCut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw thrown;
  }
}

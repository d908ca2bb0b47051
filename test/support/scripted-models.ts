import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TokenUsage } from '../../shared/domain/agent-event.ts';
import { dialects, type Dialect, type Piece, type ScriptedCall } from './scripted-dialects.ts';

/** What a model says when it is its turn. */
export interface ScriptedTurn {
  readonly thinking?: string;
  readonly text?: string;
  /** Tools by the names that the agent offers. */
  readonly tools?: readonly { readonly name: string; readonly input: unknown }[];
  readonly usage?: Partial<TokenUsage>;
  readonly fault?: ScriptedFault;
  /** Of an answer that is none of its faults. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called before anything is answered; the answer waits for it. */
  readonly beforeAnswer?: () => Promise<unknown>;
  /** Called before each piece of a stream; the next one waits for it. */
  readonly beforePiece?: (index: number) => Promise<unknown> | undefined;
}

export type ScriptedFault =
  /** An answer of this status, the first `times` times. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** The protocol's own error when absent. `echo` sends back the headers of the request. */
      readonly body?: unknown;
      readonly echo?: true;
      readonly times?: number;
    }
  /** No answer at all. */
  | { readonly hang: true }
  /** The connection breaks after so many pieces. */
  | { readonly dropAfter: number };

export interface ScriptedRequest {
  readonly dialect: Dialect;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** Index of the turn that answered. */
  readonly turn: number;
  /** Whether the other side went away before the end. */
  readonly isAborted: boolean;
}

/** A provider on loopback that speaks all four protocols, each at its own paths. */
export interface ScriptedModels {
  readonly url: string;
  readonly requests: readonly ScriptedRequest[];
  /** What it says from now on. */
  say(...turns: readonly ScriptedTurn[]): void;
  /** The server's own count: of responses that ended, as it told them. */
  counted(): TokenUsage;
  /** Connections that were ever opened to it. */
  connections(): number;
  close(): Promise<void>;
}

export interface ScriptedModelsOptions {
  readonly turns?: readonly ScriptedTurn[];
  /**
   * Which turn is next: by what the model has said before according to the request, so that an agent that was ended
   * goes on where it was (the default), or by the number of requests.
   */
  readonly order?: 'history' | 'requests';
}

export async function startScriptedModels(options: ScriptedModelsOptions = {}): Promise<ScriptedModels> {
  let turns = options.turns ?? [];
  const requests: (ScriptedRequest & { isAborted: boolean })[] = [];
  const faults = new Map<ScriptedTurn, number>();
  let counted: TokenUsage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0 };
  let connections = 0;
  let answered = 0;

  /** False when the answer goes on as if nothing were. */
  function fails(turn: ScriptedTurn, call: ScriptedCall, request: IncomingMessage, response: ServerResponse): boolean {
    const { fault } = turn;
    if (fault === undefined || 'dropAfter' in fault) return false;
    if ('hang' in fault) return true;
    const times = (faults.get(turn) ?? 0) + 1;
    faults.set(turn, times);
    if (times > (fault.times ?? Infinity)) return false;
    const { status, headers, echo } = fault;
    const body = echo === true ? { error: { message: JSON.stringify(request.headers) } } : fault.body;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body ?? dialects[call.dialect].error(status)));
    return true;
  }

  async function stream(pieces: readonly Piece[], turn: ScriptedTurn, response: ServerResponse): Promise<boolean> {
    response.writeHead(200, {
      ...{ 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
      ...turn.headers,
    });
    response.flushHeaders();
    const dropAfter = turn.fault !== undefined && 'dropAfter' in turn.fault ? turn.fault.dropAfter : Infinity;
    for (const [index, piece] of pieces.entries()) {
      await turn.beforePiece?.(index);
      if (index >= dropAfter) {
        // What was written before is to arrive.
        await new Promise((resolve) => response.write('\n', resolve));
        response.destroy();
        return false;
      }
      if (response.destroyed) return false;
      if (!response.write(piece)) await writable(response);
    }
    response.end();
    return true;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const url = request.url ?? '';
    const call = dialectCall(url, body);
    if (call === null) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: [], models: [] }));
      return;
    }
    const index = options.order === 'requests' ? answered : dialects[call.dialect].said(body);
    answered += 1;
    const turn = turns[index] ?? { text: `(nothing is scripted for turn ${index})` };
    const { method = '', headers } = request;
    const record = { dialect: call.dialect, method, url, headers, body, turn: index, isAborted: false };
    requests.push(record);
    response.once('close', () => (record.isAborted = !response.writableFinished));
    await turn.beforeAnswer?.();
    if (fails(turn, call, request, response)) return;
    const usage = { input: 100, cacheRead: 0, cacheWrite: 0, output: 10, ...turn.usage };
    const scripted = dialects[call.dialect].answer(call, turn, usage);
    let isWhole = true;
    if (call.isStreamed) isWhole = await stream(scripted.pieces, turn, response);
    else {
      response.writeHead(200, { 'content-type': 'application/json', ...turn.headers });
      response.end(JSON.stringify(scripted.whole));
    }
    if (!isWhole) return;
    counted = {
      input: counted.input + usage.input,
      cacheRead: counted.cacheRead + usage.cacheRead,
      cacheWrite: counted.cacheWrite + usage.cacheWrite,
      output: counted.output + usage.output,
    };
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    say: (...next) => {
      turns = next;
      answered = 0;
    },
    counted: () => counted,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Until more can be written, or nothing any more. */
function writable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Null for what no model answers, such as the list of models. */
function dialectCall(url: string, body: Readonly<Record<string, unknown>>): ScriptedCall | null {
  const [path = ''] = url.split('?');
  const google = /\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(path);
  if (google?.[1] !== undefined) {
    return { dialect: 'generate', model: google[1], isStreamed: google[2] === 'streamGenerateContent', body };
  }
  const dialect = path.endsWith('/v1/messages')
    ? 'messages'
    : path.endsWith('/responses')
      ? 'responses'
      : path.endsWith('/chat/completions')
        ? 'chat'
        : null;
  if (dialect === null) return null;
  return { dialect, model: String(body['model']), isStreamed: body['stream'] === true, body };
}

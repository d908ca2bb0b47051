import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayAccess, GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import { listOf, objectOf, textOf, type JsonObject } from '../../runner/adapters/agents/native/json-values.ts';

/** What the model says in one answer. The turn is told from the history in the request, so that a resumed agent goes on where it was. */
export interface ModelTurn {
  readonly text?: string;
  readonly write?: { readonly path: string; readonly content: string };
  readonly run?: string;
  /** A tool that nobody offered. */
  readonly unknownTool?: string;
  readonly fault?: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    /** Begins to answer and cuts the connection. */
    readonly drop?: boolean;
    /** Never answers. */
    readonly hang?: boolean;
  };
}

export interface CliModels {
  readonly socketPath: string;
  /** Paths that were asked for, with the turn that was answered. */
  readonly requests: { readonly path: string; readonly turn: number }[];
  close(): Promise<void>;
}

interface Call {
  readonly name: string;
  readonly input: unknown;
  readonly custom?: boolean;
}

interface Asked {
  readonly turn: number;
  readonly tools: readonly JsonObject[];
}

/** Of each answer, which every protocol words in its own way; `input` without what came from the cache. */
export const scriptedUsage = { input: 1_000, cached: 500, output: 50 };

/** Models on a unix socket under /anthropic, /openai, /google and /mock (chat completions), all by one script. */
export async function startCliModels(turns: readonly ModelTurn[]): Promise<CliModels> {
  const folder = mkdtempSync(join(tmpdir(), 'm-'));
  const socketPath = join(folder, 's');
  const requests: { path: string; turn: number }[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, turns, requests).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A gateway that hands everything on, and refuses when it is told to. */
export function gatewayTo(models: CliModels, refusal: () => GatewayRefusal | null = () => null): GatewayAccess {
  return {
    socketPath: models.socketPath,
    pathOf: (endpoint) => `/${endpoint}`,
    refusal,
    close: () => Promise.resolve(),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  turns: readonly ModelTurn[],
  requests: { path: string; turn: number }[],
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://models').pathname;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = objectOf(chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as unknown));
  const protocol = protocols.find(({ pattern }) => pattern.test(path));
  if (protocol === undefined) {
    json(response, path.endsWith('/models') ? 200 : 404, { data: [], models: [] });
    return;
  }
  const asked = protocol.read(body);
  // Titles and summaries, which agents ask for beside their work.
  const aside = asked.tools.length === 0;
  const turn: ModelTurn = aside ? { text: 'ok' } : (turns[asked.turn] ?? { text: 'The script has ended.' });
  requests.push({ path, turn: aside ? -1 : asked.turn });
  const { fault } = turn;
  if (fault?.hang === true) return;
  if (fault?.status !== undefined) {
    json(response, fault.status, protocol.error(fault.status), fault.headers);
    return;
  }
  const model = textOf(body['model']) || (/models\/([^:]+):/.exec(path)?.[1] ?? 'scripted');
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const events = protocol.stream({ model, text: turn.text ?? '', calls: callsOf(turn, asked.tools) });
  if (fault?.drop === true) {
    response.write(events.slice(0, Math.ceil(events.length / 3)).join(''));
    setImmediate(() => response.socket?.destroy());
    return;
  }
  response.end(events.join(''));
}

function json(response: ServerResponse, status: number, body: unknown, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function callsOf(turn: ModelTurn, tools: readonly JsonObject[]): Call[] {
  const named = (names: readonly string[]): JsonObject | undefined =>
    names.map((name) => tools.find((tool) => tool['name'] === name)).find((tool) => tool !== undefined);
  const calls: Call[] = [];
  if (turn.unknownTool !== undefined) calls.push({ name: turn.unknownTool, input: { any: 'thing' } });
  const shell = (command: string): void => {
    const tool = named(['Bash', 'bash', 'run_shell_command', 'exec_command', 'shell_command', 'shell', 'exec']);
    if (tool === undefined) return;
    const name = textOf(tool['name']);
    if (tool['custom'] === true) {
      const source = `const r = await tools.exec_command(${JSON.stringify({ cmd: command })}); text(JSON.stringify(r));`;
      calls.push({ name, input: source, custom: true });
      return;
    }
    const properties = objectOf(objectOf(tool['parameters'])['properties']);
    const field = 'cmd' in properties ? 'cmd' : 'command';
    calls.push({
      name,
      input: { [field]: command, ...('description' in properties ? { description: 'scripted' } : {}) },
    });
  };
  if (turn.write !== undefined) {
    const { path, content } = turn.write;
    const tool = named(['Write', 'write', 'write_file']);
    const properties = objectOf(objectOf(tool?.['parameters'])['properties']);
    if (tool === undefined) shell(`printf '%s' '${content}' > ${path}`);
    else
      calls.push({
        name: textOf(tool['name']),
        input: { ['filePath' in properties ? 'filePath' : 'file_path']: path, content },
      });
  }
  if (turn.run !== undefined) shell(turn.run);
  return calls;
}

interface Said {
  readonly model: string;
  readonly text: string;
  readonly calls: readonly Call[];
}

interface Protocol {
  readonly pattern: RegExp;
  read(body: JsonObject): Asked;
  readonly error: (status: number) => unknown;
  /** What goes over the wire, in pieces. */
  stream(said: Said): string[];
}

/** Answers of the model in a history: whatever it said without anybody between counts once. */
function turnsIn(history: readonly JsonObject[], isModel: (entry: JsonObject) => boolean): number {
  return history.filter((entry, at) => isModel(entry) && !(at > 0 && isModel(history[at - 1] ?? {}))).length;
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const event = (type: string, value: object): string => `event: ${type}\n${data({ type, ...value })}`;
let count = 0;
const id = (prefix: string): string => `${prefix}_${(count += 1)}`;

const anthropic: Protocol = {
  pattern: /\/v1\/messages$/,
  read: (body) => ({
    turn: turnsIn(listOf(body['messages']), ({ role }) => role === 'assistant'),
    tools: listOf(body['tools']).map((tool) => ({ name: tool['name'], parameters: tool['input_schema'] })),
  }),
  error: (status) => ({ type: 'error', error: { type: 'api_error', message: `scripted ${status}` } }),
  stream: ({ model, text, calls }) => {
    const usage = {
      input_tokens: scriptedUsage.input,
      cache_read_input_tokens: scriptedUsage.cached,
      cache_creation_input_tokens: 0,
    };
    const blocks = [
      ...(text === '' ? [] : [{ start: { type: 'text', text: '' }, delta: { type: 'text_delta', text } }]),
      ...calls.map(({ name, input }) => ({
        start: { type: 'tool_use', id: id('toolu'), name, input: {} },
        delta: { type: 'input_json_delta', partial_json: JSON.stringify(input) },
      })),
    ];
    const message = { id: id('msg'), type: 'message', role: 'assistant', model, content: [], stop_reason: null };
    const stop_reason = calls.length > 0 ? 'tool_use' : 'end_turn';
    return [
      event('message_start', { message: { ...message, usage: { ...usage, output_tokens: 1 } } }),
      ...blocks.flatMap(({ start, delta }, index) => [
        event('content_block_start', { index, content_block: start }),
        event('content_block_delta', { index, delta }),
        event('content_block_stop', { index }),
      ]),
      event('message_delta', { delta: { stop_reason }, usage: { ...usage, output_tokens: scriptedUsage.output } }),
      event('message_stop', {}),
    ];
  },
};

const modelItems = ['function_call', 'custom_tool_call', 'reasoning'];

const responses: Protocol = {
  pattern: /\/v1\/responses$/,
  read: (body) => ({
    turn: turnsIn(listOf(body['input']), ({ type, role }) => modelItems.includes(textOf(type)) || role === 'assistant'),
    tools: listOf(body['tools']).map((tool) => ({ ...tool, custom: tool['type'] === 'custom' })),
  }),
  error: (status) => ({ error: { message: `scripted ${status}`, type: 'error', code: null } }),
  stream: ({ model, text, calls }) => {
    const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] };
    const output = [
      ...(text === '' ? [] : [{ ...said, id: id('msg'), status: 'completed' }]),
      ...calls.map(({ name, input, custom }) =>
        custom === true
          ? { type: 'custom_tool_call', id: id('ctc'), call_id: id('call'), name, input, status: 'completed' }
          : { type: 'function_call', id: id('fc'), call_id: id('call'), name, arguments: JSON.stringify(input) },
      ),
    ];
    const input_tokens = scriptedUsage.input + scriptedUsage.cached;
    const usage = {
      input_tokens,
      input_tokens_details: { cached_tokens: scriptedUsage.cached },
      output_tokens: scriptedUsage.output,
      total_tokens: input_tokens + scriptedUsage.output,
    };
    const response = { id: id('resp'), object: 'response', model, status: 'in_progress', output: [], usage: null };
    return [
      event('response.created', { response }),
      ...output.flatMap((item, output_index) => [
        event('response.output_item.added', { output_index, item }),
        event('response.output_item.done', { output_index, item }),
      ]),
      event('response.completed', { response: { ...response, status: 'completed', output, usage } }),
    ];
  },
};

const chat: Protocol = {
  pattern: /\/chat\/completions$/,
  read: (body) => ({
    turn: turnsIn(listOf(body['messages']), ({ role }) => role === 'assistant'),
    tools: listOf(body['tools']).map((tool) => objectOf(tool['function'])),
  }),
  error: responses.error,
  stream: ({ model, text, calls }) => {
    const base = { id: id('chatcmpl'), object: 'chat.completion.chunk', created: 1, model };
    const chunk = (delta: object, finish_reason: string | null = null): string =>
      data({ ...base, choices: [{ index: 0, delta, finish_reason }] });
    const prompt_tokens = scriptedUsage.input + scriptedUsage.cached;
    return [
      chunk({ role: 'assistant', content: text }),
      ...calls.map(({ name, input }, index) =>
        chunk({
          tool_calls: [
            { index, id: id('call'), type: 'function', function: { name, arguments: JSON.stringify(input) } },
          ],
        }),
      ),
      chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'),
      data({
        ...base,
        choices: [],
        usage: {
          prompt_tokens,
          completion_tokens: scriptedUsage.output,
          total_tokens: prompt_tokens + scriptedUsage.output,
          prompt_tokens_details: { cached_tokens: scriptedUsage.cached },
        },
      }),
      'data: [DONE]\n\n',
    ];
  },
};

const google: Protocol = {
  pattern: /:streamGenerateContent$/,
  read: (body) => ({
    turn: turnsIn(listOf(body['contents']), ({ role }) => role === 'model'),
    tools: listOf(body['tools'])
      .flatMap((tool) => listOf(tool['functionDeclarations']))
      .map((tool) => ({ name: tool['name'], parameters: tool['parametersJsonSchema'] ?? tool['parameters'] })),
  }),
  error: (code) => ({
    error: { code, message: `scripted ${code}`, status: code === 429 ? 'RESOURCE_EXHAUSTED' : 'X' },
  }),
  stream: ({ text, calls }) => {
    const prompt = scriptedUsage.input + scriptedUsage.cached;
    const usageMetadata = {
      promptTokenCount: prompt,
      candidatesTokenCount: scriptedUsage.output,
      cachedContentTokenCount: scriptedUsage.cached,
      totalTokenCount: prompt + scriptedUsage.output,
    };
    const parts = [
      ...(text === '' ? [] : [{ text }]),
      ...calls.map(({ name, input }) => ({ functionCall: { name, args: input } })),
    ];
    return parts.map((part, at) =>
      data({
        candidates: [
          {
            index: 0,
            content: { role: 'model', parts: [part] },
            ...(at === parts.length - 1 ? { finishReason: 'STOP' } : {}),
          },
        ],
        usageMetadata,
      }),
    );
  },
};

const protocols = [anthropic, responses, chat, google];

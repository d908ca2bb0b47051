import { listOf, objectOf, textOf, type JsonObject } from '../../runner/adapters/agents/json-values.ts';

export interface Call {
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

/** How models are spoken to, as far as the CLIs need it. */
export const protocols = [anthropic, responses, chat, google];

import type { TokenUsage } from '../../shared/domain/agent-event.ts';
import type { ScriptedTurn } from './scripted-models.ts';

export type Dialect = 'messages' | 'responses' | 'chat' | 'generate';
/** Bytes of a stream that are sent at once. */
export type Piece = string;

export interface ScriptedCall {
  readonly dialect: Dialect;
  readonly model: string;
  readonly isStreamed: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

interface ScriptedDialect {
  /** How often the model has spoken in the conversation that the request holds. */
  said(body: Readonly<Record<string, unknown>>): number;
  answer(call: ScriptedCall, turn: ScriptedTurn, usage: TokenUsage): { pieces: readonly Piece[]; whole: unknown };
  error(status: number): unknown;
}

let last = 0;
const newId = (prefix: string): string => {
  last += 1;
  return `${prefix}_${last}`;
};

const event = (data: Readonly<Record<string, unknown>>): Piece =>
  `${typeof data['type'] === 'string' ? `event: ${data['type']}\n` : ''}data: ${JSON.stringify(data)}\n\n`;

const inPieces = (text: string): readonly string[] => text.match(/[^]{1,24}/g) ?? [];

/** Several entries in a row are one turn. */
function turnsOf(entries: unknown, isModels: (entry: Readonly<Record<string, unknown>>) => boolean): number {
  const list = Array.isArray(entries) ? (entries as Readonly<Record<string, unknown>>[]) : [];
  return list.filter((entry, index) => {
    const before = list[index - 1];
    return isModels(entry) && (before === undefined || !isModels(before));
  }).length;
}

const messages: ScriptedDialect = {
  said: (body) => turnsOf(body['messages'], ({ role }) => role === 'assistant'),
  error: (status) => ({
    type: 'error',
    error: { type: status === 429 ? 'rate_limit_error' : 'api_error', message: `scripted ${status}` },
  }),
  answer: ({ model }, turn, usage) => {
    const told = {
      input_tokens: usage.input - usage.cacheRead - usage.cacheWrite,
      cache_read_input_tokens: usage.cacheRead,
      cache_creation_input_tokens: usage.cacheWrite,
      output_tokens: usage.output,
    };
    const blocks = [
      ...(turn.thinking === undefined ? [] : [{ type: 'thinking', thinking: turn.thinking, signature: 'c2ln' }]),
      ...(turn.text === undefined ? [] : [{ type: 'text', text: turn.text }]),
      ...(turn.tools ?? []).map(({ name, input }) => ({ type: 'tool_use', id: newId('toolu'), name, input })),
    ];
    const stop_reason = turn.tools === undefined ? 'end_turn' : 'tool_use';
    const message = { id: newId('msg'), type: 'message', role: 'assistant', model, stop_reason, stop_sequence: null };
    const pieces = [
      event({
        type: 'message_start',
        message: { ...message, stop_reason: null, content: [], usage: { ...told, output_tokens: 1 } },
      }),
      ...blocks.flatMap((block, index) => {
        const [empty, deltas] =
          'text' in block
            ? [{ ...block, text: '' }, inPieces(block.text).map((text) => ({ type: 'text_delta', text }))]
            : 'thinking' in block
              ? [{ ...block, thinking: '', signature: '' }, [{ type: 'thinking_delta', thinking: block.thinking }]]
              : [
                  { ...block, input: {} },
                  inPieces(JSON.stringify(block.input)).map((partial_json) => ({
                    type: 'input_json_delta',
                    partial_json,
                  })),
                ];
        return [
          event({ type: 'content_block_start', index, content_block: empty }),
          ...deltas.map((delta) => event({ type: 'content_block_delta', index, delta })),
          event({ type: 'content_block_stop', index }),
        ];
      }),
      event({
        type: 'message_delta',
        delta: { stop_reason, stop_sequence: null },
        usage: { output_tokens: usage.output },
      }),
      event({ type: 'message_stop' }),
    ];
    return { pieces, whole: { ...message, content: blocks, usage: told } };
  },
};

const openaiError = (status: number): unknown => ({
  error: { message: `scripted ${status}`, type: status === 429 ? 'rate_limit_exceeded' : 'server_error', code: null },
});

const responses: ScriptedDialect = {
  said: (body) =>
    turnsOf(
      body['input'],
      ({ role, type }) => role === 'assistant' || type === 'function_call' || type === 'reasoning',
    ),
  error: openaiError,
  answer: ({ model }, turn, usage) => {
    const base = {
      id: newId('resp'),
      object: 'response',
      created_at: 1,
      model,
      status: 'in_progress',
      output: [],
      usage: null,
    };
    const output = [
      ...(turn.text === undefined
        ? []
        : [
            {
              ...{ type: 'message', id: newId('msg'), role: 'assistant', status: 'completed' },
              content: [{ type: 'output_text', text: turn.text, annotations: [] }],
            },
          ]),
      ...(turn.tools ?? []).map(({ name, input }) => ({
        ...{ type: 'function_call', id: newId('fc'), call_id: newId('call'), name },
        ...{ arguments: JSON.stringify(input), status: 'completed' },
      })),
    ];
    const whole = {
      ...base,
      ...{ status: 'completed', output },
      usage: {
        input_tokens: usage.input,
        input_tokens_details: { cached_tokens: usage.cacheRead },
        output_tokens: usage.output,
        total_tokens: usage.input + usage.output,
      },
    };
    let sequence_number = 0;
    const numbered = (data: Readonly<Record<string, unknown>>): Piece =>
      event({ ...data, sequence_number: sequence_number++ });
    const pieces = [
      numbered({ type: 'response.created', response: base }),
      ...output.flatMap((item, output_index) => {
        const at = { item_id: item.id, output_index };
        const deltas =
          'content' in item
            ? inPieces(item.content[0]?.text ?? '').map((delta) =>
                numbered({ type: 'response.output_text.delta', ...at, content_index: 0, delta }),
              )
            : inPieces(item.arguments).map((delta) =>
                numbered({ type: 'response.function_call_arguments.delta', ...at, delta }),
              );
        return [
          numbered({ type: 'response.output_item.added', output_index, item }),
          ...deltas,
          numbered({ type: 'response.output_item.done', output_index, item }),
        ];
      }),
      numbered({ type: 'response.completed', response: whole }),
    ];
    return { pieces, whole };
  },
};

const chat: ScriptedDialect = {
  said: (body) => turnsOf(body['messages'], ({ role }) => role === 'assistant'),
  error: openaiError,
  answer: ({ model, body }, turn, usage) => {
    const base = { id: newId('chatcmpl'), created: 1, model };
    const told = {
      prompt_tokens: usage.input,
      prompt_tokens_details: { cached_tokens: usage.cacheRead },
      completion_tokens: usage.output,
      total_tokens: usage.input + usage.output,
    };
    const calls = (turn.tools ?? []).map(({ name, input }, index) => ({
      ...{ index, id: newId('call'), type: 'function' },
      function: { name, arguments: JSON.stringify(input) },
    }));
    const finish_reason = calls.length > 0 ? 'tool_calls' : 'stop';
    const chunk = (choices: readonly unknown[], more: object = {}): Piece =>
      event({ ...base, object: 'chat.completion.chunk', choices, ...more });
    const delta = (content: object, finish: string | null = null): Piece =>
      chunk([{ index: 0, delta: content, finish_reason: finish }]);
    const asksForUsage = (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true;
    const pieces = [
      delta({ role: 'assistant', content: '' }),
      ...inPieces(turn.text ?? '').map((content) => delta({ content })),
      ...calls.map((call) => delta({ tool_calls: [call] })),
      delta({}, finish_reason),
      ...(asksForUsage ? [chunk([], { usage: told })] : []),
      'data: [DONE]\n\n',
    ];
    const message = {
      role: 'assistant',
      content: turn.text ?? null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    };
    const whole = { ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage: told };
    return { pieces, whole };
  },
};

const generate: ScriptedDialect = {
  said: (body) => turnsOf(body['contents'], ({ role }) => role === 'model'),
  error: (status) => ({
    error: { code: status, message: `scripted ${status}`, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL' },
  }),
  answer: ({ model }, turn, usage) => {
    const usageMetadata = {
      promptTokenCount: usage.input,
      cachedContentTokenCount: usage.cacheRead,
      candidatesTokenCount: usage.output,
      totalTokenCount: usage.input + usage.output,
    };
    const texts = inPieces(turn.text ?? '').map((text) => ({ text }));
    const calls = (turn.tools ?? []).map(({ name, input }) => ({ functionCall: { name, args: input } }));
    const chunk = (parts: readonly unknown[], more: object): Readonly<Record<string, unknown>> => ({
      candidates: [{ content: { role: 'model', parts }, index: 0, ...more }],
      modelVersion: model,
    });
    const pieces = [
      ...[...texts, ...calls].map((part) =>
        event({ ...chunk([part], {}), usageMetadata: { promptTokenCount: usage.input, totalTokenCount: usage.input } }),
      ),
      event({ ...chunk([{ text: '' }], { finishReason: 'STOP' }), usageMetadata }),
    ];
    const parts = [...(turn.text === undefined ? [] : [{ text: turn.text }]), ...calls];
    return { pieces, whole: { ...chunk(parts, { finishReason: 'STOP' }), usageMetadata } };
  },
};

export const dialects: Readonly<Record<Dialect, ScriptedDialect>> = { messages, responses, chat, generate };

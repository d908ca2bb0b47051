import { countField, field, listField, textBytes, textField } from './json-fields.ts';
import type { Reading, UsageReader } from './reading.ts';
import type { Dialect } from './routes.ts';

export const usageReaders: Readonly<Record<Dialect, UsageReader>> = {
  messages: readMessages,
  responses: readResponses,
  chat: readChat,
  generate: readGenerate,
};

/** Anthropic: the input at the start, the output in `message_delta`, counted up from the start of the response. */
function readMessages(event: unknown, reading: Reading): void {
  switch (field(event, 'type')) {
    case 'message_start':
      reading.model = textField(event, 'message', 'model') ?? reading.model;
      readMessageUsage(field(event, 'message', 'usage'), reading);
      return;
    case 'content_block_delta':
      reading.streamed +=
        textBytes(field(event, 'delta', 'text')) +
        textBytes(field(event, 'delta', 'thinking')) +
        textBytes(field(event, 'delta', 'partial_json'));
      return;
    case 'message_delta':
      readFinalMessageUsage(field(event, 'usage'), reading);
      return;
    case 'message':
      reading.model = textField(event, 'model') ?? reading.model;
      readFinalMessageUsage(field(event, 'usage'), reading);
      return;
    case 'error':
      reading.failure = event;
      return;
    default:
  }
}

function readFinalMessageUsage(usage: unknown, reading: Reading): void {
  readMessageUsage(usage, reading);
  const output = countField(usage, 'output_tokens');
  if (output === null) return;
  reading.output = output;
  reading.isComplete = reading.input !== null;
}

function readMessageUsage(usage: unknown, reading: Reading): void {
  const plain = countField(usage, 'input_tokens');
  const read = countField(usage, 'cache_read_input_tokens');
  const written = countField(usage, 'cache_creation_input_tokens');
  // Which of them a later event repeats differs; none of them goes down.
  const before = reading.input === null ? 0 : reading.input - reading.cacheRead - reading.cacheWrite;
  reading.cacheRead = Math.max(reading.cacheRead, read ?? 0);
  reading.cacheWrite = Math.max(reading.cacheWrite, written ?? 0);
  if (plain !== null || reading.input !== null) {
    reading.input = Math.max(before, plain ?? 0) + reading.cacheRead + reading.cacheWrite;
  }
  reading.output = Math.max(reading.output, countField(usage, 'output_tokens') ?? 0);
}

/** OpenAI Responses: one count, in the event that ends the response. */
function readResponses(event: unknown, reading: Reading): void {
  const type = textField(event, 'type');
  if (type?.endsWith('.delta') === true) {
    reading.streamed += textBytes(field(event, 'delta'));
    return;
  }
  if (type === 'error') reading.failure = event;
  const response = type === null ? event : field(event, 'response');
  reading.model = textField(response, 'model') ?? reading.model;
  if (type === 'response.failed') reading.failure = field(response, 'error');
  const usage = field(response, 'usage');
  const output = countField(usage, 'output_tokens');
  if (output === null) return;
  reading.input = countField(usage, 'input_tokens');
  reading.cacheRead = countField(usage, 'input_tokens_details', 'cached_tokens') ?? 0;
  reading.output = output;
  reading.isComplete = reading.input !== null;
}

/** OpenAI chat completions and all that is compatible: a count in the last chunk, which some repeat in each. */
function readChat(event: unknown, reading: Reading): void {
  reading.model = textField(event, 'model') ?? reading.model;
  if (field(event, 'error') !== undefined) reading.failure = event;
  const choices = listField(event, 'choices');
  for (const choice of choices) {
    const delta = field(choice, 'delta');
    for (const name of ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls']) {
      reading.streamed += textBytes(field(delta, name));
    }
  }
  const usage = field(event, 'usage');
  const output = countField(usage, 'completion_tokens');
  const input = countField(usage, 'prompt_tokens');
  if (output === null || input === null) return;
  reading.input = input;
  reading.cacheRead =
    countField(usage, 'prompt_tokens_details', 'cached_tokens') ?? countField(usage, 'prompt_cache_hit_tokens') ?? 0;
  reading.cacheWrite = countField(usage, 'prompt_tokens_details', 'cache_write_tokens') ?? 0;
  // Some leave the thinking out of the completion, and in the total.
  reading.output = Math.max(output, (countField(usage, 'total_tokens') ?? 0) - input);
  reading.isComplete = choices.every((choice) => textField(choice, 'finish_reason') !== null);
}

/** Gemini: a count so far in each chunk. */
function readGenerate(event: unknown, reading: Reading): void {
  reading.model = textField(event, 'modelVersion') ?? reading.model;
  if (field(event, 'error') !== undefined) reading.failure = event;
  const candidates = listField(event, 'candidates');
  for (const candidate of candidates) {
    for (const part of listField(candidate, 'content', 'parts')) {
      reading.streamed += textBytes(field(part, 'text')) + textBytes(field(part, 'functionCall'));
    }
  }
  const usage = field(event, 'usageMetadata');
  const prompt = countField(usage, 'promptTokenCount');
  if (prompt === null) return;
  reading.input = Math.max(reading.input ?? 0, prompt + (countField(usage, 'toolUsePromptTokenCount') ?? 0));
  reading.cacheRead = Math.max(reading.cacheRead, countField(usage, 'cachedContentTokenCount') ?? 0);
  const output = (countField(usage, 'candidatesTokenCount') ?? 0) + (countField(usage, 'thoughtsTokenCount') ?? 0);
  reading.output = Math.max(reading.output, output);
  const ended = candidates.some((candidate) => textField(candidate, 'finishReason') !== null);
  reading.isComplete = ended || textField(event, 'promptFeedback', 'blockReason') !== null;
}

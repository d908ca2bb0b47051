import type { TokenUsage } from '#shared/domain/agent-event.ts';
import { countOf, objectOf, type JsonObject } from '../json-values.ts';

/**
 * What the answer to a prompt, or an update, says of tokens, in the words of those agents that say anything: `usage` of the protocol's
 * next version, Gemini's quota and what others keep in `_meta`. Null when it says nothing.
 */
export function usageOfAnswer(answer: unknown): TokenUsage | null {
  const meta = objectOf(objectOf(answer)['_meta']);
  const told = [
    objectOf(answer)['usage'],
    meta['usage'],
    objectOf(meta['quota'])['token_count'],
    objectOf(meta['quota'])['tokenCount'],
  ];
  for (const candidate of told) {
    const usage = meteredUsage(objectOf(candidate));
    if (usage.input + usage.output > 0) return usage;
  }
  return null;
}

/** Where the parts make up the total, what came from a cache is beside the input, not in it. */
function meteredUsage(words: JsonObject): TokenUsage {
  const named = (...names: string[]): number =>
    countOf(names.map((name) => words[name]).find((value) => countOf(value) > 0));
  const input = named('inputTokens', 'input_tokens', 'promptTokens', 'prompt_tokens');
  const output = named('outputTokens', 'output_tokens', 'completionTokens', 'completion_tokens');
  const thought = named('thoughtTokens', 'thought_tokens');
  const cacheRead = named('cachedReadTokens', 'cached_read_tokens', 'cachedTokens', 'cached_tokens');
  const cacheWrite = named('cachedWriteTokens', 'cached_write_tokens');
  const total = named('totalTokens', 'total_tokens');
  const beside = cacheRead + cacheWrite;
  const isBeside =
    beside > 0 && (beside > input || [0, thought].some((more) => total === input + output + more + beside));
  return { input: isBeside ? input + beside : input, cacheRead, cacheWrite, output };
}

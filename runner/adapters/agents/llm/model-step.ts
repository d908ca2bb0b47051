import { streamText, type ModelMessage, type ToolSet } from 'ai';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { GatewayModel } from './gateway-model.ts';

export interface ModelStep {
  readonly model: GatewayModel;
  readonly instructions?: string;
  readonly messages: readonly ModelMessage[];
  readonly tools: ToolSet;
  /** The only tools that are left; null leaves all. None is forced: some providers refuse that, others do not heed it. */
  readonly left: readonly string[] | null;
  readonly signal: AbortSignal;
  /** Must not throw. */
  readonly onEvent: (event: AgentEvent) => void;
  /** Text as it streams; must not throw. */
  readonly onText?: (text: string) => void;
  /** Called with each sign of life. */
  readonly onProgress?: () => void;
}

export interface StepEnd {
  /** What the model and its tools added to the conversation. */
  readonly messages: readonly ModelMessage[];
  readonly text: string;
  readonly calledTools: boolean;
  readonly finish: 'done' | 'cut' | 'refused';
  readonly problem: string | null;
}

const longestEventText = 20_000;

// It would print them between what commands print.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** One answer of the model, and the tools that it called. Rejects with what the SDK or the provider said. */
export async function runModelStep(step: ModelStep): Promise<StepEnd> {
  const { model, tools, onEvent } = step;
  const stream = streamText({
    model: model.model,
    providerOptions: model.providerOptions,
    ...(model.maxOutputTokens === undefined ? {} : { maxOutputTokens: model.maxOutputTokens }),
    ...(step.instructions === undefined ? {} : { instructions: step.instructions }),
    messages: [...step.messages],
    tools,
    ...(step.left === null ? {} : { activeTools: [...step.left] }),
    // Two edits of one file at once would lose one of them.
    toolCallConcurrency: 1,
    // Another try is the caller's, who knows what the gateway said.
    maxRetries: 0,
    abortSignal: step.signal,
    // It is thrown below; the SDK would print it.
    onError: () => undefined,
  });
  const seen = { text: '', calledTools: false, problem: null as string | null };
  let finish: StepEnd['finish'] = 'done';
  for await (const part of stream.stream) {
    step.onProgress?.();
    switch (part.type) {
      case 'text-delta':
        seen.text += part.text;
        step.onText?.(part.text);
        break;
      case 'tool-call':
        seen.calledTools = true;
        onEvent({ kind: 'tool-call', id: part.toolCallId, name: part.toolName, input: eventText(part.input) });
        break;
      case 'tool-result':
        onEvent({ kind: 'tool-result', id: part.toolCallId, ok: true, output: eventText(part.output) });
        break;
      case 'tool-error':
        seen.problem = sentenceOf(part.error);
        onEvent({ kind: 'tool-result', id: part.toolCallId, ok: false, output: eventText(seen.problem) });
        break;
      case 'finish-step': {
        finish = part.finishReason === 'length' ? 'cut' : part.finishReason === 'content-filter' ? 'refused' : 'done';
        const { inputTokens, inputTokenDetails, outputTokens } = part.usage;
        onEvent({
          kind: 'usage',
          model: part.response.modelId,
          usage: {
            input: inputTokens ?? 0,
            cacheRead: inputTokenDetails.cacheReadTokens ?? 0,
            cacheWrite: inputTokenDetails.cacheWriteTokens ?? 0,
            output: outputTokens ?? 0,
          },
          cost: null,
        });
        break;
      }
      case 'error':
        throw part.error;
      case 'abort':
        throw new DOMException('The step was aborted.', 'AbortError');
      default:
        break;
    }
  }
  if (seen.text !== '') onEvent({ kind: 'text', text: seen.text });
  return { messages: await stream.responseMessages, finish, ...seen };
}

export function sentenceOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : eventText(thrown);
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500) || 'no reason was given';
}

function eventText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
  return (text ?? '').slice(0, longestEventText);
}

import { APICallError, StreamProviderError } from 'ai';
import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { GatewayRefusal } from '../../../core/ports/gateway.ts';
import type { ModelName } from './model-name.ts';
import { sentenceOf } from './model-step.ts';

/** Whom a failure is of, in sentences. */
export interface FailureSubject {
  /** `The agent planner of the plan stage of FR-012-3`. */
  readonly who: string;
  readonly model: ModelName;
  /** Where the model is named: the agent note, or `--model`. */
  readonly namedIn: string;
  /** What goes on with the work when the cause is mended; null where nothing can. */
  readonly goOn: string | null;
}

/** A provider's word holds a job no longer than a week. */
const longestHoldMs = 7 * 86_400_000;

export interface ProviderFailure {
  /** Null where the connection failed, or the stream broke off. */
  readonly status: number | null;
  readonly words: string;
  /** Milliseconds that the provider asks to wait. */
  readonly retryAfterMs: number | null;
}

export function providerFailure(thrown: unknown): ProviderFailure {
  if (APICallError.isInstance(thrown)) {
    const { statusCode = null, responseHeaders = {}, cause } = thrown;
    // Answered well, and broken off in the middle.
    if (statusCode !== null && statusCode < 400) {
      return { status: null, words: sentenceOf(cause ?? thrown), retryAfterMs: null };
    }
    return { status: statusCode, words: wordsOf(thrown), retryAfterMs: waitOf(responseHeaders) };
  }
  const status = StreamProviderError.isInstance(thrown) ? (thrown.statusCode ?? null) : null;
  return { status, words: sentenceOf(thrown), retryAfterMs: null };
}

/** The gateway's own body says more than the SDK makes of it where that does not know the shape. */
function wordsOf(error: APICallError): string {
  const said = sentenceOf(error);
  const body = error.responseBody?.trim() ?? '';
  const known = said !== '' && !/^(?:bad request|not found|forbidden|unauthorized|internal server error)$/i.test(said);
  return known || body === '' ? said : sentenceOf(body);
}

function waitOf(headers: Readonly<Record<string, string>>): number | null {
  const milliseconds = Number(headers['retry-after-ms'] ?? NaN);
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds);
  const after = headers['retry-after'];
  if (after === undefined) return null;
  const seconds = Number(after);
  const wait = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(after) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : null;
}

export function isContextTooLong({ status, words }: ProviderFailure): boolean {
  return (
    (status === 400 || status === 413 || status === null) &&
    /context (?:length|window)|prompt is too long|too many tokens|maximum (?:context|number of tokens)|input token count|exceeds? the (?:maximum|context|limit)/i.test(
      words,
    )
  );
}

/** What the gateway refused explains all that follows from it. */
export function failureSummary(
  subject: FailureSubject,
  failure: ProviderFailure,
  refusal: GatewayRefusal | null,
): ErrorSummary {
  if (refusal !== null) return refusalSummary(subject, refusal);
  const { who, model, namedIn } = subject;
  const { status, words } = failure;
  const name = `${model.endpoint}/${model.model}`;
  if (status === 401 || status === 403) {
    return refusalSummary(subject, { kind: 'credentials', message: `${words} (HTTP ${status})` });
  }
  if (status === 429) {
    const until = failure.retryAfterMs === null ? null : Date.now() + failure.retryAfterMs;
    return refusalSummary(subject, { kind: 'usage-limit', until, message: words });
  }
  if (isContextTooLong(failure)) {
    return {
      code: 'agent.failed',
      message: `${who} has a conversation that is longer than ${name} can read: ${words}`,
      hint: `It is begun afresh. Ask for less at once, or name a model with a larger context in ${namedIn}.`,
    };
  }
  if (status === 404 || /model\b.*\b(?:not found|does not exist|not exist|unknown|not supported)/i.test(words)) {
    return {
      code: 'vault.agent-invalid',
      message: `${who} cannot be answered: the endpoint ${model.endpoint} has no model "${model.model}". It said: ${words}`,
      hint: `Name another in ${namedIn}.`,
    };
  }
  if (/does not support tools|tool use is not supported|tools? (?:is|are) not supported/i.test(words)) {
    return {
      code: 'vault.agent-invalid',
      message: `${who} needs a model that can use tools, and ${name} cannot: ${words}`,
      hint: `Name another in ${namedIn}.`,
    };
  }
  const how = status === null ? 'broke off' : `answered with HTTP ${status}`;
  return {
    code: 'agent.failed',
    message: `${who} failed: ${name} ${how}: ${words}`,
    hint: subject.goOn === null ? 'Try again in a while.' : `If it goes on like that: ${subject.goOn}`,
  };
}

function refusalSummary({ who, goOn }: FailureSubject, refusal: GatewayRefusal): ErrorSummary {
  switch (refusal.kind) {
    case 'budget':
      return {
        code: 'agent.budget',
        message: `${who} was stopped because its budget is spent: ${refusal.message}`,
        hint: goOn === null ? 'Raise limits in opus.yml.' : `Raise the budget, then: ${goOn}`,
      };
    case 'credentials':
      return {
        code: 'agent.credentials',
        message: `${who} was refused by the model's provider: ${refusal.message}`,
        hint: `Mend the key under "models" in opus.yml${goOn === null ? '.' : `, then: ${goOn}`}`,
      };
    case 'usage-limit': {
      const until = refusal.until === null ? null : Math.min(refusal.until, Date.now() + longestHoldMs);
      const time = until === null ? '' : new Date(until).toISOString();
      // The gateway's own words name it already.
      const when = time === '' || refusal.message.includes(time) ? '' : ` until ${time}`;
      return {
        code: 'agent.usage-limit',
        message: `${who} is at its usage limit${when}: ${refusal.message}`,
        hint: goOn === null ? 'Ask again then.' : 'The job goes on by itself then; no attempt is charged.',
        ...(until === null ? {} : { until }),
      };
    }
  }
}

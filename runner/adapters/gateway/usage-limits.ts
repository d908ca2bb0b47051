import type { IncomingHttpHeaders } from 'node:http';
import { countField, field, listField, parsedJson, textField } from './json-fields.ts';

/** The provider is at its limit for this account. */
export interface UsageLimit {
  /** Milliseconds since the epoch; null when the provider does not say. */
  readonly until: number | null;
  /** Whether trying again soon helps, as an agent does by itself. */
  readonly isShort: boolean;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const shortWaitMs = 60_000;

/** Words for an account without money or quota, where no waiting is named that would help. */
const spentAccount =
  /insufficient_quota|usage_not_included|credit balance is too low|exceeded your current quota, please check your plan/i;

/** Null when the answer is about something else. */
export function usageLimitOf(answer: ErrorAnswer, now: number): UsageLimit | null {
  const body = parsedJson(answer.body);
  const accountIsSpent = answer.status === 402 || (answer.status === 400 && spentAccount.test(answer.body));
  if (answer.status !== 429 && !accountIsSpent) return null;
  const waitMs =
    subscriptionWait(answer.headers, now) ??
    headerWait(answer.headers, now) ??
    bodyWait(body, now) ??
    windowWait(answer.headers, now);
  if (waitMs === null) return { until: null, isShort: !accountIsSpent && !spentAccount.test(answer.body) };
  return { until: now + waitMs, isShort: !accountIsSpent && waitMs < shortWaitMs };
}

/** What a provider says in a stream that had begun well. */
export function usageLimitInStream(failure: unknown, now: number): UsageLimit | null {
  const text = JSON.stringify(failure ?? null);
  const isLimit =
    /"(?:rate_limit_error|rate_limit_exceeded|insufficient_quota|usage_limit_reached|RESOURCE_EXHAUSTED)"/;
  return isLimit.test(text) ? usageLimitOf({ status: 429, headers: {}, body: text }, now) : null;
}

/** Claude subscriptions: seconds since the epoch at which the window that is used up begins anew. */
function subscriptionWait(headers: IncomingHttpHeaders, now: number): number | null {
  if (textField(headers, 'anthropic-ratelimit-unified-status') !== 'rejected') return null;
  const reset = Number(textField(headers, 'anthropic-ratelimit-unified-reset') ?? NaN);
  return Number.isFinite(reset) ? Math.max(0, reset * 1000 - now) : null;
}

function headerWait(headers: IncomingHttpHeaders, now: number): number | null {
  const milliseconds = textField(headers, 'retry-after-ms');
  if (milliseconds !== null && /^\d+(?:\.\d+)?$/.test(milliseconds)) return Number(milliseconds);
  const written = textField(headers, 'retry-after')?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(written)) return Number(written) * 1000;
  const date = Date.parse(written);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Codex's plans name the time; Gemini and OpenAI the wait. */
function bodyWait(body: unknown, now: number): number | null {
  const error = field(Array.isArray(body) ? (body as unknown[])[0] : body, 'error') ?? body;
  const resetsAt = countField(error, 'resets_at');
  if (resetsAt !== null) return Math.max(0, resetsAt * 1000 - now);
  const resetsIn = countField(error, 'resets_in_seconds');
  if (resetsIn !== null) return resetsIn * 1000;
  for (const detail of listField(error, 'details')) {
    const delay = spokenWait(textField(detail, 'retryDelay') ?? '');
    if (delay !== null) return delay;
  }
  const words = /(?:try|retry) again in ([\dhms. ]+)|retry in ([\dhms. ]+)/i.exec(textField(error, 'message') ?? '');
  return spokenWait(words?.[1] ?? words?.[2] ?? '');
}

/** The windows of a key that nothing is left of: times at Anthropic, waits at OpenAI. */
function windowWait(headers: IncomingHttpHeaders, now: number): number | null {
  const waits = Object.keys(headers).flatMap((name) => {
    const match = /^(anthropic-ratelimit-[a-z-]+|x-ratelimit)-remaining(-[a-z]+)?$/.exec(name);
    if (match?.[1] === undefined || textField(headers, name) !== '0') return [];
    const reset = textField(headers, `${match[1]}-reset${match[2] ?? ''}`) ?? '';
    const date = Date.parse(reset);
    const wait = spokenWait(reset) ?? (Number.isNaN(date) ? null : Math.max(0, date - now));
    return wait === null ? [] : [wait];
  });
  return waits.length === 0 ? null : Math.max(...waits);
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** `6m0s`, `20.5s`, `120ms`, `1h2m`. */
function spokenWait(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[dhms])/g)];
  return parts.length === 0
    ? null
    : parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
}

import { OpusError } from '#shared/domain/errors.ts';
import { missingAccess } from './missing-access.ts';

/** What was tried, for the sentence that tells of its failure. */
export interface FailedCall {
  /** After "could not", e.g. `open a pull request`. */
  readonly doing: string;
  /** `owner/name`. */
  readonly repo: string;
  readonly host: string;
  readonly now: number;
}

/** As much of an answer as a failure is told by. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly message: string;
  /** The `errors` of a refused request, as far as they are plain. */
  readonly errors: readonly FieldError[];
}

export interface FieldError {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

const shortestHoldMs = 60_000;

/** The answer of a refused call; null when no answer came. */
export function failedAnswer(thrown: unknown): FailedAnswer | null {
  const response = field(thrown, 'response');
  if (response === undefined) return null;
  const data = field(response, 'data');
  const status = field(thrown, 'status') ?? field(response, 'status');
  const errors = field(data, 'errors');
  return {
    status: typeof status === 'number' ? status : 500,
    headers: (field(response, 'headers') ?? {}) as FailedAnswer['headers'],
    message: text(field(data, 'message')) || (thrown instanceof Error ? thrown.message : ''),
    errors: Array.isArray(errors) ? errors.map(fieldError) : [],
  };
}

/**
 * What a call came to, as the one error that says the most. The request itself goes into no error: its headers hold the
 * token.
 */
export function forgeFailure(thrown: unknown, call: FailedCall): OpusError {
  if (thrown instanceof OpusError) return thrown;
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (cause instanceof OpusError) return cause;
  const answer = failedAnswer(thrown);
  if (answer === null) return unreachable(call, networkReason(thrown));
  const until = rateLimitedUntil(answer, call.now);
  if (until !== null) return rateLimited(call, until);
  const { status, message } = answer;
  if (status >= 500) return unreachable(call, `it answered ${status}`);
  const details = { status, ...requestId(answer) };
  const could = `Could not ${call.doing} in ${call.repo} on ${call.host}`;
  if (status === 401) {
    return new OpusError('forge.unauthorized', `${could}: GitHub does not accept the credentials of ${call.repo}.`, {
      hint: 'The token has expired, was revoked or is mistyped, or the key is not the app’s: replace it, then retry. `opus doctor` checks it.',
      details,
    });
  }
  if (status === 403 && /archived/i.test(message)) {
    return new OpusError('forge.archived', `${could}: the repository is archived, so nothing can be written to it.`, {
      hint: 'Unarchive it in its settings on GitHub, or take it out of opus.yml.',
      details,
    });
  }
  if (status === 403) {
    const { said, hint } = missingAccess(answer.headers, call.doing);
    return new OpusError('forge.forbidden', `${could}: ${said} (GitHub says: ${short(message)})`, { hint, details });
  }
  if (status === 404) {
    return new OpusError('forge.not-found', `${could}: GitHub has no such thing, or hides it from these credentials.`, {
      hint: 'Look whether it was deleted; `opus doctor` checks what the credentials may see.',
      details,
    });
  }
  return new OpusError('forge.refused', `${could}: ${short(complaint(answer))}`, {
    hint: 'Correct what GitHub names, then retry.',
    details,
  });
}

/** Until when GitHub wants to be left alone; null when the answer is not about that. */
export function rateLimitedUntil(
  answer: Pick<FailedAnswer, 'status' | 'headers' | 'message'>,
  now: number,
): number | null {
  const { status, headers, message } = answer;
  const isPrimary = String(headers['x-ratelimit-remaining'] ?? '') === '0';
  const after = Number(headers['retry-after']);
  const isSecondary = /secondary rate|abuse detection/i.test(message) || Number.isFinite(after);
  if (status !== 429 && !((status === 403 || status === 200) && (isPrimary || isSecondary))) return null;
  if (Number.isFinite(after)) return now + Math.max(1, after) * 1000;
  const reset = Number(headers['x-ratelimit-reset']) * 1000;
  return isPrimary && Number.isFinite(reset) && reset > now ? reset + 1000 : now + shortestHoldMs;
}

export function rateLimited(call: FailedCall, until: number): OpusError {
  return new OpusError(
    'forge.rate-limited',
    `Could not ${call.doing} in ${call.repo}: ${call.host} allows no more calls until ${new Date(until).toISOString()}.`,
    { hint: 'It goes on by itself then. Fewer repositories at one token, or a GitHub App, have more calls.', until },
  );
}

export function unreachable(call: FailedCall, why: string): OpusError {
  return new OpusError(
    'forge.unreachable',
    `Could not ${call.doing} in ${call.repo}: ${call.host} is not to be reached: ${why}.`,
    {
      hint: 'Check the network and https://www.githubstatus.com; it is tried again.',
    },
  );
}

function networkReason(thrown: unknown): string {
  const causes = [thrown, field(thrown, 'cause'), field(field(thrown, 'cause'), 'cause')];
  if (causes.some((cause) => field(cause, 'name') === 'TimeoutError')) return 'it did not answer in time';
  const code = causes.map((cause) => text(field(cause, 'code'))).find((found) => found !== '');
  return code ?? short(thrown instanceof Error ? thrown.message : 'unknown reason');
}

function complaint({ message, errors }: FailedAnswer): string {
  const said = errors
    .map((error) => error.message || `${error.field} is ${error.code}`)
    .filter((one) => one.trim() !== 'is');
  return said.length === 0 ? message : `${message}: ${said.join('; ')}`;
}

function fieldError(error: unknown): FieldError {
  if (typeof error === 'string') return { field: '', code: '', message: error };
  return {
    field: text(field(error, 'field')),
    code: text(field(error, 'code')),
    message: text(field(error, 'message')),
  };
}

function requestId({ headers }: FailedAnswer): { requestId?: string } {
  const id = headers['x-github-request-id'];
  return id === undefined ? {} : { requestId: String(id) };
}

function short(message: string): string {
  const line = message
    .replace(/ - https:\/\/docs\.github\.com\S*/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

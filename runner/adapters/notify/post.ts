import { OpusError } from '#shared/domain/errors.ts';
import type { Clock } from '../../core/ports/clock.ts';

export interface Post {
  /** Names the receiver in errors: its address may be a secret. */
  readonly channel: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const redirects = [301, 302, 307, 308];
const mostRedirects = 3;

/** Posts JSON; settles on a 2xx. What its errors say never holds the address or the answer's text. */
export async function postJson(post: Post): Promise<void> {
  const { channel, timeoutMs } = post;
  const signal = AbortSignal.timeout(timeoutMs);
  let url = post.url;
  for (let hop = 0; hop <= mostRedirects; hop += 1) {
    const answer = await request(post, url, signal);
    if (answer.ok) return;
    if (!redirects.includes(answer.status)) throw failureOf(post, answer);
    url = redirected(channel, url, answer.headers.get('location'));
  }
  throw refused(channel, `It redirects more than ${mostRedirects} times.`);
}

async function request(post: Post, url: URL, signal: AbortSignal): Promise<Response> {
  const { channel, timeoutMs } = post;
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  try {
    const response = await fetch(bare, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...credentialsIn(post.url), ...post.headers },
      body: JSON.stringify(post.body),
      signal,
    });
    // An answer that nobody reads holds its socket; what becomes of its text changes nothing.
    await response.body?.cancel().catch(() => undefined);
    return response;
  } catch (thrown) {
    const reason = signal.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(thrown);
    throw new OpusError('notify.unreachable', `The channel ${channel} cannot be reached: ${reason}.`, {
      hint: 'It is tried again by itself. Whether the address in opus.yml is right can be tried from this machine.',
    });
  }
}

/** fetch refuses an address with a user and a password in it. */
function credentialsIn({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The system's word, such as ECONNREFUSED; its sentences hold the address. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : 'the connection failed';
}

/** Message and token go to the host that was configured and to no other. */
function redirected(channel: string, from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) throw refused(channel, 'It redirects to nowhere.');
  const to = new URL(location, from);
  const isSafe = to.protocol === from.protocol || (from.protocol === 'http:' && to.protocol === 'https:');
  if (to.host !== from.host || !isSafe) throw refused(channel, 'It redirects to another host, which is not followed.');
  return to;
}

function failureOf({ channel, clock }: Post, answer: Response): OpusError {
  const { status } = answer;
  if (status >= 500 || [408, 425, 429].includes(status)) {
    const until = retryAfter(answer.headers.get('retry-after'), clock.now());
    return new OpusError('notify.unreachable', `The channel ${channel} cannot take it now: it answered ${status}.`, {
      details: until === null ? {} : { until },
    });
  }
  return refused(channel, `It answered ${status}.`, status);
}

function refused(channel: string, why: string, status?: number): OpusError {
  const isToken = status === 401 || status === 403;
  const at = isToken ? `notify.${channel}.token` : `notify.${channel}.url`;
  return new OpusError('notify.refused', `The channel ${channel} refuses what it is told. ${why}`, {
    hint: isToken ? `Give a token that may write there: \`${at}\` in opus.yml.` : `Look at \`${at}\` in opus.yml.`,
  });
}

/** Seconds, or a date; in milliseconds since the epoch. */
function retryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return now + Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : date;
}

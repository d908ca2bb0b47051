import { OpusError } from '#shared/domain/errors.ts';
import { Readable } from 'node:stream';
import { unreachable, type FailedCall } from './forge-failure.ts';

interface Source {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly data: unknown;
}

const downloadTimeoutMs = 5 * 60_000;
const redirectsFollowed = 3;

/** The body of an answer, or of what it redirects to. Other hosts are asked without any credentials. */
export async function downloadFrom(source: Source, api: URL, call: FailedCall): Promise<Readable> {
  const location = source.headers['location'];
  if (source.status < 300) {
    if (source.data instanceof ReadableStream) return Readable.fromWeb(source.data);
    return Readable.from([]);
  }
  if (source.data instanceof ReadableStream) await source.data.cancel();
  if (typeof location !== 'string') throw unreachable(call, `it answered ${source.status} without a place`);
  return follow(new URL(location, api), api, call, redirectsFollowed);
}

async function follow(url: URL, api: URL, call: FailedCall, left: number): Promise<Readable> {
  if (url.protocol !== 'https:' && url.protocol !== api.protocol) {
    throw new OpusError(
      'forge.refused',
      `Could not ${call.doing} in ${call.repo}: ${call.host} keeps it at an address without TLS.`,
    );
  }
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { 'user-agent': 'opus-orchestrator' },
    signal: AbortSignal.timeout(downloadTimeoutMs),
  }).catch(() => {
    throw unreachable(call, `${url.host}, where it keeps the file, did not answer`);
  });
  const location = response.headers.get('location');
  if (response.status >= 300 && response.status < 400 && location !== null && left > 0) {
    await response.body?.cancel();
    return follow(new URL(location, url), api, call, left - 1);
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    if (response.status >= 500) throw unreachable(call, `${url.host} answered ${response.status}`);
    throw new OpusError('forge.not-found', `Could not ${call.doing} in ${call.repo}: the file is not kept any more.`);
  }
  return Readable.fromWeb(response.body);
}

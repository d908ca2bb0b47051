import type { Octokit } from '@octokit/rest';
import { OpusError } from '#shared/domain/errors.ts';
import type { GithubConfig } from '../../core/configuration.ts';
import type { ConnectionOptions } from './github-connection.ts';

interface OctokitClient {
  /** Loaded at the first call: a runner without GitHub does without it. */
  octokit(): Promise<Octokit>;
  /** Asks the one host only, follows nothing, and tells what is left of the calls. */
  fetchFor(operation: string): typeof fetch;
}

const readRetries = 2;
const notRepeated = [304, 400, 401, 403, 404, 405, 409, 410, 422, 429, 451];

export function createOctokit(settings: GithubConfig, api: URL, options: ConnectionOptions): OctokitClient {
  const baseUrl = api.href.replace(/\/+$/, '');
  const timeoutMs = options.timeoutMs ?? 30_000;
  let connected: Promise<Octokit> | null = null;

  async function connect(): Promise<Octokit> {
    const [rest, { retry }, { throttling }] = await Promise.all([
      import('@octokit/rest'),
      import('@octokit/plugin-retry'),
      import('@octokit/plugin-throttling'),
    ]);
    const silent = (): void => undefined;
    return new (rest.Octokit.plugin(retry, throttling))({
      baseUrl,
      userAgent: options.userAgent ?? 'opus-orchestrator',
      log: { debug: silent, info: silent, warn: silent, error: silent },
      retry: { retries: readRetries, doNotRetry: notRepeated, retryAfterBaseValue: options.retryPauseMs ?? 1000 },
      throttle: {
        // A server of one's own sets limits of its own, or none.
        enabled: options.isPaced ?? settings.api === null,
        id: `${api.host} ${JSON.stringify(settings.credentials)}`,
        // A limit is no wait in here: the job gives its slot back and is woken when it ends.
        onRateLimit: () => false,
        onSecondaryRateLimit: () => false,
      },
    });
  }

  function fetchFor(operation: string): typeof fetch {
    return async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      if (url.origin !== api.origin) {
        throw new OpusError(
          'forge.refused',
          `Asked ${settings.repo} at ${api.host}, was sent to ${url.host}; not followed.`,
        );
      }
      const told = { operation, status: null as number | null };
      try {
        const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
        told.status = response.status;
        tellQuota(response.headers);
        return response;
      } finally {
        options.onCall?.(told);
      }
    };
  }

  function tellQuota(headers: Headers): void {
    const number = (key: string): number => Number(headers.get(key) ?? Number.NaN);
    const [limit, remaining, reset] = [
      number('x-ratelimit-limit'),
      number('x-ratelimit-remaining'),
      number('x-ratelimit-reset'),
    ];
    if (!Number.isFinite(limit) || !Number.isFinite(remaining) || !Number.isFinite(reset)) return;
    const resource = headers.get('x-ratelimit-resource') ?? 'core';
    options.onQuota?.({ host: api.host, resource, limit, remaining, resetAt: reset * 1000 });
  }

  return { octokit: () => (connected ??= connect()), fetchFor };
}

import type { Octokit } from '@octokit/rest';
import { OpusError } from '#shared/domain/errors.ts';
import type { Readable } from 'node:stream';
import type { GithubConfig, SecretReference } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { createTokens, type Tokens } from './access-token.ts';
import { downloadFrom } from './download.ts';
import {
  failedAnswer,
  forgeFailure,
  rateLimited,
  rateLimitedUntil,
  unreachable,
  type FailedCall,
} from './forge-failure.ts';
import { KeptAnswers } from './kept-answers.ts';

/** What is left of what GitHub allows, as its last answer told. */
export interface ForgeQuota {
  readonly host: string;
  /** `core`, `graphql`, … */
  readonly resource: string;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds since the epoch. */
  readonly resetAt: number;
}

/** One request that went out. */
export interface ForgeCall {
  /** What it was for: few and constant words. */
  readonly operation: string;
  /** Null when no answer came. */
  readonly status: number | null;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly resolveSecret: (reference: SecretReference, use: string) => string;
  readonly onQuota?: (quota: ForgeQuota) => void;
  readonly onCall?: (call: ForgeCall) => void;
  readonly userAgent?: string;
  readonly timeoutMs?: number;
  /** What the first repetition of a read waits. */
  readonly retryPauseMs?: number;
  /** Whether writes keep the distance in time that GitHub asks for; not needed at a server of one's own. */
  readonly isPaced?: boolean;
}

export interface Answer {
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
}

/** The way to one repository on one server. Everything it rejects with is an OpusError without a secret. */
export interface GithubConnection {
  readonly owner: string;
  readonly name: string;
  /** `owner/name`. */
  readonly repo: string;
  /** `https://host` of the API. */
  readonly origin: string;
  readonly host: string;
  readonly clock: Clock;
  readonly tokens: Tokens;
  /** Asks at most thrice. `polled` answers are kept, and asked for only when they changed. */
  get(doing: string, path: string, options?: ReadOptions): Promise<Answer>;
  /** All pages, at most a thousand entries. */
  list(doing: string, path: string, query?: Query): Promise<unknown[]>;
  /** Is sent once: whoever calls looks before and after. */
  send(doing: string, method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<Answer>;
  /** `data` of a GraphQL query; what it asks for and is not there is null. */
  query(doing: string, text: string, variables: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** As `send`. */
  mutate(doing: string, text: string, variables: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** That the repository is not there, or hidden. */
  missing(): OpusError;
  /** Follows to where GitHub keeps a file, without the token. */
  download(doing: string, path: string): Promise<Readable>;
}

export type Query = Readonly<Record<string, string | number>>;

export interface ReadOptions {
  readonly query?: Query;
  readonly polled?: boolean;
}

interface Request {
  readonly doing: string;
  readonly method: string;
  readonly url: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retries: number;
  readonly resource: 'core' | 'graphql';
  readonly isRaw?: boolean;
}

interface Response extends Answer {
  readonly status: number;
}

const notRepeated = [304, 400, 401, 403, 404, 405, 409, 410, 422, 429, 451];
const readRetries = 2;
const answersKept = 200;
const pageSize = 100;
const mostPages = 10;
const redirectsFollowed = 3;

/** A part of a path, whatever is in it. */
export function at(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)));
}

export function apiOf(settings: Pick<GithubConfig, 'api'>): URL {
  return new URL((settings.api ?? 'https://api.github.com').replace(/\/+$/, ''));
}

export function createConnection(settings: GithubConfig, options: ConnectionOptions): GithubConnection {
  const [owner = '', name = ''] = settings.repo.split('/');
  const api = apiOf(settings);
  const { clock } = options;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const baseUrl = api.href.replace(/\/+$/, '');
  const repoPath = at`/repos/${owner}/${name}`;
  const kept = new KeptAnswers<{ readonly etag: string; readonly answer: Answer }>(answersKept);
  const heldUntil = new Map<string, number>();
  let client: Promise<Octokit> | null = null;

  const call = (doing: string): FailedCall => ({ doing, repo: settings.repo, host: api.host, now: clock.now() });
  const tokens = createTokens(settings, {
    ...options,
    ask: (request) =>
      once(request.doing, { ...request, retries: 0, resource: 'core' }).catch((thrown: unknown) => {
        throw forgeFailure(thrown, call(request.doing));
      }),
  });

  const missing = (): OpusError =>
    new OpusError(
      'forge.repository-missing',
      `There is no repository ${settings.repo} on ${api.host}, or the credentials may not see it.`,
      {
        hint: 'Correct github.repo in opus.yml, or give the token or app access to that repository.',
      },
    );

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
      retry: { doNotRetry: notRepeated, retryAfterBaseValue: options.retryPauseMs ?? 1000 },
      throttle: {
        enabled: options.isPaced ?? true,
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

  function refuseWhileHeld(request: Request): void {
    const until = Math.max(heldUntil.get(request.resource) ?? 0, heldUntil.get('all') ?? 0);
    if (until > clock.now()) throw rateLimited(call(request.doing), until);
  }

  function holdAfter(thrown: unknown, resource: string): void {
    const answer = failedAnswer(thrown);
    const until = answer === null ? null : rateLimitedUntil(answer, clock.now());
    if (answer === null || until === null) return;
    heldUntil.set(String(answer.headers['x-ratelimit-remaining'] ?? '') === '0' ? resource : 'all', until);
  }

  async function once(doing: string, request: Request & { readonly authorization: string }): Promise<Response> {
    refuseWhileHeld(request);
    try {
      const octokit = await (client ??= connect());
      const response = await octokit.request({
        method: request.method as 'GET',
        url: request.url,
        baseUrl,
        ...request.parameters,
        headers: { ...request.headers, authorization: request.authorization },
        request: {
          fetch: fetchFor(doing.replaceAll(' ', '-')),
          retries: request.retries,
          ...(request.isRaw === true ? { parseSuccessResponseBody: false } : {}),
        },
      });
      const { status, headers } = response as { status: number; headers: Answer['headers'] };
      return { status, headers, data: response.data as unknown };
    } catch (thrown) {
      holdAfter(thrown, request.resource);
      throw thrown;
    }
  }

  /** Credentials are looked up anew for each call, and once more where they were refused. */
  async function authorized(request: Request): Promise<Response> {
    const authorization = `token ${await tokens.current()}`;
    try {
      return await once(request.doing, { ...request, authorization });
    } catch (thrown) {
      if (failedAnswer(thrown)?.status !== 401 || !tokens.canRenew) throw thrown;
      return await once(request.doing, { ...request, authorization: `token ${await tokens.renewed()}` });
    }
  }

  async function answered(request: Request): Promise<Response> {
    let response: Response;
    try {
      response = await authorized(request);
    } catch (thrown) {
      throw await clearest(forgeFailure(thrown, call(request.doing)), request);
    }
    return response;
  }

  /** Without access to the whole repository, all in it is "not found". */
  async function clearest(failure: OpusError, request: Request): Promise<OpusError> {
    if (failure.code !== 'forge.not-found' || !request.url.startsWith(repoPath)) return failure;
    const isThere = await authorized({
      doing: 'find the repository',
      method: 'GET',
      url: repoPath,
      retries: 0,
      resource: 'core',
    }).then(
      () => true,
      (thrown: unknown) => failedAnswer(thrown)?.status !== 404,
    );
    if (isThere) return failure;
    return missing();
  }

  async function follow(response: Response, request: Request, left = redirectsFollowed): Promise<Response> {
    const location = response.headers['location'];
    if (response.status < 300 || response.status >= 400 || typeof location !== 'string') return response;
    const to = new URL(location, api);
    if (request.method !== 'GET' || to.origin !== api.origin || left === 0) {
      throw new OpusError(
        'forge.repository-missing',
        `The repository ${settings.repo} on ${api.host} was renamed or moved.`,
        {
          hint: 'Write its new name into opus.yml: github.repo and url.',
        },
      );
    }
    const next = { ...request, url: to.href, parameters: {} };
    return follow(await answered(next), next, left - 1);
  }

  async function get(doing: string, path: string, { query = {}, polled = false }: ReadOptions = {}): Promise<Answer> {
    const key = `${path}?${JSON.stringify(query)}`;
    const known = polled ? kept.get(key) : undefined;
    const headers = known === undefined ? {} : { 'if-none-match': known.etag };
    const request: Request = {
      doing,
      method: 'GET',
      url: path,
      parameters: query,
      headers,
      retries: readRetries,
      resource: 'core',
    };
    try {
      const first = await authorized(request);
      const answer = await follow(first, request);
      const etag = answer.headers['etag'];
      if (polled && typeof etag === 'string') kept.set(key, { etag, answer });
      return answer;
    } catch (thrown) {
      if (known !== undefined && failedAnswer(thrown)?.status === 304) return known.answer;
      throw await clearest(forgeFailure(thrown, call(doing)), request);
    }
  }

  async function list(doing: string, path: string, query: Query = {}): Promise<unknown[]> {
    const all: unknown[] = [];
    for (let page = 1; page <= mostPages; page += 1) {
      const { data } = await get(doing, path, { query: { ...query, per_page: pageSize, page } });
      const entries = Array.isArray(data) ? (data as unknown[]) : [];
      all.push(...entries);
      if (entries.length < pageSize) break;
    }
    return all;
  }

  async function send(
    doing: string,
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: object = {},
  ): Promise<Answer> {
    const request: Request = { doing, method, url: path, parameters: { ...body }, retries: 0, resource: 'core' };
    return follow(await answered(request), request);
  }

  async function graphql(doing: string, text: string, variables: object, retries: number): Promise<unknown> {
    const url = /\/api\/v3$/.test(baseUrl) ? baseUrl.replace(/\/v3$/, '/graphql') : `${baseUrl}/graphql`;
    const request: Request = {
      doing,
      method: 'POST',
      url,
      parameters: { query: text, variables },
      retries,
      resource: 'graphql',
    };
    const response = await answered(request);
    const { data, errors } = (response.data ?? {}) as {
      data?: unknown;
      errors?: readonly { type?: string; message?: string }[];
    };
    const [first] = (errors ?? []).filter(({ type }) => type !== 'NOT_FOUND');
    if (first === undefined) return data ?? null;
    const said = {
      status: first.type === 'FORBIDDEN' || first.type === 'INSUFFICIENT_SCOPES' ? 403 : 422,
      headers: response.headers,
    };
    if (first.type === 'RATE_LIMITED') said.status = 429;
    if (/something went wrong|timed? ?out/i.test(first.message ?? ''))
      throw unreachable(call(doing), 'it could not answer the query');
    const failed = { response: { ...said, data: { message: first.message } }, status: said.status };
    holdAfter(failed, 'graphql');
    throw forgeFailure(failed, call(doing));
  }

  async function download(doing: string, path: string): Promise<Readable> {
    const request: Request = { doing, method: 'GET', url: path, retries: readRetries, resource: 'core', isRaw: true };
    const response = await answered(request);
    return downloadFrom(response, api, call(doing));
  }

  return {
    owner,
    name,
    repo: settings.repo,
    origin: api.origin,
    host: api.host,
    clock,
    tokens,
    get,
    list,
    send,
    query: (doing, text, variables) => graphql(doing, text, variables, readRetries),
    mutate: (doing, text, variables) => graphql(doing, text, variables, 0),
    download,
    missing,
  };
}

import { OpusError } from '#shared/domain/errors.ts';
import type { Readable } from 'node:stream';
import type { GithubConfig } from '../../core/configuration.ts';
import { createTokens } from './access-token.ts';
import { downloadFrom } from './download.ts';
import {
  failedAnswer,
  forgeFailure,
  rateLimited,
  rateLimitedUntil,
  unreachable,
  type FailedCall,
} from './forge-failure.ts';
import {
  at,
  type Answer,
  type ConnectionOptions,
  type GithubConnection,
  type Query,
  type ReadOptions,
} from './github-connection.ts';
import { KeptAnswers } from './kept-answers.ts';
import { createOctokit } from './octokit-client.ts';

interface Request {
  readonly doing: string;
  readonly method: string;
  readonly url: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether asking twice is the same as asking once. */
  readonly isRepeatable: boolean;
  readonly resource: 'core' | 'graphql';
  readonly isRaw?: boolean;
}

interface Response extends Answer {
  readonly status: number;
}

const answersKept = 50;
const pageSize = 100;
const mostPages = 10;
const redirectsFollowed = 3;

export function apiOf(settings: Pick<GithubConfig, 'api'>): URL {
  return new URL((settings.api ?? 'https://api.github.com').replace(/\/+$/, ''));
}

export function createConnection(settings: GithubConfig, options: ConnectionOptions): GithubConnection {
  const [owner = '', name = ''] = settings.repo.split('/');
  const api = apiOf(settings);
  const { clock } = options;
  const baseUrl = api.href.replace(/\/+$/, '');
  const repoPath = at`/repos/${owner}/${name}`;
  const kept = new KeptAnswers<{ readonly etag: string; readonly answer: Answer }>(answersKept);
  const heldUntil = new Map<string, number>();
  const client = createOctokit(settings, api, options);

  const call = (doing: string): FailedCall => ({ doing, repo: settings.repo, host: api.host, now: clock.now() });
  const tokens = createTokens(settings, {
    ...options,
    ask: (request) =>
      once(request.doing, { ...request, isRepeatable: false, resource: 'core' }).catch((thrown: unknown) => {
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
      const octokit = await client.octokit();
      const response = await octokit.request({
        method: request.method as 'GET',
        url: request.url,
        baseUrl,
        ...request.parameters,
        headers: { ...request.headers, authorization: request.authorization },
        request: {
          fetch: client.fetchFor(doing.replaceAll(' ', '-')),
          // Hazard: with any other number here, the plugin repeats what no repetition helps as well.
          ...(request.isRepeatable ? {} : { retries: 0 }),
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
      isRepeatable: false,
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
      isRepeatable: true,
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
    const request: Request = {
      doing,
      method,
      url: path,
      parameters: { ...body },
      isRepeatable: false,
      resource: 'core',
    };
    return follow(await answered(request), request);
  }

  async function graphql(doing: string, text: string, variables: object, isRepeatable: boolean): Promise<unknown> {
    const url = /\/api\/v3$/.test(baseUrl) ? baseUrl.replace(/\/v3$/, '/graphql') : `${baseUrl}/graphql`;
    const request: Request = {
      doing,
      method: 'POST',
      url,
      parameters: { query: text, variables },
      isRepeatable,
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
    const request: Request = { doing, method: 'GET', url: path, isRepeatable: true, resource: 'core', isRaw: true };
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
    query: (doing, text, variables) => graphql(doing, text, variables, true),
    mutate: (doing, text, variables) => graphql(doing, text, variables, false),
    download,
    missing,
  };
}

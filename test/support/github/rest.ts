import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { checkedApp } from './app-tokens.ts';
import { describedGitHub, type Fields, type Operation } from './description.ts';
import { filled } from './filling.ts';
import { noticePushes } from './pushes.ts';
import { rateHeaders, type Quota } from './quota.ts';
import type { Repository, Token } from './records.ts';
import { Refusal } from './refusal.ts';
import type { Answer, Call, Route, Routes } from './routes.ts';
import type { GitHubState } from './state.ts';
import { sharedValidation } from './validation.ts';

export interface RestRequest {
  readonly method: string;
  /** Without the interface's own folder. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Rest {
  /** Null where the description has no such operation. */
  operationId(request: RestRequest): string | null;
  answer(request: RestRequest): RestAnswer;
}

export interface RestOptions {
  readonly state: GitHubState;
  readonly quota: Quota;
  readonly routes: Routes;
  /** Told of a request or an answer that GitHub's description does not allow. */
  readonly onViolation: (text: string) => void;
}

const documentation = { documentation_url: 'https://docs.github.com/rest' };

/** The token of a request, alive, or a refusal in GitHub's words. */
export function demandToken(state: GitHubState, headers: IncomingHttpHeaders): Token {
  const value = /^(?:token|bearer) (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  const token = state.tokens.get(value);
  if (token === undefined || token.isRevoked || (token.expiresAt ?? Infinity) <= state.now()) {
    throw new Refusal(401, headers.authorization === undefined ? 'Requires authentication' : 'Bad credentials');
  }
  return token;
}

export function createRest({ state, quota, routes, onViolation }: RestOptions): Rest {
  const missing: Repository | null = null;

  function run(request: RestRequest): RestAnswer {
    const match = describedGitHub().match(request.method.toLowerCase(), request.path);
    if (match === null) {
      const text = `GitHub has no operation ${request.method} ${request.path}`;
      onViolation(text);
      throw new Refusal(404, text);
    }
    const { operation, values } = match;
    const route = routes[operation.id];
    if (route === undefined) {
      onViolation(`${operation.id} is not kept here`);
      throw new Refusal(501, `${operation.id} is not kept here`);
    }
    const isForApp = route.caller === 'app';
    const token = isForApp ? null : demandToken(state, request.headers);
    const app = isForApp ? checkedApp(state, request.headers.authorization) : null;
    if (token !== null && operation.id !== 'rate-limit/get')
      quota.demand(token.value, 'core', state.person(token.login).id);
    const params = Object.fromEntries(operation.names.map((name, index) => [name, values[index] ?? '']));
    const body = parsed(request.body);
    demandValid(operation, request, body);
    const call: Call = {
      state,
      token,
      login: token?.login ?? '',
      params,
      query: request.query,
      body: body ?? {},
      accept: request.headers.accept ?? '',
      quota,
      app: app?.id ?? null,
      // Routes below /repos are called only with a repository; the others do not read it.
      repository: (operation.path.startsWith('/repos/{owner}/{repo}')
        ? repositoryFor(params, token, route, operation)
        : missing) as Repository,
    };
    if (token !== null) demandCaller(route, token);
    const answer = route.run(call);
    const free = operation.id === 'rate-limit/get' || token === null;
    return finished(operation, request, answer, token, free);
  }

  function demandValid(operation: Operation, request: RestRequest, body: Fields | undefined): void {
    const problems = [
      ...sharedValidation().query(operation, request.query),
      ...sharedValidation().requestBody(operation, body),
    ];
    if (problems.length === 0) return;
    onViolation(`request of ${operation.id}: ${problems.join('; ')}`);
    throw new Refusal(422, `Invalid request.\n\n${problems.join('\n')}`);
  }

  function repositoryFor(
    params: Readonly<Record<string, string>>,
    token: Token | null,
    route: Route,
    operation: Operation,
  ): Repository {
    const repository = state.repository(params['owner'] ?? '', params['repo'] ?? '');
    if (repository === null) throw new Refusal(404, 'Not Found');
    if (token !== null) demandAccess(state, repository, token, route, operation);
    // Commits also reach the folder without this server.
    noticePushes(state, repository, repository.owner);
    return repository;
  }

  function finished(
    operation: Operation,
    request: RestRequest,
    answer: Answer,
    token: Token | null,
    isFree: boolean,
  ): RestAnswer {
    const paged = answer.list === undefined ? null : page(answer, request, state.api);
    const schema = operation.responses.get(answer.status) ?? null;
    const wanted = paged === null ? answer.body : paged.body;
    const body = schema === null || answer.text !== undefined ? wanted : filled(schema, wanted);
    const problems = answer.text === undefined ? sharedValidation().response(operation, answer.status, body) : [];
    if (problems.length > 0) {
      onViolation(`response of ${operation.id}: ${problems.join('; ')}`);
      throw new Refusal(500, `This GitHub's answer to ${operation.id} is invalid: ${problems.join('; ')}`);
    }
    const text = answer.text ?? (body === undefined ? null : JSON.stringify(body));
    const etag = `W/"${createHash('sha256')
      .update(text ?? '')
      .digest('hex')}"`;
    const isKnown = request.method === 'GET' && answer.status === 200 && request.headers['if-none-match'] === etag;
    if (token !== null && !isFree && !isKnown) quota.take(token.value, 'core', 1);
    const headers = {
      'content-type': answer.text === undefined ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
      'x-github-media-type': 'github.v3; format=json',
      ...(request.method === 'GET' && answer.status === 200 ? { etag, 'cache-control': 'private, max-age=0' } : {}),
      ...(paged?.link ? { link: paged.link } : {}),
      ...tokenHeaders(token),
      ...(token === null ? {} : rateHeaders(quota.rate(token.value, 'core'), 'core')),
      ...answer.headers,
    };
    return isKnown ? { status: 304, headers, body: null } : { status: answer.status, headers, body: text };
  }

  return {
    operationId: ({ method, path }) => describedGitHub().match(method.toLowerCase(), path)?.operation.id ?? null,
    answer(request) {
      try {
        return run(request);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return refusalAnswer(error);
      }
    },
  };
}

export function refusalAnswer(error: Refusal): RestAnswer {
  const fields = { message: error.message, ...error.fields, ...documentation, status: String(error.status) };
  const headers = { 'content-type': 'application/json; charset=utf-8', ...error.headers };
  return { status: error.status, headers, body: JSON.stringify(fields) };
}

function parsed(text: string): Fields | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as Fields;
  } catch {
    throw new Refusal(400, 'Problems parsing JSON');
  }
}

export function tokenHeaders(token: Token | null): Record<string, string> {
  return token?.kind === 'classic' ? { 'x-oauth-scopes': [...token.scopes].join(', ') } : {};
}

function demandCaller(route: Route, token: Token): void {
  if (route.caller === 'installation' && token.kind !== 'installation') {
    throw new Refusal(403, 'You must authenticate via a GitHub App.');
  }
}

/** Who may not even see a repository is told that there is none. */
function demandAccess(
  state: GitHubState,
  repository: Repository,
  token: Token,
  route: Route,
  operation: Operation,
): void {
  const full = `${repository.owner}/${repository.name}`;
  const reaches = token.repositories?.has(full) ?? true;
  const isClassic = token.kind === 'classic';
  const isSeen = reaches && (token.kind === 'installation' || state.may(token.login, repository, 'read'));
  if (!isSeen || (isClassic && repository.isPrivate && !token.scopes.has('repo'))) throw new Refusal(404, 'Not Found');
  if (operation.method !== 'get' && repository.isArchived && operation.id !== 'repos/create-fork') {
    throw new Refusal(403, 'Repository was archived so is read-only.');
  }
  const [area, level] = route.permission ?? [];
  if (isClassic && level === 'write' && !token.scopes.has('repo') && !token.scopes.has('public_repo')) {
    throw new Refusal(404, 'Not Found');
  }
  if (!isClassic && area !== undefined && area !== 'metadata') {
    const granted = token.permissions.get(area);
    if (granted === undefined || (level === 'write' && granted !== 'write')) {
      const kind = token.kind === 'installation' ? 'integration' : 'personal access token';
      const needed = { 'x-accepted-github-permissions': `${area}=${level ?? 'read'}` };
      throw new Refusal(403, `Resource not accessible by ${kind}`, {}, needed);
    }
  }
  if (token.kind === 'installation' || route.role === undefined || state.may(token.login, repository, route.role))
    return;
  throw new Refusal(403, `Must have ${route.role} rights to Repository.`);
}

function page(
  answer: Answer,
  request: RestRequest,
  api: string,
): { readonly body: unknown; readonly link: string | null } {
  const list = answer.list ?? [];
  const size = Math.min(100, Number(request.query.get('per_page') ?? '30'));
  const number = Number(request.query.get('page') ?? '1');
  const last = Math.max(1, Math.ceil(list.length / size));
  const items = list.slice((number - 1) * size, number * size);
  const link = (to: number, name: string): string => {
    const query = new URLSearchParams(request.query);
    query.set('page', String(to));
    return `<${api}${request.path}?${query}>; rel="${name}"`;
  };
  const links = [
    ...(number > 1 ? [link(number - 1, 'prev'), link(1, 'first')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
  ];
  return { body: answer.wrap?.(items, list.length) ?? items, link: links.length === 0 ? null : links.join(', ') };
}

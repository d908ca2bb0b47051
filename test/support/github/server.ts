import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Faults } from './faults.ts';
import { type Fault } from './faults.ts';
import { serveGit } from './git-http.ts';
import { answerGraph, type GraphRequest } from './graphql.ts';
import { sendLog } from './job-logs.ts';
import { rateHeaders, type Quota } from './quota.ts';
import { Refusal } from './refusal.ts';
import { createRest, demandToken, refusalAnswer, tokenHeaders, type RestAnswer } from './rest.ts';
import type { Routes } from './routes.ts';
import type { GitHubState } from './state.ts';

/** One request, as tests count them. */
export interface Seen {
  /** `pulls/create`, `graphql`, `git`, `log`, or `unknown`. */
  readonly operation: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** By the clock of this GitHub. */
  readonly at: number;
}

export interface ServerOptions {
  readonly state: GitHubState;
  readonly quota: Quota;
  readonly faults: Faults;
  readonly routes: Routes;
  /** GitHub Enterprise has its interface below /api/v3, github.com has it on a host of its own. */
  readonly layout: 'enterprise' | 'root';
  readonly onViolation: (text: string) => void;
  readonly seen: Seen[];
}

export interface Listening {
  readonly port: number;
  stop(): Promise<void>;
}

export async function listen(options: ServerOptions): Promise<Listening> {
  const { state, quota, faults, routes, onViolation, seen } = options;
  const restRoot = options.layout === 'enterprise' ? '/api/v3' : '';
  const graphPath = options.layout === 'enterprise' ? '/api/graphql' : '/graphql';
  const rest = createRest({ state, quota, routes, onViolation });
  const work = new Set<Promise<void>>();

  async function graph(request: IncomingMessage, body: string): Promise<RestAnswer> {
    try {
      const token = demandToken(state, request.headers);
      quota.demand(token.value, 'graphql', state.person(token.login).id);
      const answer = await answerGraph(
        state,
        token,
        JSON.parse(body) as GraphRequest,
        (points) => {
          const rate = quota.rate(token.value, 'graphql');
          return { ...rate, used: rate.used + points, remaining: Math.max(0, rate.remaining - points) };
        },
        onViolation,
      );
      quota.take(token.value, 'graphql', answer.points);
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        ...tokenHeaders(token),
        ...rateHeaders(quota.rate(token.value, 'graphql'), 'graphql'),
      };
      return { status: 200, headers, body: JSON.stringify(answer.body) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return refusalAnswer(error);
    }
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', state.origin);
    const isGit = /^\/[^/]+\/[^/]+\.git\//.test(url.pathname);
    const isGraph = url.pathname === graphPath;
    const isLog = url.pathname.startsWith('/_logs/');
    const call = {
      method: request.method ?? 'GET',
      path: url.pathname.slice(restRoot.length),
      query: url.searchParams,
      headers: request.headers,
    };
    const operation = isGit
      ? 'git'
      : isGraph
        ? 'graphql'
        : isLog
          ? 'log'
          : (rest.operationId({ ...call, body: '' }) ?? 'unknown');
    response.on('close', () => {
      seen.push({ operation, method: call.method, url: url.href, status: response.statusCode, at: state.now() });
    });
    const body = isGit || isLog ? '' : await textOf(request);
    const fault = faults.next(operation, isGraph ? body : url.href);
    if (fault !== null && fault.afterEffect !== true) {
      request.resume();
      fail(fault, request, response);
      return;
    }
    if (isGit) {
      if (fault !== null) {
        // Git's answer is swallowed; the push itself has been done by then.
        response.write = () => true;
        response.end = () => response.destroy();
      }
      await serveGit(state, request, response, url);
      return;
    }
    if (isLog) {
      await sendLog(state, url, response);
      return;
    }
    const answer = isGraph ? await graph(request, body) : rest.answer({ ...call, body });
    if (fault !== null) {
      fail(fault, request, response);
      return;
    }
    response.writeHead(answer.status, answer.headers).end(answer.body ?? undefined);
  }

  function fail(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
    switch (fault.kind) {
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'timeout':
        return;
      case 'secondary': {
        const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
        const refused = refusalAnswer(new Refusal(403, message, {}, { 'retry-after': String(fault.retryAfter ?? 60) }));
        response.writeHead(refused.status, refused.headers).end(refused.body);
        return;
      }
      case 'status': {
        const refused = refusalAnswer(new Refusal(fault.status ?? 500, 'Server Error'));
        response.writeHead(refused.status, refused.headers).end(refused.body);
        return;
      }
    }
  }

  const server = createServer((request, response) => {
    const taken = take(request, response).catch((error: unknown) => {
      if (request.destroyed && !request.complete) return;
      onViolation(`this GitHub failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
    work.add(taken);
    void taken.finally(() => work.delete(taken));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  state.origin = `http://127.0.0.1:${port}`;
  state.api = `${state.origin}${restRoot}`;
  return {
    port,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, ...work]);
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
}

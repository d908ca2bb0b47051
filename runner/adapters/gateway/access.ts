import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../core/ports/clock.ts';
import type { GatewayAccess, OpenGateway } from '../../core/ports/gateway.ts';
import type { Log } from '../../core/ports/log.ts';
import { callBody, readBody } from './call-body.ts';
import type { Endpoint } from './endpoints.ts';
import { createLedger } from './ledger.ts';
import { passOn, type ModelCall } from './model-call.ts';
import type { PriceOf } from './prices.ts';
import { privateSocket } from './private-socket.ts';
import { answerError, endOfRun } from './protocol-errors.ts';
import type { Connections } from './provider-request.ts';
import { createRedaction } from '../../core/blank-out.ts';
import { dialectOf, routeOf, type Route } from './routes.ts';

export interface AccessOptions {
  readonly request: OpenGateway;
  readonly endpoints: readonly Endpoint[];
  readonly connections: Connections;
  readonly priceOf: PriceOf;
  readonly clock: Clock;
  readonly log: Log;
  readonly drainMs: number;
}

export interface Access extends GatewayAccess {
  /** When what providers are answering has ended. */
  settled(): Promise<void>;
  /** Ends that. */
  cut(reason: string): void;
}

const mostBodyBytes = 64 * 1024 ** 2;
/** Of all calls at once, so that an agent cannot fill the runner's memory. */
const mostBytesTogether = 128 * 1024 ** 2;
const mostCalls = 32;
const mostLogged = 20;

/** A server on a socket of its own, for one attempt. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { request: opened, endpoints, log, clock, drainMs } = options;
  const ledger = createLedger(options);
  const redaction = createRedaction(endpoints.map(({ secret }) => secret ?? '').filter((secret) => secret !== ''));
  const sockets = new Set<Socket>();
  const calls = new Set<Promise<void>>();
  let bytesTogether = 0;
  let logged = 0;
  let closing: Promise<void> | null = null;

  const refuseUnknown = (response: ServerResponse, method: string, path: string, endpoint?: Endpoint): void => {
    logged += 1;
    if (logged <= mostLogged) {
      const fields = {
        job: opened.job,
        attempt: opened.attempt,
        agent: opened.agent,
        method,
        path: path.slice(0, 200),
      };
      log.info(fields, 'An agent asked the gateway for what is no call of a model.');
    }
    const message = `${method} ${path} is no call of a model, and nothing else is passed on.`;
    answerError(response, dialectOf(endpoint?.protocol ?? 'openai'), { status: 404, message });
  };

  const pass = async (request: IncomingMessage, response: ServerResponse, endpoint: Endpoint, route: Route) => {
    const { dialect } = route;
    if (ledger.isSpent()) {
      answerError(response, dialect, { status: endOfRun, message: ledger.refuseForBudget() });
      return;
    }
    if (!['', 'identity'].includes(request.headers['content-encoding'] ?? '')) {
      answerError(response, dialect, { status: 415, message: 'Send the body as it is, not compressed.' });
      return;
    }
    const bytes = await readBody(request, Math.min(mostBodyBytes, mostBytesTogether - bytesTogether));
    if (bytes === null) {
      response.once('finish', () => request.destroy());
      const message = `The body is larger than ${mostBodyBytes / 1024 ** 2} MB, or than what is left for other calls.`;
      answerError(response, dialect, { status: 413, message });
      return;
    }
    const body = callBody(bytes, route);
    if (typeof body === 'string') {
      answerError(response, dialect, { status: endOfRun, message: body });
      return;
    }
    bytesTogether += bytes.length;
    try {
      await passThrough({ request, response, endpoint, route, body });
    } finally {
      bytesTogether -= bytes.length;
    }
  };

  const passThrough = async (
    call: Pick<ModelCall, 'request' | 'response' | 'endpoint' | 'route' | 'body'>,
  ): Promise<void> => {
    const stands = ledger.standing(call.endpoint, call.route, call.body);
    if (stands !== null) {
      answerError(call.response, call.route.dialect, { status: endOfRun, message: stands });
      return;
    }
    const begun = ledger.begin(call);
    try {
      await passOn({ ...call, ...begun, connections: options.connections, redaction, clock, drainMs });
    } finally {
      ledger.end(begun.cut);
    }
  };

  const server = createServer({
    maxHeaderSize: 64 * 1024,
    headersTimeout: 20_000,
    requestTimeout: 5 * 60_000,
    keepAliveTimeout: 2 * 60_000,
  });
  server.maxConnections = 256;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n');
  });
  server.on('request', (request, response) => {
    response.on('error', () => undefined);
    const method = request.method ?? '';
    const [path = ''] = (request.url ?? '').split('?', 1);
    const [, name = '', rest = ''] = /^\/([^/]*)(.*)$/s.exec(request.url ?? '') ?? [];
    const endpoint = endpoints.find((candidate) => candidate.name === name);
    if (endpoint === undefined) {
      refuseUnknown(response, method, path);
      return;
    }
    // Agents look whether anything is there.
    if ((method === 'HEAD' || method === 'GET') && (rest === '' || rest === '/')) {
      response.end();
      return;
    }
    const route = routeOf(endpoint.protocol, method, rest);
    if (route === null) {
      refuseUnknown(response, method, path, endpoint);
      return;
    }
    if (calls.size >= mostCalls) {
      const message = `More than ${mostCalls} calls at once.`;
      answerError(response, route.dialect, { status: 429, message, retryAfter: 1 });
      return;
    }
    const call = pass(request, response, endpoint, route)
      .catch((thrown: unknown) => {
        if (!request.destroyed) log.warn({ err: thrown, job: opened.job }, 'The gateway could not pass on a call.');
        response.destroy();
      })
      .finally(() => {
        calls.delete(call);
      });
    calls.add(call);
  });

  const socket = await privateSocket();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket.path, resolve);
    });
  } catch (thrown) {
    await socket.remove();
    throw thrown;
  }
  return {
    socketPath: socket.path,
    pathOf: (endpoint) => `/${endpoint}`,
    refusal: () => ledger.refusal(),
    close: () => {
      closing ??= (async () => {
        server.close();
        for (const connection of sockets) connection.destroy();
        await socket.remove();
      })();
      return closing;
    },
    settled: async () => {
      while (calls.size > 0) await Promise.all(calls);
    },
    cut: ledger.cutAll,
  };
}

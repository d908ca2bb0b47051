import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { OpusError } from '#shared/domain/errors.ts';
import { outputPath, rpcPath } from '#shared/protocol/version.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import type { Log } from '../core/ports/log.ts';
import { answerCall } from './answer-call.ts';
import { createAdmission } from './admission.ts';
import { createCallerCheck } from './caller-check.ts';
import { createCallers, type DeviceAccess } from './callers.ts';
import type { ConnectedDevices } from './connected-devices.ts';
import { addDashboardRoute } from './dashboard-route.ts';
import { createHttpServer, listenFailure, readTls } from './http-server.ts';
import { createLockOut } from './lock-out.ts';
import { streamOutput } from './output-stream.ts';
import { Refusal, refusalOf, sendRefusal } from './refusals.ts';
import type { Health, ServerApplication } from './server-application.ts';
import { addWebhookRoute, type WebhookIntake } from './webhook-route.ts';
import type { RunnerIdentity } from './wire-connection.ts';
import { createWireServer, type WireServerLimits } from './wire-server.ts';

export interface ServerOptions {
  readonly config: RunnerConfig['server'];
  readonly application: ServerApplication;
  readonly health: () => Health;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** What the command line's calls bear. */
  readonly token: string;
  readonly devices: DeviceAccess;
  readonly connected: ConnectedDevices;
  readonly runner: RunnerIdentity;
  /** What takes webhooks; without it there is no such address. */
  readonly webhooks?: WebhookIntake;
  /** The folder of the built dashboard; without it there is no such page. */
  readonly dashboard?: string;
  readonly log: Log;
  readonly wireLimits?: Partial<WireServerLimits>;
  /** How long calls at work may go on once it closes; milliseconds. */
  readonly grace?: number;
}

export interface Server {
  /** Rejects with `service.failed` when the address cannot be had. */
  listen(): Promise<Listening>;
  /** Waiting calls end at once, those at work when they are done or their time is over. May be called twice. */
  close(): Promise<void>;
  /** How many clients are connected. */
  connections(): number;
}

export interface Listening {
  /** By which this machine reaches it. */
  readonly url: string;
  /** What it shows of itself, as PEM; null without TLS. */
  readonly certificate: string | null;
}

const bodyLimit = 1_000_000;
const defaultGraceMs = 5_000;
/** An answer that nobody takes is dropped. */
const answerTimeoutMs = 30_000;

const securityHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The service's HTTP side. It knows the application and its health, and no store. */
export function createServer(options: ServerOptions): Server {
  const { application, config, health, log, metrics } = options;
  const tls = config.tls === null ? null : readTls(config.tls);
  const check = createCallerCheck({ host: config.host, publicUrl: config.publicUrl });
  const lockOut = createLockOut(() => performance.now());
  const callers = createCallers({ adminToken: options.token, devices: options.devices, lockOut, log });
  const wire = createWireServer({
    ...{ application, callers, check, log, connected: options.connected, runner: options.runner },
    trustProxy: config.trustProxy,
    ...(options.wireLimits ? { limits: options.wireLimits } : {}),
  });
  const admission = createAdmission({ callers, lockOut, trustProxy: config.trustProxy });
  const performers = { application, connection: null };
  const calls = new Set<AbortController>();
  let closed: Promise<void> | null = null;

  const refuse = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendRefusal(request, reply, refusalOf(thrown, log));
  const app = fastify({
    serverFactory: (handler) => createHttpServer(tls, handler),
    bodyLimit,
    forceCloseConnections: 'idle',
    frameworkErrors: (thrown, request, reply) => {
      refuse(thrown, request, reply);
    },
  });
  app.removeAllContentTypeParsers();
  // Parsed by whoever answers, which can say what is wrong with it.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler(refuse);
  app.setNotFoundHandler((request, reply) =>
    sendRefusal(request, reply, new Refusal(404, new OpusError('protocol.invalid', 'There is nothing here.'))),
  );
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders);
    check.refuseStrangers(request.raw);
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (closed) reply.header('connection', 'close');
    request.raw.socket.setTimeout(answerTimeoutMs);
    done(null, payload);
  });

  /** Aborts when the caller has gone or the server closes. */
  const begun = (reply: FastifyReply): AbortController => {
    const call = new AbortController();
    calls.add(call);
    if (closed) call.abort();
    reply.raw.on('close', () => {
      calls.delete(call);
      call.abort();
    });
    return call;
  };

  app.get('/healthz', () => Promise.resolve({ alive: true }));
  app.get('/readyz', (request, reply) => {
    const { ready, checks } = health();
    // A message may name a folder.
    const told = check.isLocal(request.raw) || admission.isAdmin(request.raw);
    reply.code(ready ? 200 : 503);
    return reply.send({ ready, checks: told ? checks : checks.map(({ name, ok }) => ({ name, ok })) });
  });
  app.get('/metrics', async (request, reply) => {
    if (!check.isLocal(request.raw)) admission.refuseUnlessAdmin(request.raw);
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics());
  });
  app.route<{ Body: string | undefined }>({
    method: 'POST',
    url: rpcPath,
    // Before the body is read.
    onRequest: (request, _reply, done) => {
      admission.callerOrStranger(request.raw);
      done();
    },
    handler: async (request, reply) => {
      // Once more: many may have been let in at once.
      const caller = admission.callerOrStranger(request.raw);
      const { signal } = begun(reply);
      const answer = await answerCall(request.body ?? '', performers, { caller, signal }, log);
      if (caller === null && 'error' in answer) throw admission.refusedStranger(request.raw, answer.error);
      return reply.code('error' in answer && answer.id === null ? 400 : 200).send(answer);
    },
  });

  if (options.dashboard) addDashboardRoute(app, { folder: options.dashboard, publicUrl: config.publicUrl });
  if (options.webhooks) addWebhookRoute(app, options.webhooks, log);
  app.route<{ Params: { job: string } }>({
    method: 'GET',
    url: outputPath(':job'),
    onRequest: (request, _reply, done) => {
      admission.caller(request.raw);
      done();
    },
    handler: async (request, reply) => {
      const context = { caller: admission.caller(request.raw), signal: begun(reply).signal };
      const lines = await streamOutput(application, request.params.job, { context, log });
      return reply.type('application/x-ndjson; charset=utf-8').send(lines);
    },
  });

  wire.attach(app.server);

  async function close(): Promise<void> {
    for (const call of calls) call.abort();
    // The server ends when its last connection has, and knows nothing of these.
    await wire.close();
    const late = setTimeout(() => {
      app.server.closeAllConnections();
    }, options.grace ?? defaultGraceMs);
    await app.close();
    clearTimeout(late);
  }

  return {
    async listen() {
      // For the name, Fastify would open a second server that it alone knows of.
      const host = config.host === 'localhost' ? '127.0.0.1' : config.host;
      try {
        await app.listen({ host, port: config.port });
      } catch (thrown) {
        throw listenFailure(thrown, config.host, config.port);
      }
      const address = app.server.address();
      const port = typeof address === 'object' && address ? address.port : config.port;
      return { url: `${tls ? 'https' : 'http'}://${fromHere(host)}:${port}`, certificate: tls?.leaf ?? null };
    },
    close: () => (closed ??= close()),
    connections: () => wire.connections(),
  };
}

function fromHere(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

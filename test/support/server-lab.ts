import { once } from 'node:events';
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { rpcPath } from '../../shared/protocol/version.ts';
import { createConnectedDevices } from '../../runner/server/connected-devices.ts';
import { createServer, type Server, type ServerOptions } from '../../runner/server/create-server.ts';
import type { Health } from '../../runner/server/server-application.ts';
import { collectLog, createStandIn, loopbackServer, type CollectedLog } from './server-stand-in.ts';

export const token = 'a-token-of-this-run';
export const admin = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
export const healthy: Health = {
  ready: true,
  checks: [{ name: 'vault', ok: true, message: '/home/me/vault is there' }],
};

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** For a server that nobody is paired with. */
export function withoutDevices(): Pick<ServerOptions, 'devices' | 'connected' | 'runner'> {
  return {
    devices: { bearer: () => null, get: () => null, seen: () => undefined },
    connected: createConnectedDevices(),
    runner: { version: '1.2.3', name: 'a-machine' },
  };
}

/** A real server on a free port of loopback, closed when the test ends. */
export interface RunningServer {
  readonly url: string;
  readonly log: CollectedLog;
  close(): Promise<void>;
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** As an admin. */
  post(body: string, headers?: Record<string, string>): Promise<Answer>;
  call(method: string, params?: unknown): Promise<Answer>;
  connection(): Promise<Socket>;
  /** Those of the wire. */
  connections(): number;
}

export async function startServer(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const log = collectLog();
  const server: Server = createServer({
    config: loopbackServer,
    application: createStandIn().application,
    health: () => healthy,
    metrics: () => Promise.resolve('opus_jobs 1\n'),
    token,
    ...withoutDevices(),
    log,
    ...options,
  });
  onTestFinished(() => server.close());
  const { url } = await server.listen();
  const post = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(url, rpcPath, { method: 'POST', headers: { ...admin, ...headers }, body });
  return {
    url,
    log,
    close: () => server.close(),
    ask: (path, asked) => ask(url, path, asked),
    post,
    call: (method, params) => post(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params })),
    connection: () => connectionTo(url),
    connections: () => server.connections(),
  };
}

export async function connectionTo(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  // A server that has had enough resets the connection.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function ask(url: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => {
        const isJson = response.headers['content-type']?.startsWith('application/json') === true;
        const json: unknown = isJson ? JSON.parse(text) : null;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    sent.on('error', reject).end(body);
  });
}

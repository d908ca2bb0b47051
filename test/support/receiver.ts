import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedPost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A web server on loopback that takes notifications, or does to them what a test says. */
export interface Receiver {
  readonly port: number;
  readonly origin: string;
  readonly received: readonly ReceivedPost[];
  /** What it answers from now on: a status with headers, or nothing at all. */
  answer(status: number | 'never', headers?: Readonly<Record<string, string>>): void;
  /** Nothing listens any more; the port is kept for `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: ReceivedPost[] = [];
  let status: number | 'never' = 200;
  let headers: Readonly<Record<string, string>> = {};
  let server: Server | null = null;
  let port = 0;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    received.push({
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(text) as Record<string, unknown>,
    });
    // A kept connection would hide that a server went away and came back.
    if (status !== 'never') response.writeHead(status, { ...headers, connection: 'close' }).end('{}');
  }

  async function start(): Promise<void> {
    server = createServer((request, response) => void take(request, response));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }

  await start();
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    received,
    answer(nextStatus, nextHeaders = {}) {
      status = nextStatus;
      headers = nextHeaders;
    },
    start,
    async stop() {
      if (server === null) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      server = null;
    },
  };
}

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { onTestFinished, vi } from 'vitest';
import WebSocket from 'ws';
import type { MethodName, MethodResult } from '../../shared/protocol/methods.ts';
import {
  notifications,
  wirePath,
  type HelloResult,
  type NotificationName,
  type NotificationParams,
} from '../../shared/protocol/wire.ts';

const patience = { timeout: 10_000 };

/** A socket of a test, which checks all that it is told. */
export interface WireClient {
  readonly socket: WebSocket;
  /** The close code and reason once it is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Rejects with the error's data, as the server sent it. */
  call<Method extends MethodName>(method: Method, params?: unknown): Promise<MethodResult<Method>>;
  hello(params?: Record<string, unknown>): Promise<HelloResult>;
  /** Of that name, as they came. */
  told<Name extends NotificationName>(name: Name): readonly NotificationParams<Name>[];
  /** Waits until so many of that name have come. */
  untilTold<Name extends NotificationName>(name: Name, count?: number): Promise<readonly NotificationParams<Name>[]>;
}

interface Message {
  readonly id?: number;
  readonly method?: NotificationName;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly data?: unknown };
}

export async function openWire(url: string, options: WebSocket.ClientOptions = {}): Promise<WireClient> {
  const socket = new WebSocket(new URL(wirePath, url.replace(/^http/, 'ws')), options);
  onTestFinished(() => {
    socket.terminate();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
    });
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const notified: { name: NotificationName; params: unknown }[] = [];
  let lastId = 0;
  socket.on('message', (data: Buffer) => {
    const { id, method, params, result, error } = JSON.parse(data.toString()) as Message;
    if (method !== undefined) notified.push({ name: method, params: notifications[method].parse(params) });
    else if (error) waiting.get(id ?? 0)?.reject(error.data ?? error);
    else waiting.get(id ?? 0)?.resolve(result);
  });
  void closed.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('The connection was closed.'));
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);

  function ask(method: string, params: unknown): Promise<unknown> {
    const id = (lastId += 1);
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return answer.promise;
  }
  const told = <Name extends NotificationName>(wanted: Name): NotificationParams<Name>[] =>
    notified.flatMap(({ name, params }) => (name === wanted ? [params as NotificationParams<Name>] : []));
  return {
    socket,
    closed,
    call: (method, params = {}) => ask(method, params) as never,
    hello: (params) => ask('hello', { protocol: 1, client: 'a test', ...params }) as Promise<HelloResult>,
    told,
    untilTold: (name, count = 1) =>
      vi.waitFor(() => {
        const came = told(name);
        if (came.length < count) throw new Error(`${came.length} of ${count} "${name}" have come.`);
        return came;
      }, patience),
  };
}

/** The HTTP status that answers a handshake; 101 when it is taken. */
export async function upgradeStatus(
  server: { connection(): Promise<Socket> },
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const socket = await server.connection();
  const all = {
    host: 'localhost',
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+) /.exec(first.toString())?.[1]);
}

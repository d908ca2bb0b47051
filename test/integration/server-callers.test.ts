import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { rpcPath } from '../../shared/protocol/version.ts';
import { createHttpServer } from '../../runner/server/http-server.ts';
import { admin, connectionTo, startServer, token, type RunningServer } from '../support/server-lab.ts';
import { createStandIn, loopbackServer, type StandIn } from '../support/server-stand-in.ts';

describe('the HTTP server lets nobody else in and', () => {
  let standIn: StandIn;
  let server: RunningServer;
  const pause = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'runner.pause' });
  async function startWatched(config = loopbackServer): Promise<void> {
    standIn = createStandIn();
    server = await startServer({ application: standIn.application, config });
  }
  const unauthorized = {
    jsonrpc: '2.0',
    id: null,
    error: { code: -32_000, data: { code: 'protocol.unauthorized' } },
  };

  it.each(['', 'Bearer ', 'Bearer wrong', `Basic ${token}`, `Bearer ${token}x`, token])(
    'refuses the authorization "%s"',
    async (authorization) => {
      await startWatched();
      expect(await server.post(pause, { authorization })).toMatchObject({ status: 401, json: unauthorized });
      expect(standIn.calls).toEqual([]);
    },
  );

  it.each([
    ['a name that was made to lead here', { host: 'evil.example' }],
    ['a name with ours before it', { host: 'localhost.evil.example' }],
    ['what is no name', { host: 'localhost/x' }],
    ['an address that is not ours', { host: '192.0.2.7' }],
    ['a user in the name', { host: 'localhost@evil.example' }],
    ['a page of elsewhere', { origin: 'https://evil.example' }],
    ['a page of another port here', { origin: 'http://localhost:1' }],
    ['a page of nowhere', { origin: 'null' }],
  ])('refuses %s even with the token', async (_what, headers) => {
    await startWatched();
    expect(await server.post(pause, headers)).toMatchObject({ status: 403, json: unauthorized });
    expect((await server.ask('/metrics', { headers })).status).toBe(403);
    expect(standIn.calls).toEqual([]);
  });

  it('goes by the names of loopback, its own and its public one', async () => {
    await startWatched({ ...loopbackServer, publicUrl: 'https://opus.example.org/x' });
    const { port } = new URL(server.url);
    const hosts = ['localhost', `LOCALHOST:${port}`, '[::1]:7717', '127.0.0.1', 'opus.example.org'];
    for (const host of hosts) expect((await server.post(pause, { host })).status).toBe(200);
    for (const origin of [server.url, 'https://opus.example.org'])
      expect((await server.post(pause, { origin })).status).toBe(200);
  });

  it('goes by any address where it listens on all of them, and by no name', async () => {
    await startWatched({ ...loopbackServer, host: '0.0.0.0' });
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    expect((await server.post(pause, { host: '192.0.2.7:80' })).status).toBe(200);
    expect((await server.post(pause, { host: 'evil.example' })).status).toBe(403);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx'])(
    'takes no %s',
    async (type) => {
      await startWatched();
      expect((await server.post(pause, { 'content-type': type })).status).toBe(415);
      expect(standIn.calls).toEqual([]);
    },
  );

  it('takes no body above a megabyte, whether its size is named or not', async () => {
    await startWatched();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'job.get', params: { job: 'x'.repeat(1_000_000) } });
    for (const sizes of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      const socket = await server.connection();
      const headers = Object.entries({ host: 'localhost', ...admin, ...sizes }).map((pair) => pair.join(': '));
      socket.write(`POST ${rpcPath} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      if ('transfer-encoding' in sizes) socket.write(`${body.length.toString(16)}\r\n${body}\r\n`);
      const [first] = (await once(socket, 'data')) as [Buffer];
      expect(first.toString()).toMatch(/^HTTP\/1\.1 413 /);
    }
    expect(standIn.calls).toEqual([]);
  });

  it('reads no body above what a pairing code takes of a caller without the token', async () => {
    await startWatched();
    const socket = await server.connection();
    socket.write(
      `POST ${rpcPath} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n`,
    );
    const closed = once(socket, 'close');
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^HTTP\/1\.1 401 /);
    await closed;
  });

  it.each([
    ['its headers', 'GET / HTTP/1.1\r\nHost: a\r\n'],
    ['its body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc'],
    ['another request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('does not keep a client that does not send %s', async (_what, sent) => {
    const plain = createHttpServer(null, (incoming, response) => incoming.resume().on('end', () => response.end()), {
      handshakeTimeout: 50,
      headersTimeout: 50,
      requestTimeout: 50,
      keepAliveTimeout: 50,
      connectionsCheckingInterval: 10,
    });
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const socket = await connectionTo(`http://127.0.0.1:${(plain.address() as AddressInfo).port}`);
    socket.resume().write(sent);
    await once(socket, 'close');
    await new Promise((resolve) => plain.close(resolve));
    expect(plain.maxConnections).toBeLessThan(1_000);
  });

  it('survives what is not HTTP', async () => {
    await startWatched();
    for (const garbage of [
      '\x16\x03\x01\x02\x00\x01',
      'GET / HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const socket = await server.connection();
      const closed = once(socket, 'close');
      socket.resume().write(garbage);
      await closed;
    }
    expect((await server.ask('/healthz')).status).toBe(200);
  });
});

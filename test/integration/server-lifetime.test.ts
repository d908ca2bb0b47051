import { describe, expect, it, vi } from 'vitest';
import { rpcPath } from '../../shared/protocol/version.ts';
import { admin, startServer } from '../support/server-lab.ts';
import { createStandIn, loopbackServer } from '../support/server-stand-in.ts';

// A busy machine may take long over anything.
const patience = { timeout: 20_000 };

describe('the HTTP server, when it starts and stops,', () => {
  it('says that its port is taken, and what to do', async () => {
    const server = await startServer();
    const port = Number(new URL(server.url).port);
    await expect(startServer({ config: { ...loopbackServer, port } })).rejects.toMatchObject({
      code: 'service.failed',
      message: `Port ${port} on 127.0.0.1 is in use by another program.`,
      hint: expect.stringContaining('server.port') as string,
    });
  });

  it('says that an address is not of this machine', async () => {
    await expect(startServer({ config: { ...loopbackServer, host: '192.0.2.7' } })).rejects.toMatchObject({
      code: 'service.failed',
      message: 'This machine has no address 192.0.2.7.',
    });
  });

  it('says which TLS file it cannot read', async () => {
    const tls = { certificate: '/nowhere/certificate.pem', key: '/nowhere/key.pem' };
    await expect(startServer({ config: { ...loopbackServer, tls } })).rejects.toMatchObject({
      code: 'service.failed',
      message: 'server.tls.certificate: the file /nowhere/certificate.pem cannot be read (ENOENT).',
    });
  });

  it('ends waiting calls at once when it closes', async () => {
    const standIn = createStandIn({
      // One that does not even listen.
      'events.since': () => new Promise(() => undefined),
    });
    const server = await startServer({ application: standIn.application, grace: 1_000_000 });
    const answer = server.call('events.since', { afterSeq: 0, waitMs: 30_000 });
    await vi.waitFor(() => {
      expect(standIn.calls).toHaveLength(1);
    }, patience);
    await server.close();
    expect((await answer).json).toMatchObject({ error: { data: { code: 'protocol.unreachable' } } });
    await expect(server.ask('/healthz')).rejects.toThrow('ECONNREFUSED');
  });

  it('lets a call at work end when it closes', async () => {
    const work = Promise.withResolvers<{ paused: 'paused'; running: number }>();
    const standIn = createStandIn({ 'runner.pause': () => work.promise });
    const server = await startServer({ application: standIn.application, grace: 1_000_000 });
    const answer = server.call('runner.pause');
    await vi.waitFor(() => {
      expect(standIn.calls).toHaveLength(1);
    }, patience);
    const closed = server.close();
    work.resolve({ paused: 'paused', running: 3 });
    await closed;
    expect((await answer).json).toMatchObject({ result: { running: 3 } });
  });

  it('waits for no call and no half-sent request longer than its grace', async () => {
    const standIn = createStandIn({ 'runner.pause': () => new Promise(() => undefined) });
    const server = await startServer({ application: standIn.application, grace: 20 });
    const answer = server.call('runner.pause').catch((thrown: unknown) => thrown);
    const socket = await server.connection();
    socket.write(`POST ${rpcPath} HTTP/1.1\r\nHost: localhost\r\n`);
    await vi.waitFor(() => {
      expect(standIn.calls).toHaveLength(1);
    }, patience);
    await server.close();
    expect(await answer).toBeInstanceOf(Error);
  });

  it('lets go of a waiting call whose caller has gone', async () => {
    const standIn = createStandIn();
    const server = await startServer({ application: standIn.application });
    const socket = await server.connection();
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'events.since',
      params: { afterSeq: 0, waitMs: 30_000 },
    });
    const headers = Object.entries({ host: 'localhost', ...admin, 'content-length': String(body.length) });
    socket.write(`POST ${rpcPath} HTTP/1.1\r\n${headers.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n${body}`);
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(1);
    }, patience);
    socket.destroy();
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(0);
    }, patience);
  });

  it('may be closed twice', async () => {
    const server = await startServer();
    await server.close();
    await server.close();
    await expect(server.ask('/healthz')).rejects.toThrow('ECONNREFUSED');
  });
});

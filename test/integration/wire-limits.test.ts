import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type WebSocket from 'ws';
import type { ServerOptions } from '../../runner/server/create-server.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { makeDeviceLab } from '../support/device-lab.ts';
import { startServer, token, type RunningServer } from '../support/server-lab.ts';
import { createStandIn, loopbackServer, type StandIn } from '../support/server-stand-in.ts';
import { openWire, upgradeStatus } from '../support/wire-client.ts';

const patience = { timeout: 10_000 };
type Limits = NonNullable<ServerOptions['wireLimits']>;

async function start(
  wireLimits: Limits = {},
  standIn = createStandIn(),
): Promise<{ readonly server: RunningServer; readonly standIn: StandIn }> {
  return { server: await startServer({ application: standIn.application, wireLimits }), standIn };
}

const hello = (params: Record<string, unknown>): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'hello', params: { protocol: 1, client: 'x', token, ...params } });

describe('a connection is closed', () => {
  it.each<[string, string | Buffer, number, string]>([
    [
      'that begins with another call',
      '{"jsonrpc":"2.0","id":1,"method":"board.get"}',
      4400,
      'The first message must be a hello.',
    ],
    ['that begins with no JSON', 'hello', 4400, 'The first message must be a hello.'],
    ['whose hello has no token', hello({ token: undefined }), 4400, 'This hello is not one of the protocol.'],
    ['whose hello names no version', hello({ protocol: 'new' }), 4400, 'This hello is not one of the protocol.'],
    ['that is binary', Buffer.from(hello({})), 4400, 'A message must be text.'],
    ['with a wrong token', hello({ token: 'wrong' }), 4401, 'The token is not known, or was revoked.'],
    ['with a token of the prototype', hello({ token: '__proto__' }), 4401, 'The token is not known, or was revoked.'],
    [
      'of a client that is too new',
      hello({ protocol: 9 }),
      4426,
      'It speaks version 9 of the protocol, this runner version 1: update the runner.',
    ],
    [
      'of a client that is too old',
      hello({ protocol: 0 }),
      4426,
      'It speaks version 0 of the protocol, this runner version 1: update the plugin.',
    ],
  ])('%s', async (_what, first, code, reason) => {
    const { server, standIn } = await start();
    const { socket, closed } = await openWire(server.url);
    socket.send(first);
    // Nothing that follows counts.
    socket.send('{"jsonrpc":"2.0","id":2,"method":"runner.pause"}');
    expect(await closed).toEqual({ code, reason });
    expect(standIn.calls).toEqual([]);
  });

  it('that says no hello in time', async () => {
    const { server } = await start({ helloWithinMs: 20 });
    const { closed } = await openWire(server.url);
    expect(await closed).toEqual({ code: 4400, reason: 'No hello came in time.' });
  });

  it('that sends more than a megabyte, before and after its hello', async () => {
    const { server } = await start();
    const [early, late] = [await openWire(server.url), await openWire(server.url)];
    await late.hello({ token });
    for (const { socket, closed } of [early, late]) {
      socket.send('x'.repeat(1_000_001));
      expect(await closed).toMatchObject({ code: 1009 });
    }
  });

  it('that calls too fast', async () => {
    const { server, standIn } = await start({ perSecond: 1, burst: 20 });
    const client = await openWire(server.url);
    await client.hello({ token });
    for (let id = 10; id < 100; id += 1) client.socket.send(`{"jsonrpc":"2.0","id":${id},"method":"runner.pause"}`);
    expect(await client.closed).toMatchObject({ code: 4429 });
    expect(standIn.calls).toHaveLength(19);
  });

  it('whose client is gone without a word', async () => {
    const { server } = await start({ aliveEveryMs: 10, silentMs: 60 });
    const client = await openWire(server.url, { autoPong: false });
    await client.hello({ token });
    expect(await client.closed).toMatchObject({ code: 1006 });
    await vi.waitFor(() => {
      expect(server.connections()).toBe(0);
    }, patience);
  });

  it('not while its client answers pings', async () => {
    const { server } = await start({ aliveEveryMs: 5, silentMs: 2_000 });
    const client = await openWire(server.url);
    await client.hello({ token });
    await client.untilTold('alive', 40);
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  it('at once when its device is revoked', async () => {
    const devices = makeDeviceLab();
    const { application } = createStandIn();
    const server = await startServer({ application, ...devices.server });
    const [first, second] = [await openWire(server.url), await openWire(server.url)];
    const [phone, desk] = ['phone', 'desk'].map((name) => devices.pair('viewer', name));
    await Promise.all([first.hello({ token: phone }), second.hello({ token: desk })]);
    const [revoked] = devices.pairing.revoke('phone');
    devices.server.connected.end(revoked?.id ?? '');
    expect(await first.closed).toEqual({ code: 4401, reason: 'This device was revoked.' });
    expect(devices.server.connected.isConnected(revoked?.id ?? '')).toBe(false);
    expect(second.socket.readyState).toBe(second.socket.OPEN);
  });

  it('soon when its device was revoked beside the service, without a call', async () => {
    const devices = makeDeviceLab();
    const { application } = createStandIn();
    const server = await startServer({ application, wireLimits: { aliveEveryMs: 20 }, ...devices.server });
    const client = await openWire(server.url);
    await client.hello({ token: devices.pair('viewer') });
    devices.pairing.revoke('a viewer');
    expect(await client.closed).toMatchObject({ code: 4401 });
  });
});

describe('connections', () => {
  it('are only so many from one address', async () => {
    const { server } = await start({ perAddress: 2 });
    const first = [await openWire(server.url), await openWire(server.url)];
    const third = await openWire(server.url);
    expect(await third.closed).toEqual({ code: 4429, reason: 'Too many connections are open already.' });
    first[0]?.socket.terminate();
    await vi.waitFor(async () => {
      expect(await (await openWire(server.url)).hello({ token })).toMatchObject({ role: 'admin' });
    }, patience);
  });

  it('are only so many in all', async () => {
    const { server } = await start({ connections: 1 });
    await openWire(server.url);
    expect(await (await openWire(server.url)).closed).toMatchObject({ code: 4429 });
  });

  it('have only so many calls at work at once', async () => {
    const { server, standIn } = await start({ callsAtWork: 3 });
    const client = await openWire(server.url);
    await client.hello({ token });
    const waits = [1, 2, 3].map(() => client.call('events.since', { waitMs: 30_000 }));
    await expect(client.call('job.get', { job: 'FR-1' })).rejects.toMatchObject({ code: 'protocol.too-many' });
    expect(standIn.calls.map(({ method }) => method)).not.toContain('job.get');
    standIn.tell('job.started');
    await Promise.all(waits);
    expect(await client.call('job.get', { job: 'FR-1' })).toMatchObject({ job: 'FR-1-1' });
  });

  it('leave nothing waiting when they end', async () => {
    const { server, standIn } = await start();
    const client = await openWire(server.url);
    await client.hello({ token });
    const wait = client.call('events.since', { waitMs: 30_000 });
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(1);
    }, patience);
    client.socket.terminate();
    await expect(wait).rejects.toThrow();
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(0);
    }, patience);
  });
});

describe('who does not read', () => {
  const pauseReading = (socket: WebSocket): void => {
    socket.pause();
  };
  const text = 'x'.repeat(20_000);

  it('takes no memory, learns that it missed something, and is told of what happens after that', async () => {
    const { server, standIn } = await start({ aliveEveryMs: 20 });
    const [slow, quick] = [await openWire(server.url), await openWire(server.url)];
    await Promise.all([slow.hello({ token }), quick.hello({ token })]);
    pauseReading(slow.socket);
    let heard = 0;
    quick.socket.on('message', (data: Buffer) => {
      if (data.includes('"event"')) heard += 1;
    });
    collectGarbage();
    const before = process.memoryUsage();
    const told = 2_000;
    for (let count = 1; count <= told; count += 1) {
      standIn.tell('job.started', {}, { text });
      while (heard < count - 20) await turn();
    }
    await quick.untilTold('event', told);
    // All that was told is 40 megabytes; what waits for the slow one is less than two.
    // What is garbage already may be counted for a moment longer.
    await vi.waitFor(() => {
      collectGarbage();
      expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(10_000_000);
    }, patience);
    slow.socket.resume();
    await vi.waitFor(() => {
      expect(slow.told('alive').at(-1)?.seq).toBe(told);
    }, patience);
    const came = slow.told('event').map(({ seq }) => seq);
    expect(came.length).toBeLessThan(told / 2);
    // In order; where the system took some more of it meanwhile, with a gap.
    expect(came[0]).toBe(1);
    expect(came).toEqual([...new Set(came)].sort((one, other) => one - other));
    standIn.tell('job.waiting');
    await vi.waitFor(() => {
      expect(slow.told('event').at(-1)?.seq).toBe(told + 1);
    }, patience);
  });

  it('is let go after a while', async () => {
    const { server, standIn } = await start({ aliveEveryMs: 10, stuckMs: 50 });
    const slow = await openWire(server.url);
    await slow.hello({ token });
    pauseReading(slow.socket);
    for (let count = 0; count < 1_000; count += 1) {
      standIn.tell('job.started', {}, { text });
      if (count % 20 === 0) await turn();
    }
    await vi.waitFor(() => {
      expect(server.connections()).toBe(0);
    }, patience);
  });

  it('has no more calls at work than others, until it has read the answers', async () => {
    const job = { logs: [{ name: 'log', text: 'x'.repeat(900_000) }] };
    const standIn = createStandIn({ 'job.log': () => Promise.resolve(job) });
    const { server } = await start({ burst: 1_000, callsAtWork: 4 }, standIn);
    const client = await openWire(server.url);
    await client.hello({ token });
    pauseReading(client.socket);
    const logs = (): number => standIn.calls.filter(({ method }) => method === 'job.log').length;
    // Other connections are served meanwhile.
    const other = await openWire(server.url);
    await other.hello({ token });
    const asked: Promise<unknown>[] = [];
    for (let count = 0; count < 100; count += 1) {
      asked.push(client.call('job.log', { job: 'FR-1', lines: 1 }));
      await other.call('job.get', { job: 'FR-1' });
    }
    // What the system takes before it is read, and what is at work.
    expect(logs()).toBeLessThan(20);
    client.socket.resume();
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(logs());
    expect(await client.call('job.log', { job: 'FR-1' })).toEqual(job);
  });
});

describe('an upgrade', () => {
  const config = { ...loopbackServer, publicUrl: 'https://opus.example.org' };

  it.each(['app://obsidian.md', 'capacitor://localhost', 'http://localhost', 'https://opus.example.org', undefined])(
    'is taken from the origin %s',
    async (origin) => {
      const server = await startServer({ config });
      const client = await openWire(server.url, origin === undefined ? {} : { headers: { origin } });
      expect(await client.hello({ token })).toMatchObject({ role: 'admin' });
    },
  );

  it.each<[string, string, Record<string, string>, number]>([
    ['a page of elsewhere', '/ws', { origin: 'https://evil.example' }, 403],
    ['a page of nowhere', '/ws', { origin: 'null' }, 403],
    ['a page of another port here', '/ws', { origin: 'http://localhost:1' }, 403],
    ['a page of Obsidian’s own site', '/ws', { origin: 'https://obsidian.md' }, 403],
    ['a name that was made to lead here', '/ws', { host: 'evil.example' }, 403],
    ['what asks for something else', '/other', {}, 404],
    ['what asks for something above', '/ws/../x', {}, 404],
    ['another version of the WebSocket', '/ws', { 'sec-websocket-version': '7' }, 400],
    ['a key that is none', '/ws', { 'sec-websocket-key': 'x' }, 400],
  ])('is refused to %s', async (_what, path, headers, status) => {
    const server = await startServer({ config });
    expect(await upgradeStatus(server, path, headers)).toBe(status);
    expect(server.connections()).toBe(0);
  });

  it.each([
    ['/healthz', 'h2c', 200],
    ['/healthz', 'websocket', 200],
    ['/ws', 'h2c', 404],
  ])('of %s to %s is answered as if nothing else had been asked for: %i', async (path, upgrade, status) => {
    const server = await startServer({ config });
    expect(await upgradeStatus(server, path, { upgrade })).toBe(status);
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { mayCall } from '../../shared/protocol/least-role.ts';
import { methodParams } from '../../shared/protocol/method-params.ts';
import { isMethodName } from '../../shared/protocol/methods.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { makeDeviceLab, type DeviceLab } from '../support/device-lab.ts';
import { hostileFrames, hostileHandshakes, hostileMessages, nestedMessages } from '../support/hostile-frames.ts';
import { startServer, token, type RunningServer } from '../support/server-lab.ts';
import { createStandIn, type StandIn } from '../support/server-stand-in.ts';
import { openWire } from '../support/wire-client.ts';

const seed = 20_240_531;
const patience = { timeout: 10_000 };
const together = 50;
const sample = <Value>(arbitrary: fc.Arbitrary<Value>, numRuns: number): Value[] =>
  fc.sample(arbitrary, { seed, numRuns });

const handshake = [
  'GET /ws HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n');

interface Lab {
  readonly server: RunningServer;
  readonly standIn: StandIn;
  readonly devices: DeviceLab;
}

async function start(): Promise<Lab> {
  const devices = makeDeviceLab();
  const standIn = createStandIn(devices.pairs);
  const server = await startServer({
    application: standIn.application,
    wireLimits: { perSecond: 1e9, burst: 1e9, callsAtWork: 10_000, helloWithinMs: 200 },
    ...devices.server,
  });
  return { server, standIn, devices };
}

/** Sends the bytes over a connection of their own, and waits until the server has had enough of them or says something. */
async function send(server: RunningServer, bytes: string | Buffer, isUpgraded: boolean): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  if (isUpgraded) {
    socket.write(`${handshake}\r\n\r\n`);
    await Promise.race([once(socket, 'data'), closed]);
  }
  const answered = once(socket, 'data');
  // Half of what is sent waits for more; the end of it is the end of the wait.
  socket.end(bytes);
  await Promise.race([answered, closed]);
  socket.destroy();
  await closed;
}

async function sendAll(server: RunningServer, all: readonly (string | Buffer)[], isUpgraded: boolean): Promise<void> {
  for (let from = 0; from < all.length; from += together) {
    await Promise.all(all.slice(from, from + together).map((bytes) => send(server, bytes, isUpgraded)));
  }
}

async function expectUnharmed({ server, devices }: Lab): Promise<void> {
  const client = await openWire(server.url);
  expect(await client.hello({ token })).toMatchObject({ role: 'admin' });
  expect(await client.call('job.get', { job: 'FR-1' })).toMatchObject({ job: 'FR-1-1' });
  client.socket.close();
  await client.closed;
  await vi.waitFor(() => {
    expect(server.connections()).toBe(0);
  }, patience);
  expect(server.log.errors.filter((line) => !line.includes('The stand-in has no'))).toEqual([]);
  expect(devices.registry.devices.list().map(({ role }) => role)).not.toContain('admin');
}

function liveHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('hostile input', () => {
  it('in 2,000 handshakes lets nobody in and breaks nothing', async () => {
    const lab = await start();
    await sendAll(lab.server, sample(hostileHandshakes, 2_000), false);
    expect(lab.standIn.calls).toEqual([]);
    await expectUnharmed(lab);
  });

  it('in the first frames of 2,000 connections lets nobody in, breaks nothing and leaves nothing behind', async () => {
    const lab = await start();
    const frames = sample(hostileFrames, 2_000);
    await sendAll(lab.server, frames.slice(0, 500), true);
    await vi.waitFor(() => {
      expect(lab.server.connections()).toBe(0);
    }, patience);
    const [heap, handles] = [liveHeap(), process.getActiveResourcesInfo().length];
    await sendAll(lab.server, frames.slice(500), true);
    expect(lab.standIn.calls).toEqual([]);
    await expectUnharmed(lab);
    expect(process.getActiveResourcesInfo().length).toBeLessThan(handles + 10);
    // A kilobyte for each connection that was.
    expect(liveHeap() - heap).toBeLessThan(1_500_000);
  });

  it('in 6,500 messages of a viewer does nothing that a viewer may not, and each is answered', async () => {
    const lab = await start();
    const viewer = await openWire(lab.server.url);
    await viewer.hello({ token: lab.devices.pair('viewer') });
    const messages = [...sample(hostileMessages, 6_400), ...sample(nestedMessages, 100)];
    let answers = 0;
    viewer.socket.on('message', (data: Buffer) => {
      if (!data.includes('"method"')) answers += 1;
    });
    for (const message of messages) viewer.socket.send(message);
    const waiting = () => lab.standIn.calls.filter(({ method }) => method === 'events.since').length;
    await vi.waitFor(() => {
      lab.standIn.tell('job.started');
      expect(answers).toBe(messages.length);
    }, patience);
    expect(waiting()).toBeLessThan(messages.length);
    expect(lab.standIn.calls.length).toBeGreaterThan(0);
    for (const { method, params } of lab.standIn.calls) {
      expect(isMethodName(method) && mayCall('viewer', method)).toBe(true);
      expect(isMethodName(method) && methodParams[method].safeParse(params).success).toBe(true);
    }
    viewer.socket.close();
    await viewer.closed;
    await expectUnharmed(lab);
    expect(({} as Record<string, unknown>)['job']).toBeUndefined();
  });
});

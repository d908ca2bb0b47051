import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { MethodResult } from '../../shared/protocol/methods.ts';
import { notifications } from '../../shared/protocol/wire.ts';
import type { ServerOptions } from '../../runner/server/create-server.ts';
import { makeDeviceLab } from '../support/device-lab.ts';
import { startServer, token, type RunningServer } from '../support/server-lab.ts';
import { aRunnerStatus, createStandIn } from '../support/server-stand-in.ts';
import { openWire } from '../support/wire-client.ts';

const patience = { timeout: 10_000 };

interface FaultLab {
  readonly token: string;
  readonly own: ServerOptions['devices'];
  readonly start: (
    replaced: Partial<ServerOptions['devices']>,
    wireLimits?: NonNullable<ServerOptions['wireLimits']>,
  ) => Promise<RunningServer>;
}

function lab(): FaultLab {
  const devices = makeDeviceLab();
  const own = devices.server.devices;
  return {
    token: devices.pair('approver'),
    own,
    start: (replaced, wireLimits = {}) =>
      startServer({
        application: createStandIn().application,
        ...devices.server,
        devices: { ...own, ...replaced },
        wireLimits,
      }),
  };
}

const full = (): never => {
  throw new Error('database or disk is full');
};

describe('a registry that fails', () => {
  it('lets a device in whose coming cannot be noted', async () => {
    const { start, token: paired } = lab();
    const server = await start({ seen: full });
    expect(await (await openWire(server.url)).hello({ token: paired })).toMatchObject({ role: 'approver' });
    expect(server.log.errors).toEqual([]);
  });

  it('ends the connections that need it and no other', async () => {
    const { start, token: paired } = lab();
    const server = await start({ bearer: full });
    const other = await openWire(server.url);
    await other.hello({ token });
    const client = await openWire(server.url);
    client.hello({ token: paired }).catch(() => undefined);
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(other.socket.readyState).toBe(other.socket.OPEN);
    await vi.waitFor(() => {
      expect(server.connections()).toBe(1);
    }, patience);
  });

  it('ends a connection whose device cannot be looked up any more', async () => {
    let isFull = false;
    const { start, own, token: paired } = lab();
    const server = await start({ get: (id) => (isFull ? full() : own.get(id)) }, { aliveEveryMs: 20 });
    const client = await openWire(server.url);
    await client.hello({ token: paired });
    isFull = true;
    expect(await client.closed).toMatchObject({ code: 1011 });
  });
});

describe('who reads late', () => {
  it('is told of the state that it missed', async () => {
    let paused: 'no' | 'paused' = 'no';
    const text = 'x'.repeat(20_000);
    const state = {
      featureRequests: [],
      spending: { dollars: null, tokens: 0, budget: null },
      untrusted: 0,
    };
    const standIn = createStandIn({ boardState: () => ({ ...state, runner: aRunnerStatus({ paused }) }) });
    const server = await startServer({ application: standIn.application, wireLimits: { aliveEveryMs: 20 } });
    const [slow, quick] = [await openWire(server.url), await openWire(server.url)];
    await Promise.all([slow.hello({ token }), quick.hello({ token })]);
    slow.socket.pause();
    let heard = 0;
    quick.socket.on('message', () => (heard += 1));
    for (let count = 1; count <= 1_000; count += 1) {
      standIn.tell('job.started', {}, { text });
      while (heard < count - 20) await turn();
    }
    paused = 'paused';
    await quick.untilTold('state');
    slow.socket.resume();
    await vi.waitFor(() => {
      expect(slow.told('state').at(-1)?.runner?.paused).toBe('paused');
    }, patience);
  });

  it('is told of a large message before it comes, since nothing else does meanwhile', async () => {
    const note = {
      id: 'FR-1',
      title: 'x'.repeat(400),
      status: null,
      priority: 'P1',
      path: 'x',
      dependsOn: [],
      problems: [],
    };
    const board = {
      ...{ seq: 0, epoch: 'an-epoch', jobs: [], runner: aRunnerStatus(), untrusted: 0 },
      ...{
        featureRequests: Array.from({ length: 3_000 }, () => note),
        spending: { dollars: null, tokens: 0, budget: null },
      },
    } as MethodResult<'board.get'>;
    const standIn = createStandIn({ 'board.get': () => Promise.resolve(board) });
    const server = await startServer({ application: standIn.application });
    const client = await openWire(server.url);
    await client.hello({ token });
    const came: string[] = [];
    client.socket.on('message', (data: Buffer) => came.push(data.toString()));
    expect((await client.call('board.get')).featureRequests).toHaveLength(3_000);
    const answer = came.findIndex((text) => text.includes('"featureRequests"'));
    const announced = notifications.alive.parse((JSON.parse(came[answer - 1] ?? '') as { params: unknown }).params);
    expect(announced.bytes).toBe(Buffer.byteLength(came[answer] ?? ''));
  });
});

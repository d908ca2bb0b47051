import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createLiveOutput } from '../../runner/engine/live-output.ts';
import { makeDeviceLab } from '../support/device-lab.ts';
import { startServer, token, withoutDevices, type RunningServer } from '../support/server-lab.ts';
import {
  aBoardJob,
  aRunnerStatus,
  collectLog,
  createStandIn,
  loopbackServer,
  type StandIn,
} from '../support/server-stand-in.ts';
import { testCertificate } from '../support/test-certificate.ts';
import { openWire, type WireClient } from '../support/wire-client.ts';

const patience = { timeout: 10_000 };

async function start(standIn: StandIn = createStandIn()): Promise<{ standIn: StandIn; server: RunningServer }> {
  return { standIn, server: await startServer({ application: standIn.application }) };
}

async function connect(server: RunningServer, params: Record<string, unknown> = {}): Promise<WireClient> {
  const client = await openWire(server.url);
  await client.hello({ token, ...params });
  return client;
}

const seqs = (client: WireClient): number[] => client.told('event').map(({ seq }) => seq);

describe('a connection', () => {
  it('begins with a hello, goes on with calls, and is told what happens', async () => {
    const { standIn, server } = await start();
    standIn.tell('job.queued');
    const client = await openWire(server.url);
    expect(await client.hello({ token })).toEqual({
      runner: { version: '1.2.3', name: 'a-machine', vaultWriter: 'runner' },
      protocol: 1,
      role: 'admin',
      person: '',
      device: '',
      epoch: 'an-epoch',
      seq: 1,
      resumed: false,
    });
    expect(await client.call('job.get', { job: 'FR-1' })).toMatchObject({ job: 'FR-1-1' });
    standIn.tell('job.started');
    standIn.tell('job.waiting');
    expect(await client.untilTold('event', 2)).toMatchObject([
      { seq: 2, type: 'job.started', jobId: 'FR-1-1' },
      { seq: 3, type: 'job.waiting' },
    ]);
  });

  it('is told of a job with the last event of it that comes at once', async () => {
    const boardJob = vi.fn((id: string) => (id === 'FR-1-1' ? aBoardJob({ title: 'A title' }) : null));
    const { standIn, server } = await start(createStandIn({ boardJob }));
    const clients = await Promise.all([connect(server), connect(server), connect(server)]);
    for (const type of ['job.queued', 'job.started', 'stage.started']) standIn.tell(type);
    for (const client of clients) {
      const events = await client.untilTold('event', 3);
      expect(events.map(({ job }) => job?.title)).toEqual([undefined, undefined, 'A title']);
    }
    expect(boardJob).toHaveBeenCalledOnce();
  });

  it('is told of events even where their job cannot be shown', async () => {
    const boardJob = vi.fn(() => ({ ...aBoardJob(), title: 5 }) as never);
    const standIn = createStandIn({ boardJob });
    const log = collectLog();
    const server = await startServer({ application: standIn.application, log });
    const client = await connect(server);
    standIn.tell('job.queued');
    expect((await client.untilTold('event'))[0]).not.toHaveProperty('job');
    expect(log.errors).toEqual(['The job FR-1-1 could not be told to those who are connected.']);
  });

  it('goes on where the one before it was', async () => {
    const { standIn, server } = await start();
    for (let count = 0; count < 5; count += 1) standIn.tell('job.started');
    const client = await openWire(server.url);
    expect(await client.hello({ token, since: { epoch: 'an-epoch', seq: 2 } })).toMatchObject({
      resumed: true,
      seq: 5,
    });
    standIn.tell('job.waiting');
    await client.untilTold('event', 4);
    expect(seqs(client)).toEqual([3, 4, 5, 6]);
    expect(client.told('state')[0]).toMatchObject({ untrusted: 0, featureRequests: [] });
  });

  it.each([
    ['the numbers count something else', { epoch: 'another', seq: 2_100 }],
    ['the number is one that was not given yet', { epoch: 'an-epoch', seq: 2_102 }],
    ['too much was missed', { epoch: 'an-epoch', seq: 100 }],
  ])('must take a snapshot where %s', async (_what, since) => {
    const { standIn, server } = await start();
    for (let count = 0; count < 2_101; count += 1) standIn.tell('job.started');
    const client = await openWire(server.url);
    expect(await client.hello({ token, since })).toMatchObject({ resumed: false, seq: 2_101 });
    standIn.tell('job.waiting');
    await client.untilTold('event');
    expect(seqs(client)).toEqual([2_102]);
  });

  it('must take a snapshot where events in between have been forgotten', async () => {
    const standIn = createStandIn();
    const { events } = standIn.application;
    const forgetful = {
      ...events,
      after: (seq: number, limit: number) => events.after(seq, limit).filter((each) => each.seq !== 3),
    };
    const { server } = await start(createStandIn({ events: forgetful }));
    for (let count = 0; count < 5; count += 1) standIn.tell('job.started');
    const client = await openWire(server.url);
    expect(await client.hello({ token, since: { epoch: 'an-epoch', seq: 2 } })).toMatchObject({ resumed: false });
    const other = await openWire(server.url);
    expect(await other.hello({ token, since: { epoch: 'an-epoch', seq: 3 } })).toMatchObject({ resumed: true });
  });

  it('is told what no event tells when it changes, and only then', async () => {
    let running = 1;
    const boardState = () => ({
      runner: aRunnerStatus({ running }),
      featureRequests: [],
      spending: { dollars: null, tokens: running, budget: null },
      untrusted: 0,
    });
    const { server } = await start(createStandIn({ boardState }));
    const client = await connect(server);
    running = 2;
    const [state] = await client.untilTold('state');
    expect(state).toEqual({
      runner: aRunnerStatus({ running: 2 }),
      spending: { dollars: null, tokens: 2, budget: null },
    });
    expect(client.told('state')).toHaveLength(1);
  });

  it('hears that the runner is there, with the number of the newest event', async () => {
    const standIn = createStandIn();
    const server = await startServer({ application: standIn.application, wireLimits: { aliveEveryMs: 20 } });
    const client = await connect(server);
    standIn.tell('job.started');
    await vi.waitFor(() => {
      expect(client.told('alive').at(-1)).toEqual({ seq: 1, at: expect.any(Number) as number });
    }, patience);
  });

  it('is told soon of what another process records', async () => {
    const [silent, told] = [createStandIn(), createStandIn()];
    const events = { ...told.application.events, onRecorded: () => undefined };
    const { application } = createStandIn({ ...silent.application, events });
    const server = await startServer({ application, wireLimits: { aliveEveryMs: 20 } });
    const client = await connect(server);
    told.tell('trust.confirmed');
    expect(await client.untilTold('event')).toMatchObject([{ seq: 1, type: 'trust.confirmed' }]);
  });

  it('of a viewer has every number, and nothing of what people wrote', async () => {
    const devices = makeDeviceLab();
    const decisions = [
      { kind: 'approve', gate: 'g', comment: 'c', person: 'ada', device: null, channel: 'cli', at: 'x' },
    ] as const;
    const standIn = createStandIn({ boardJob: () => aBoardJob({ decisions: [...decisions] }) });
    const server = await startServer({ application: standIn.application, ...devices.server });
    const [viewer, operator] = await Promise.all(
      (['viewer', 'operator'] as const).map((role) => connect(server, { token: devices.pair(role) })),
    );
    standIn.tell('approval.decided', {}, { kind: 'approve', comment: 'secret', person: 'ada' });
    const [[seen], [whole]] = await Promise.all([viewer?.untilTold('event'), operator?.untilTold('event')]).then(
      (all) => all.map((events) => events ?? []) as [unknown[], unknown[]],
    );
    expect(seen).toMatchObject({ seq: 1, data: { kind: 'approve' }, job: { decisions: [] } });
    expect(JSON.stringify(seen)).not.toMatch(/secret|ada/);
    expect(whole).toMatchObject({ data: { comment: 'secret' }, job: { decisions } });
  });

  it('says goodbye when the runner stops', async () => {
    const { server } = await start();
    const client = await connect(server);
    await server.close();
    expect(await client.closed).toEqual({ code: 1001, reason: 'The runner stops.' });
  });

  it('works the same way over TLS', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wire-tls-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const { certificate, key } = testCertificate('opus.example');
    writeFileSync(join(folder, 'certificate.pem'), certificate);
    writeFileSync(join(folder, 'key.pem'), key);
    const tls = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
    const server = await startServer({ config: { ...loopbackServer, tls } });
    const client = await openWire(server.url, { ca: certificate, checkServerIdentity: (() => undefined) as never });
    expect(await client.hello({ token })).toMatchObject({ role: 'admin' });
  });
});

describe('live output on a connection', () => {
  const about = { job: 'FR-1-1', attempt: 'FR-1-1.code', stage: 'code' as const };

  async function startTelling() {
    const live = createLiveOutput({ clock: { now: () => 7 }, log: collectLog() });
    const { standIn, server } = await start(
      createStandIn({ subscribeOutput: (job, listener) => live.subscribe(job, listener) }),
    );
    live.tell(about, { kind: 'started', round: 0, try: 1, agent: 'coder' });
    return { live, standIn, client: await connect(server) };
  }

  it('comes from the last that happened on, says when the job rests, and goes on when it does', async () => {
    const { live, standIn, client } = await startTelling();
    expect(await client.call('output.subscribe', { job: 'FR-1' })).toEqual({ subscription: 1, job: 'FR-1-1' });
    live.tell(about, { kind: 'text', text: 'one' });
    await vi.waitFor(() => {
      const entries = client.told('output').flatMap((output) => output.entries);
      expect(entries).toMatchObject([{ event: { kind: 'started' } }, { event: { text: 'one' } }]);
    }, patience);
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(1);
    }, patience);
    standIn.tell('job.waiting', { status: 'waiting', waitingFor: 'approval' });
    await vi.waitFor(() => {
      expect(client.told('output').at(-1)).toEqual({ subscription: 1, dropped: 0, entries: [], rests: true });
    }, patience);
    live.tell(about, { kind: 'text', text: 'two' });
    await vi.waitFor(() => {
      expect(client.told('output').at(-1)).toMatchObject({ rests: false, entries: [{ event: { text: 'two' } }] });
    }, patience);
  });

  it('comes after the answer that names the subscription', async () => {
    const { client } = await startTelling();
    const came: string[] = [];
    client.socket.on('message', (data: Buffer) => came.push(data.toString()));
    await client.call('output.subscribe', { job: 'FR-1' });
    await client.untilTold('output');
    const [first, second] = came.filter((text) => text.includes('"subscription"'));
    expect([first?.includes('"result"'), second?.includes('"output"')]).toEqual([true, true]);
  });

  it('ends when it is not wanted any more', async () => {
    const { live, client } = await startTelling();
    const { subscription } = await client.call('output.subscribe', { job: 'FR-1' });
    await client.untilTold('output');
    await client.call('output.unsubscribe', { subscription });
    live.tell(about, { kind: 'text', text: 'for nobody' });
    await client.call('job.get', { job: 'FR-1' });
    expect(JSON.stringify(client.told('output'))).not.toContain('nobody');
  });

  it('is refused for a job that is not there, and for more jobs than one can follow', async () => {
    const { client } = await startTelling();
    await expect(client.call('output.subscribe', { job: 'FR-9' })).rejects.toMatchObject({
      code: 'registry.job-not-found',
    });
    const asked = Array.from({ length: 20 }, () => client.call('output.subscribe', { job: 'FR-1' }));
    const refused = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject(Array(4).fill({ reason: { code: 'protocol.too-many' } }));
    await client.call('output.unsubscribe', { subscription: 1 });
    await client.call('output.subscribe', { job: 'FR-1' });
    await expect(client.call('output.subscribe', { job: 'FR-1' })).rejects.toMatchObject({ code: 'protocol.too-many' });
  });
});

describe('a client that applies writes', () => {
  it('is made known while it is connected, if it may', async () => {
    const devices = makeDeviceLab();
    const there = new Set<string>();
    const vaultWriters = {
      arrived: ({ device, tell }: { device: string; tell: (write: never) => boolean }) => {
        there.add(device);
        tell({ id: '1', write: { kind: 'note', path: 'a.md', text: 'x', mode: 'create' } } as never);
        return () => there.delete(device);
      },
    };
    const { application } = createStandIn({ vaultWriters });
    const server = await startServer({ application, ...withoutDevices(), ...devices.server });
    const clients = await Promise.all(
      (['operator', 'approver'] as const).map((role) =>
        connect(server, { token: devices.pair(role), appliesWrites: true }),
      ),
    );
    expect([...there]).toEqual(
      devices.registry.devices.list().flatMap(({ id, role }) => (role === 'approver' ? [id] : [])),
    );
    expect(await clients[1]?.untilTold('vault.write')).toMatchObject([{ id: '1', write: { path: 'a.md' } }]);
    clients[1]?.socket.close();
    await vi.waitFor(() => {
      expect(there.size).toBe(0);
    }, patience);
  });
});

import { describe, expect, it } from 'vitest';
import { isFinished } from '../../shared/domain/job-status.ts';
import { boardJob, runnerStatus, wireLab } from '../support/wire-lab.ts';

const seconds = 1_000;

describe('what a client knows of the runner', () => {
  it('is a snapshot and then what happens, each event once and after the state has it', async () => {
    const { runner, client, platform, events, socket } = await wireLab();
    expect(socket().url).toBe('ws://127.0.0.1:7717/ws');
    expect(client.state()).toMatchObject({
      connection: { kind: 'connected' },
      hello: { role: 'approver', person: 'ada', device: 'laptop', runnerName: 'desk' },
      runner: { pid: 1 },
      cursor: { epoch: 'epoch-1', seq: 0 },
    });
    const seen: (string | undefined)[] = [];
    client.onEvent(({ jobId }) => seen.push(client.state().jobs.get(jobId ?? '')?.status));
    runner.happen('job.queued', boardJob('FR-001-1', { status: 'queued' }));
    runner.happen('job.started', boardJob('FR-001-1'));
    await platform.pass(1);
    expect(seen).toEqual(['queued', 'running']);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('goes on where it was after a break, without a snapshot', async () => {
    const { runner, client, platform, events, socket } = await wireLab();
    runner.happen('job.queued', boardJob('FR-001-1', { status: 'queued' }));
    await platform.pass(1);
    runner.mute(true);
    socket().end(1006);
    runner.happen('job.started', boardJob('FR-001-1'));
    runner.happen('nobody.knows-this');
    runner.mute(false);
    await platform.pass(2 * seconds);
    expect(runner.hello.at(-1)?.params['since']).toEqual({ epoch: 'epoch-1', seq: 1 });
    expect(client.state().jobs.get('FR-001-1')?.status).toBe('running');
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(runner.calls.filter(({ method }) => method === 'board.get')).toHaveLength(1);
  });

  it.each<[string, (runner: Awaited<ReturnType<typeof wireLab>>['runner']) => void]>([
    [
      'what was missed is not kept any more',
      (runner) => {
        runner.happen('job.queued', boardJob('FR-001-1'));
        runner.forget();
      },
    ],
    [
      'the numbers count something else',
      (runner) => {
        runner.restore();
        runner.happen('job.queued', boardJob('FR-001-1'));
      },
    ],
  ])('is a new snapshot after a break when %s', async (_why, meanwhile) => {
    const { runner, client, platform, socket } = await wireLab();
    runner.happen('job.queued', boardJob('FR-000-1'));
    await platform.pass(1);
    runner.mute(true);
    socket().end(1006);
    meanwhile(runner);
    runner.mute(false);
    await platform.pass(2 * seconds);
    expect([...client.state().jobs.keys()]).toEqual([...runner.jobs().keys()]);
    expect(client.state().cursor).toEqual({ epoch: (runner.snapshot() as { epoch: string }).epoch, seq: runner.seq() });
  });

  it('is a new snapshot when events are missing in between, and those that came meanwhile', async () => {
    const { runner, client, platform, events } = await wireLab();
    runner.answer(({ id, method }, socket) => {
      if (method !== 'board.get') return undefined;
      const result = runner.snapshot();
      platform.after(500, () => {
        socket.say({ jsonrpc: '2.0', id, result });
      });
      return null;
    });
    runner.mute(true);
    runner.happen('job.queued', boardJob('FR-001-1', { status: 'queued' }));
    runner.mute(false);
    runner.happen('job.queued', boardJob('FR-002-1', { status: 'queued' }));
    await platform.pass(100);
    expect(client.state().jobs.size).toBe(0);
    runner.happen('job.started', boardJob('FR-001-1'));
    runner.tell('state', { untrusted: 3 });
    await platform.pass(1 * seconds);
    expect([...client.state().jobs.values()].map(({ status }) => status)).toEqual(['running', 'queued']);
    expect(client.state().untrusted).toBe(3);
    expect(events.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  it('has what happened while a snapshot of before was on its way', async () => {
    const lab = await wireLab({ isSilent: true });
    lab.runner.answer(({ id, method }, at) => {
      if (method !== 'board.get') return undefined;
      const early = lab.runner.snapshot();
      lab.runner.happen('job.queued', boardJob('FR-001-1'));
      lab.platform.after(500, () => {
        at.say({ jsonrpc: '2.0', id, result: early });
      });
      return null;
    });
    lab.runner.accept(lab.socket());
    lab.socket().open();
    await lab.platform.pass(100);
    expect(lab.client.state().connection.kind).toBe('connecting');
    expect(lab.events).toEqual([]);
    await lab.platform.pass(500);
    expect(lab.client.state().connection.kind).toBe('connected');
    expect([...lab.client.state().jobs.keys()]).toEqual(['FR-001-1']);
    expect(lab.events).toHaveLength(1);
  });

  it('takes no event of another count for the next of its own', async () => {
    const { runner, client, platform, socket } = await wireLab();
    for (let number = 0; number < 4; number++) runner.happen('job.queued', boardJob('FR-001-1'));
    await platform.pass(1);
    socket().end(1006);
    runner.restore();
    for (let number = 0; number < 2; number++) runner.happen('job.queued', boardJob('FR-002-1'));
    runner.answer(({ id, method }, at) => {
      if (method !== 'board.get') return undefined;
      const early = runner.snapshot();
      runner.happen('job.queued', boardJob('FR-003-1'));
      platform.after(500, () => {
        at.say({ jsonrpc: '2.0', id, result: early });
      });
      return null;
    });
    await platform.pass(1 * seconds);
    expect(client.state().cursor).toEqual({ epoch: 'epoch-2', seq: 5 });
    expect([...client.state().jobs.keys()]).toEqual(['FR-001-1', 'FR-002-1', 'FR-003-1']);
  });

  it('does not go back to what an event of before said, when that is told again', async () => {
    const { runner, client, platform, events } = await wireLab();
    const first = runner.happen('job.queued', boardJob('FR-001-1', { status: 'queued' }));
    runner.happen('job.started', boardJob('FR-001-1'));
    runner.tell('event', first);
    await platform.pass(1);
    expect(client.state().jobs.get('FR-001-1')?.status).toBe('running');
    expect(events).toHaveLength(2);
  });

  it('holds nothing of a count that does not go on', async () => {
    const { runner, client, platform, socket } = await wireLab();
    for (let number = 0; number < 8; number++) runner.happen('job.queued', boardJob('FR-001-1'));
    runner.answer(({ method }) => (method === 'board.get' ? null : undefined));
    runner.mute(true);
    runner.happen('job.queued', boardJob('FR-002-1'));
    runner.mute(false);
    runner.happen('job.queued', boardJob('FR-003-1'));
    await platform.pass(1);
    socket().end(1006);
    runner.restore();
    runner.answer(() => undefined);
    await platform.pass(2 * seconds);
    expect(client.state()).toMatchObject({ connection: { kind: 'connected' }, cursor: { epoch: 'epoch-2', seq: 5 } });
  });

  it('hears nothing of a connection that was given up', async () => {
    const { runner, client, platform, socket, events } = await wireLab();
    const before = socket();
    const event = runner.happen('job.queued', boardJob('FR-001-1'));
    await platform.pass(12 * seconds);
    expect(before.isClosed()).toBe(true);
    before.say({ jsonrpc: '2.0', method: 'event', params: { ...event, seq: 2 } });
    before.end(4401);
    await platform.pass(2 * seconds);
    expect(client.state()).toMatchObject({ connection: { kind: 'connected' }, cursor: { seq: 1 } });
    expect(events).toHaveLength(1);
  });

  it('is a new snapshot when a runner of another epoch says that it goes on', async () => {
    const { runner, client, platform, socket } = await wireLab();
    runner.restore();
    runner.happen('job.queued', boardJob('FR-001-1'));
    runner.answer(({ id, method }, at) => {
      if (method !== 'hello') return undefined;
      const { seq, epoch } = runner.snapshot() as { readonly seq: number; readonly epoch: string };
      const runnerName = { version: '0.1.0', name: 'desk', vaultWriter: 'runner' };
      const who = { role: 'viewer', person: 'ada', device: 'laptop' };
      at.say({ jsonrpc: '2.0', id, result: { runner: runnerName, ...who, protocol: 1, epoch, seq, resumed: true } });
      return null;
    });
    socket().end(1006);
    await platform.pass(2 * seconds);
    expect(client.state().cursor).toEqual({ epoch: 'epoch-2', seq: 1 });
  });

  it('is a new snapshot when the runner knows a newer event that does not come within a moment', async () => {
    const { runner, client, platform } = await wireLab();
    runner.mute(true);
    runner.happen('job.queued', boardJob('FR-001-1'));
    runner.alive();
    await platform.pass(1 * seconds);
    expect(client.state().jobs.size).toBe(0);
    await platform.pass(2 * seconds);
    expect(client.state().jobs.size).toBe(1);
  });

  it('tells a client that starts anew what happened since its last life, and has all of the state', async () => {
    const before = await wireLab();
    before.runner.happen('job.queued', boardJob('FR-001-1'));
    await before.platform.pass(1);
    const { cursor } = before.client.state();
    before.client.close();
    before.runner.happen('job.queued', boardJob('FR-002-1'));
    const { client, events } = await wireLab({ cursor }, before);
    expect(client.state().jobs.size).toBe(2);
    expect(events.map(({ seq }) => seq)).toEqual([2]);
  });

  it('keeps the newest fifty of what is finished', async () => {
    const { runner, client, platform } = await wireLab();
    for (let number = 1; number <= 80; number++) {
      runner.happen('job.succeeded', boardJob(`FR-${number}-1`, { status: 'succeeded', updatedAt: number }));
    }
    runner.happen('job.queued', boardJob('FR-999-1', { status: 'queued' }));
    await platform.pass(1);
    const jobs = [...client.state().jobs.values()];
    expect(jobs.filter(({ status }) => isFinished(status)).map(({ updatedAt }) => updatedAt)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 31),
    );
    expect(jobs).toHaveLength(51);
  });

  it('is told once a turn, however much happens in it, and not after nobody listens', async () => {
    const { runner, client, platform } = await wireLab();
    let told = 0;
    const stop = client.onChange(() => {
      told += 1;
    });
    for (let number = 1; number <= 10; number++) runner.happen('job.queued', boardJob(`FR-${number}-1`));
    await platform.pass(1);
    expect(told).toBe(1);
    stop();
    runner.happen('job.queued', boardJob('FR-99-1'));
    await platform.pass(1);
    expect(told).toBe(1);
  });

  it('replaces each part that no event tells, and knows how far the clocks are apart', async () => {
    const { runner, client, platform } = await wireLab();
    runner.tell('state', { runner: { ...runnerStatus, paused: 'draining' }, untrusted: 2 });
    runner.tell('state', { spending: { dollars: 1.5, tokens: 10, budget: null } });
    runner.tell('alive', { seq: 0, at: platform.now() + 60 * seconds });
    await platform.pass(1);
    expect(client.state()).toMatchObject({
      runner: { paused: 'draining' },
      untrusted: 2,
      spending: { dollars: 1.5 },
      clockOffset: 60 * seconds,
    });
  });
});

describe('what a runner says that is not what the protocol says', () => {
  it.each([
    ['no JSON', '{'],
    ['no JSON-RPC', '{"hello":1}'],
    ['an answer that nobody waits for', '{"jsonrpc":"2.0","id":77,"result":{}}'],
    ['a failure that nobody waits for', '{"jsonrpc":"2.0","id":null,"error":{"code":1}}'],
    ['an event without a number', '{"jsonrpc":"2.0","method":"event","params":{"type":"job.queued"}}'],
    ['a state that is none', '{"jsonrpc":"2.0","method":"state","params":{"untrusted":"many"}}'],
  ])('is dropped and counted: %s', async (_what, text) => {
    const { client, platform, socket } = await wireLab();
    const before = client.state();
    socket().sayText(text);
    await platform.pass(1);
    expect(client.rejected()).toBe(1);
    expect(client.state()).toBe(before);
  });

  it('is passed over when it is something newer', async () => {
    const { client, runner, platform } = await wireLab();
    runner.tell('weather', { sunny: true });
    await platform.pass(1);
    expect(client.rejected()).toBe(0);
  });

  it('costs one job and not all others, in an event and in a snapshot', async () => {
    const { runner, client, platform, socket } = await wireLab();
    const strange = { ...boardJob('FR-002-1'), status: 'levitating' } as unknown as ReturnType<typeof boardJob>;
    runner.happen('job.queued', boardJob('FR-001-1'));
    runner.happen('job.levitating', strange);
    runner.happen('job.queued', boardJob('FR-003-1'));
    await platform.pass(1);
    expect([...client.state().jobs.keys()]).toEqual(['FR-001-1', 'FR-003-1']);
    expect(runner.calls.filter(({ method }) => method === 'board.get')).toHaveLength(1);
    socket().end(1006);
    runner.happen('job.started', boardJob('FR-001-1', { runState: 'test' }));
    runner.forget();
    await platform.pass(2 * seconds);
    expect([...client.state().jobs.keys()]).toEqual(['FR-001-1', 'FR-003-1']);
    expect(client.rejected()).toBe(2);
  });

  it('does not stop the client when it makes a listener throw', async () => {
    const { runner, client, platform, events } = await wireLab();
    client.onEvent(() => {
      throw new Error('a listener broke');
    });
    runner.happen('job.queued', boardJob('FR-001-1'));
    runner.happen('job.started', boardJob('FR-001-1'));
    await platform.pass(1);
    expect(events).toHaveLength(2);
    expect(platform.thrown).toHaveLength(2);
  });
});

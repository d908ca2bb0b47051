import { describe, expect, it } from 'vitest';
import { createRunnerClient } from '../../shared/protocol/client/create-runner-client.ts';
import { isDead } from '../../shared/view-model/connection-line.ts';
import { createVirtualPlatform, wireLab, type WireLab } from '../support/wire-lab.ts';

const seconds = 1_000;

async function isShownDeadWithin(lab: Pick<WireLab, 'client' | 'platform'>, milliseconds: number): Promise<boolean> {
  const until = lab.platform.now() + milliseconds;
  while (lab.platform.now() < until) {
    await lab.platform.pass(250);
    if (isDead(lab.client.state(), lab.platform.now())) return true;
  }
  return false;
}

describe('a runner that is not there', () => {
  it('is shown as dead within 15 s when it falls silent, and never while it says that it is alive', async () => {
    const lab = await wireLab();
    for (let beat = 0; beat < 20; beat++) {
      lab.runner.alive();
      await lab.platform.pass(4 * seconds);
      expect(lab.client.state().connection.kind).toBe('connected');
    }
    lab.platform.serve(() => undefined);
    expect(await isShownDeadWithin(lab, 15 * seconds)).toBe(true);
    expect(lab.client.state().hello?.runnerName).toBe('desk');
  });

  it('is waited for while a large message arrives that it announced, and no longer than a slow line takes for it', async () => {
    const lab = await wireLab();
    lab.runner.answer(({ method }) => (method === 'job.log' ? null : undefined));
    const asked = lab.client.call('job.log', { job: 'FR-1' });
    lab.runner.tell('alive', { seq: 0, at: lab.platform.now(), bytes: 700_000 });
    await lab.platform.pass(20 * seconds);
    expect(lab.client.state().connection.kind).toBe('connected');
    lab.socket().say({ jsonrpc: '2.0', id: lab.runner.calls.at(-1)?.id, result: { logs: [] } });
    expect(await asked).toEqual({ logs: [] });
    lab.platform.serve(() => undefined);
    expect(await isShownDeadWithin(lab, 15 * seconds)).toBe(true);

    const other = await wireLab();
    other.platform.serve(() => undefined);
    other.runner.tell('alive', { seq: 0, at: other.platform.now(), bytes: 700_000 });
    await other.platform.pass(30 * seconds);
    expect(other.client.state().connection.kind).toBe('lost');
  });

  it('is shown as dead within 15 s when nothing opens the connection', async () => {
    const lab = await wireLab({ isSilent: true });
    expect(lab.client.state().connection.kind).toBe('connecting');
    expect(await isShownDeadWithin(lab, 15 * seconds)).toBe(true);
  });

  it('is shown as dead within 15 s when it takes the connection and never greets', async () => {
    const lab = await wireLab({ isSilent: true });
    await lab.platform.pass(8 * seconds);
    lab.socket().open();
    lab.socket().say({ jsonrpc: '2.0', method: 'alive', params: { seq: 0, at: 0 } });
    expect(await isShownDeadWithin(lab, 7 * seconds)).toBe(true);
  });

  it('stays dead while it is tried, and is connected as soon as it is back', async () => {
    const lab = await wireLab({ isSilent: true });
    await lab.platform.pass(60 * seconds);
    expect(lab.client.state().connection).toMatchObject({ kind: 'lost', lastHeardAt: null });
    expect(lab.platform.sockets.length).toBeGreaterThan(3);
    expect(lab.platform.sockets.slice(0, -1).every((socket) => socket.isClosed())).toBe(true);
    lab.platform.serve((socket) => {
      lab.runner.accept(socket);
      lab.platform.after(1, socket.open);
    });
    await lab.platform.pass(45 * seconds);
    expect(lab.client.state().connection.kind).toBe('connected');
  });

  it('is not shown as dead for a break of a second', async () => {
    const lab = await wireLab();
    lab.socket().end(1001);
    expect(lab.client.state().connection.kind).toBe('lost');
    expect(await isShownDeadWithin(lab, 8 * seconds)).toBe(false);
  });
});

describe('trying again', () => {
  it('waits longer each time, up to half a minute, by chance', async () => {
    for (const chance of [0, 0.5, 0.999]) {
      const platform = createVirtualPlatform(() => chance);
      const tried: number[] = [];
      platform.serve((socket) => {
        tried.push(platform.now());
        platform.after(0, () => {
          socket.end(1006);
        });
      });
      const client = createRunnerClient({
        address: 'localhost:7717',
        token: 'secret',
        client: { name: 'test', version: '0', kind: 'other' },
        platform,
        appliesWrites: false,
      });
      if (chance > 0) await platform.pass(300 * seconds * chance);
      const waits = tried.slice(1).map((at, index) => at - (tried[index] ?? 0));
      const longest = [0.5, 1, 2, 4, 8, 16, 30, 30].map((each) => Math.round(each * seconds * chance));
      expect(waits.slice(0, 8).map(Math.round)).toEqual(longest.slice(0, waits.length));
      client.close();
    }
  });

  it('does not begin anew with a runner that takes everybody and ends at once', async () => {
    const lab = await wireLab();
    lab.platform.serve((socket) => {
      lab.runner.accept(socket);
      lab.platform.after(1, socket.open);
      lab.platform.after(5, () => {
        if (!socket.isClosed()) socket.end(1001);
      });
    });
    lab.socket().end(1001);
    await lab.platform.pass(60 * seconds);
    expect(lab.platform.sockets.length).toBeLessThan(12);
  });

  it('is done at once on waking, and not by the timer again', async () => {
    const lab = await wireLab({ isSilent: true });
    await lab.platform.pass(100 * seconds);
    while (!lab.socket().isClosed()) await lab.platform.pass(500);
    const before = lab.platform.sockets.length;
    lab.client.wake();
    expect(lab.platform.sockets).toHaveLength(before + 1);
    await lab.platform.pass(5 * seconds);
    expect(lab.platform.sockets).toHaveLength(before + 1);
  });

  it('probes a socket that was silent on waking, and leaves a dead one quickly', async () => {
    const lab = await wireLab();
    const before = lab.runner.calls.length;
    lab.client.wake();
    expect(lab.runner.calls).toHaveLength(before);
    await lab.platform.pass(6 * seconds);
    lab.client.wake();
    expect(lab.runner.calls).toHaveLength(before + 1);
    await lab.platform.pass(4 * seconds);
    expect(lab.client.state().connection.kind).toBe('connected');
    expect(lab.platform.sockets).toHaveLength(1);
    lab.runner.answer(() => null);
    await lab.platform.pass(2 * seconds);
    lab.client.wake();
    await lab.platform.pass(3 * seconds);
    expect(lab.client.state().connection.kind).toBe('lost');
  });

  it.each([
    [4401, '', 'unauthorized', /Pair it again/],
    [4426, 'Update the plugin to 0.2.', 'version', /^Update the plugin to 0\.2\.$/],
  ])('is of no use after close code %i, until somebody wants it', async (code, reason, kind, sentence) => {
    const lab = await wireLab();
    lab.socket().end(code, reason);
    await lab.platform.pass(600 * seconds);
    expect(lab.client.state().connection).toEqual({
      kind: 'refused',
      reason: kind,
      sentence: expect.stringMatching(sentence) as string,
    });
    expect(lab.platform.sockets).toHaveLength(1);
    lab.client.wake();
    await lab.platform.pass(10);
    expect(lab.client.state().connection.kind).toBe('connected');
  });

  it('waits long after being told that it was too often, even on waking', async () => {
    const lab = await wireLab();
    lab.socket().end(4429);
    lab.client.wake();
    await lab.platform.pass(29 * seconds);
    expect(lab.platform.sockets).toHaveLength(1);
    await lab.platform.pass(20 * seconds);
    expect(lab.platform.sockets).toHaveLength(2);
  });

  it('is of no use with an address that cannot be one', async () => {
    const lab = await wireLab({ address: 'ftp://runner' });
    expect(lab.client.state().connection).toMatchObject({ kind: 'refused', reason: 'address' });
    expect(lab.platform.sockets).toHaveLength(0);
  });

  it('is of no use with a runner of another version', async () => {
    const lab = await wireLab({ isSilent: true });
    lab.socket().open();
    const { id } = lab.socket().sent[0] ?? { id: -1 };
    lab.socket().say({ jsonrpc: '2.0', id, result: { protocol: 99 } });
    expect(lab.client.state().connection).toMatchObject({ kind: 'refused', reason: 'version' });
  });

  it('ends with the client: no timer is left and nothing is told any more', async () => {
    const lab = await wireLab();
    let told = 0;
    lab.client.onChange(() => {
      told += 1;
    });
    lab.client.close();
    lab.client.wake();
    await lab.platform.pass(0);
    expect(lab.platform.waiting()).toBe(0);
    await lab.platform.pass(120 * seconds);
    expect(lab.platform.sockets).toHaveLength(1);
    expect(lab.socket().isClosed()).toBe(true);
    expect(told).toBe(0);
  });
});

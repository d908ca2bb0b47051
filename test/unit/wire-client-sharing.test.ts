import { describe, expect, it } from 'vitest';
import type { LiveEntry } from '../../shared/domain/live-output.ts';
import type { VaultWrite } from '../../shared/protocol/wire.ts';
import { runnerAddresses, parsePairingLink, websocketAddress } from '../../shared/protocol/client/addresses.ts';
import { settle, wireLab } from '../support/wire-lab.ts';

const seconds = 1_000;

function entry(number: number): LiveEntry {
  return {
    number,
    at: number,
    job: 'FR-001-1',
    attempt: 'a',
    stage: 'code',
    event: { kind: 'text', text: `${number}` },
  };
}

const write = (id: string): VaultWrite => ({ id, write: { kind: 'remove', path: `${id}.md`, expect: 'a' } });

describe('a call', () => {
  it('gets its answer, and the error that the runner means', async () => {
    const { client, runner, platform } = await wireLab();
    await expect(client.call('runner.status', {})).resolves.toMatchObject({ pid: 1 });
    runner.answer(({ method }) =>
      method === 'job.retry'
        ? {
            error: {
              code: -32_000,
              message: 'no',
              data: { code: 'registry.not-retryable', message: 'Not now.', hint: 'Later.' },
            },
          }
        : undefined,
    );
    const refused = client.call('job.retry', { job: 'FR-001-1' });
    await expect(refused).rejects.toMatchObject({
      code: 'registry.not-retryable',
      message: 'Not now.',
      hint: 'Later.',
    });
    await platform.pass(0);
  });

  it('is refused when the answer is not what the protocol says', async () => {
    const { client, runner } = await wireLab();
    runner.answer(() => ({ result: { pid: 'one' } }));
    await expect(client.call('runner.status', {})).rejects.toMatchObject({ code: 'protocol.invalid' });
  });

  it.each<['job.cancel' | 'job.get', boolean]>([
    ['job.cancel', true],
    ['job.get', false],
  ])('%s that the connection does not outlive says whether it may have been done', async (method, isUnknown) => {
    const { client, runner, socket } = await wireLab();
    runner.answer(() => null);
    const call = client.call(method, { job: 'FR-001-1' });
    socket().end(1006);
    await expect(call).rejects.toMatchObject({
      code: 'protocol.unreachable',
      message: isUnknown
        ? 'The runner was lost before it answered: it is not known whether this was done.'
        : 'The runner was lost before it answered.',
    });
  });

  it('is given up when it is not answered in time, and its late answer counts for nothing', async () => {
    const { client, runner, platform, socket } = await wireLab();
    runner.answer(({ method }) => (method === 'job.pause' ? null : undefined));
    const call = client.call('job.pause', { job: 'FR-001-1' });
    const refused = expect(call).rejects.toMatchObject({
      code: 'protocol.unreachable',
      message: expect.stringContaining('did not answer in time') as string,
    });
    for (let beat = 0; beat < 8; beat++) {
      runner.alive();
      await platform.pass(4 * seconds);
    }
    await refused;
    socket().say({ jsonrpc: '2.0', id: runner.calls.at(-1)?.id, result: {} });
    expect(client.rejected()).toBe(1);
  });

  it('waits for its turn where many are under way, and is refused where too many wait', async () => {
    const { client, runner, socket } = await wireLab();
    runner.answer(() => null);
    const before = runner.calls.length;
    const calls = Array.from({ length: 201 }, () => client.call('runner.pause', {}));
    const outcomes = Promise.allSettled(calls);
    await expect(calls.at(-1)).rejects.toMatchObject({ code: 'protocol.too-many' });
    expect(runner.calls.length - before).toBe(24);
    const [first] = runner.calls.slice(before);
    socket().say({ jsonrpc: '2.0', id: first?.id, result: { paused: 'paused', running: 0 } });
    await expect(calls[0]).resolves.toEqual({ paused: 'paused', running: 0 });
    expect(runner.calls.length - before).toBe(25);
    socket().end(1006);
    const messages = (await outcomes).map((one) =>
      one.status === 'rejected' ? (one.reason as Error).message : 'done',
    );
    expect(messages.filter((message) => message.includes('not known whether'))).toHaveLength(24);
    expect(messages.filter((message) => message === 'There is no connection to the runner.')).toHaveLength(175);
  });

  it('is refused at once while there is no connection', async () => {
    const { client, socket } = await wireLab();
    socket().end(1006);
    await expect(client.call('runner.pause', {})).rejects.toMatchObject({
      code: 'protocol.unreachable',
      message: expect.stringContaining('nothing was done') as string,
    });
  });
});

describe('following what happens in a job', () => {
  it('goes on after a reconnect, and ends when nobody follows', async () => {
    const { client, runner, platform, socket } = await wireLab();
    let subscription = 0;
    runner.answer(({ id, method }, at) => {
      if (method === 'output.unsubscribe') return { result: {} };
      if (method !== 'output.subscribe') return undefined;
      subscription += 1;
      // Told before its answer says under which number.
      at.say({
        jsonrpc: '2.0',
        method: 'output',
        params: { subscription, dropped: 2, entries: [entry(subscription)] },
      });
      at.say({ jsonrpc: '2.0', id, result: { subscription, job: 'FR-001-1' } });
      return null;
    });
    const told: string[] = [];
    const stop = client.followOutput('FR-001-1', {
      entries(entries, dropped) {
        told.push(`${entries.map(({ number }) => number).join()}+${dropped}`);
      },
      restarted: () => told.push('restarted'),
      rests: () => told.push('rests'),
      failed: (sentence) => told.push(sentence),
    });
    await settle();
    socket().end(1006);
    await platform.pass(1 * seconds);
    runner.tell('output', { subscription: 1, dropped: 0, entries: [entry(9)] });
    runner.tell('output', { subscription: 2, dropped: 0, entries: [], rests: true });
    expect(told).toEqual(['1+2', 'restarted', '2+2', 'rests']);
    stop();
    runner.tell('output', { subscription: 2, dropped: 0, entries: [entry(10)] });
    expect(runner.calls.at(-1)).toMatchObject({ method: 'output.unsubscribe', params: { subscription: 2 } });
    expect(told).toHaveLength(4);
  });

  it('says why it cannot, and does not ask for what nobody wants any more', async () => {
    const { client, runner, platform } = await wireLab();
    runner.answer(({ method }) =>
      method === 'output.subscribe' ? { error: { code: -32_000, message: 'There is no such job.' } } : undefined,
    );
    const told: string[] = [];
    client.followOutput('FR-404-1', {
      entries: () => undefined,
      restarted: () => undefined,
      rests: () => undefined,
      failed: (sentence) => told.push(sentence),
    });
    await platform.pass(1);
    expect(told).toEqual(['There is no such job.']);
  });
});

describe('the writes of the runner', () => {
  it('are handed on one at a time, in order, and once while they wait or are at work', async () => {
    const { client, runner, platform } = await wireLab();
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    runner.tell('vault.write', write('a'));
    client.onVaultWrite(({ id }) => {
      begun.push(id);
      return new Promise((resolve) => ends.push(resolve));
    });
    for (const id of ['b', 'a', 'b', 'c']) runner.tell('vault.write', write(id));
    await platform.pass(1);
    expect(begun).toEqual(['a']);
    for (let round = 0; round < 5; round++) {
      ends.shift()?.();
      await platform.pass(1);
    }
    expect(begun).toEqual(['a', 'b', 'c']);
    runner.tell('vault.write', write('a'));
    await platform.pass(1);
    expect(begun).toEqual(['a', 'b', 'c', 'a']);
  });

  it('that have not begun when the connection ends are left to whoever is told next', async () => {
    const { client, runner, platform, socket } = await wireLab();
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    client.onVaultWrite(({ id }) => {
      begun.push(id);
      return new Promise((resolve) => ends.push(resolve));
    });
    for (const id of ['a', 'b']) runner.tell('vault.write', write(id));
    socket().end(1006);
    ends.shift()?.();
    await platform.pass(1 * seconds);
    expect(begun).toEqual(['a']);
  });

  it('go to nobody where none are applied', async () => {
    const { client, runner, platform } = await wireLab({ appliesWrites: false });
    client.onVaultWrite(() => Promise.reject(new Error('it was asked to')));
    runner.tell('vault.write', write('a'));
    await platform.pass(1);
    expect(platform.thrown).toEqual([]);
    expect(runner.hello[0]?.params['appliesWrites']).toBe(false);
  });
});

describe('the address of a runner', () => {
  it.each([
    ['http://127.0.0.1:7717', 'ws://127.0.0.1:7717/ws'],
    ['https://runner.example.com', 'wss://runner.example.com/ws'],
    ['https://runner.example.com/', 'wss://runner.example.com/ws'],
    ['https://example.com/opus/runner//', 'wss://example.com/opus/runner/ws'],
    ['wss://example.com/opus/ws', 'wss://example.com/opus/ws'],
    ['WS://Example.com:80', 'ws://Example.com:80/ws'],
    ['  localhost:7717 ', 'ws://localhost:7717/ws'],
    ['127.0.0.1', 'ws://127.0.0.1/ws'],
    ['[::1]:7717', 'ws://[::1]:7717/ws'],
    ['desk.tail1234.ts.net', 'wss://desk.tail1234.ts.net/ws'],
    ['192.168.1.5:7717', 'wss://192.168.1.5:7717/ws'],
    ['http://192.168.1.5:7717', 'ws://192.168.1.5:7717/ws'],
    ['https://bücher.example', 'wss://bücher.example/ws'],
    ['http://localhost:7717/#/jobs/FR-001-1', 'ws://localhost:7717/ws'],
    ['http://localhost:7717/api/v1/rpc', 'ws://localhost:7717/ws'],
  ])('is read from %j', (typed, expected) => {
    expect(websocketAddress(typed)).toBe(expected);
    expect(runnerAddresses(typed).rpc).toBe(expected.replace(/^ws/, 'http').replace(/\/ws$/, '/api/v1/rpc'));
    expect(websocketAddress(expected)).toBe(expected);
  });

  it.each([
    ['', /empty/],
    ['   ', /empty/],
    ['https://', /no address/],
    ['/opus', /no address/],
    ['my runner', /no address/],
    ['http://a\\b', /no address/],
    ['ftp://example.com', /not reached by "ftp"/],
    ['javascript://example.com', /not reached by "javascript"/],
    ['https://me:secret@example.com', /^[^:]*user or a password[^:]*$/],
    ['http://localhost:99999', /no name of a machine/],
    ['http://localhost:0', /no name of a machine/],
    ['http://-bad-:1', /no name of a machine/],
    [`http://${'a b'.repeat(500)}`, /no address/],
  ])('cannot be %j', (typed, message) => {
    expect(() => websocketAddress(typed)).toThrow(
      expect.objectContaining({ code: 'config.usage', message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it('comes by a pairing link with its code', () => {
    expect(parsePairingLink({ action: 'opus-orchestrator', url: 'https://example.com/', code: 'ABCD-1234' })).toEqual({
      address: 'https://example.com',
      code: 'ABCD-1234',
    });
    for (const params of [{}, { url: 'https://a.b' }, { code: 'A' }, { url: 'https://a.b', code: '../x' }]) {
      expect(() => parsePairingLink(params)).toThrow(/no whole pairing link/);
    }
    expect(() => parsePairingLink({ url: 'ftp://a.b', code: 'A' })).toThrow(/not reached/);
  });
});

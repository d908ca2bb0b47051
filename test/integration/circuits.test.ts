import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCircuits, type CircuitsOptions } from '../../runner/adapters/circuits/circuits.ts';
import type { CircuitKind, Circuits, CircuitVerdict } from '../../runner/core/ports/circuits.ts';

const second = 1_000;
const day = 86_400 * second;
const rest = 300 * second;

let folder: string;
let time: { wall: number; monotonic: number };
let circuits: Circuits;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'opus-circuits-'));
  time = { wall: 1_800_000_000_000, monotonic: 5_000 };
  circuits = opened();
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function opened(options: Partial<CircuitsOptions> = {}): Circuits {
  const file = join(folder, 'circuits.json');
  return createCircuits({
    failures: () => 3,
    rest: () => rest,
    clock: { now: () => time.wall },
    monotonic: () => time.monotonic,
    load: (): unknown => JSON.parse(readFileSync(file, 'utf8')),
    save: (value) => {
      writeFileSync(file, JSON.stringify(value));
    },
    ...options,
  });
}

function pass(milliseconds: number): void {
  time.wall += milliseconds;
  time.monotonic += milliseconds;
}

/** What a restart at once does: the state is read back, and the monotonic clock has another origin. */
function restart(options: Partial<CircuitsOptions> = {}): void {
  time.monotonic = 17;
  circuits = opened(options);
}

const judge = (ended: PromiseSettledResult<CircuitVerdict>): CircuitVerdict =>
  ended.status === 'fulfilled' ? ended.value : 'failure';

/** Whether the body was called. */
async function run(verdict: CircuitVerdict, name = 'coder'): Promise<boolean> {
  let called = false;
  const body = (): Promise<CircuitVerdict> => {
    called = true;
    return Promise.resolve(verdict);
  };
  await circuits.run('agent', name, body, judge).catch(() => null);
  return called;
}

/** Whatever comes of it, it is judged so. */
const runAs = <Result>(
  verdict: CircuitVerdict,
  kind: CircuitKind,
  name: string,
  body: () => Promise<Result>,
): Promise<Result> => circuits.run(kind, name, body, () => verdict);

async function runs(...verdicts: readonly CircuitVerdict[]): Promise<void> {
  for (const verdict of verdicts) await run(verdict);
}

/** A run that goes on until it is told how it ended. */
function longRun(): (verdict: CircuitVerdict) => Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<CircuitVerdict>();
  const done = circuits.run('agent', 'coder', () => promise, judge);
  return (verdict) => {
    resolve(verdict);
    return done;
  };
}

const state = (): unknown => circuits.states().find(({ name }) => name === 'coder');
const closed = (failures: number): unknown => ({
  kind: 'agent',
  name: 'coder',
  state: 'closed',
  until: null,
  failures,
});

describe('a circuit', () => {
  it('hands on what its body returns or throws, also before it is a promise', async () => {
    await expect(runAs('success', 'forge', 'app', () => Promise.resolve(7))).resolves.toBe(7);
    const thrown = new Error('mine');
    await expect(runAs('neither', 'forge', 'app', () => Promise.reject(thrown))).rejects.toBe(thrown);
    const throws = (): never => {
      throw thrown;
    };
    await expect(runAs('failure', 'forge', 'app', throws)).rejects.toBe(thrown);
    expect(circuits.states()).toMatchObject([{ kind: 'forge', name: 'app', failures: 1 }]);
  });

  it('opens after so many failures in a row, and then calls nothing', async () => {
    await runs('failure', 'failure', 'success', 'failure', 'failure');
    expect(state()).toEqual(closed(2));
    expect(circuits.blockedUntil('agent', 'coder')).toBeNull();
    await run('failure');
    const until = time.wall + rest;
    expect(state()).toEqual({ kind: 'agent', name: 'coder', state: 'open', until, failures: 3 });
    expect(circuits.blockedUntil('agent', 'coder')).toBe(until);
    expect(await run('success')).toBe(false);
  });

  it('refuses in a sentence that names the agent or the forge, and says when to ask again', async () => {
    const failing = (kind: 'agent' | 'forge'): Promise<never> =>
      runAs('failure', kind, 'app', () => Promise.reject(new Error('no')));
    for (const kind of ['agent', 'forge'] as const) {
      for (let n = 0; n < 3; n += 1) await failing(kind).catch(() => null);
    }
    pass(1);
    await expect(failing('forge')).rejects.toMatchObject({
      code: 'forge.circuit-open',
      message: 'The forge app failed 3 times in a row and rests; it is tried again in 5m.',
    });
    const refusal = await failing('agent').catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'agent.circuit-open',
      message: 'The agent app failed 3 times in a row and rests; it is tried again in 5m.',
      details: { until: time.wall - 1 + rest },
    });
    expect((refusal as { summary: () => unknown }).summary()).toMatchObject({ until: time.wall - 1 + rest });
  });

  it('is of one agent only, and no forge of the same name', async () => {
    await runs('failure', 'failure', 'failure');
    expect(await run('success', 'reviewer')).toBe(true);
    await expect(runAs('success', 'forge', 'coder', () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('leaves the count alone for what is neither', async () => {
    await runs('failure', 'failure', 'neither');
    expect(state()).toEqual(closed(2));
    await run('failure');
    expect(state()).toMatchObject({ state: 'open' });
  });

  it('takes new limits at once', async () => {
    let failures = 3;
    let long = rest;
    circuits = opened({ failures: () => failures, rest: () => long });
    await runs('failure', 'failure');
    failures = 2;
    await run('failure');
    expect(state()).toMatchObject({ state: 'open' });
    long = 1;
    pass(1);
    expect(await run('success')).toBe(true);
  });

  it('goes on when its state cannot be saved', async () => {
    const save = (): never => {
      throw new Error('busy');
    };
    circuits = opened({ save });
    await expect(runAs('failure', 'agent', 'coder', () => Promise.resolve(7))).resolves.toBe(7);
    expect(state()).toEqual(closed(1));
  });
});

describe('a circuit that has rested', () => {
  beforeEach(async () => {
    await runs('failure', 'failure', 'failure');
    pass(rest);
  });

  it('lets one trial through, which closes it', async () => {
    expect(state()).toMatchObject({ state: 'half-open', until: null });
    expect(circuits.blockedUntil('agent', 'coder')).toBeNull();
    const end = longRun();
    expect(await run('success')).toBe(false);
    expect(circuits.blockedUntil('agent', 'coder')).toBeGreaterThan(time.wall);
    await end('success');
    expect(state()).toEqual(closed(0));
    expect(await run('success')).toBe(true);
  });

  it('rests again when the trial fails', async () => {
    expect(await run('failure')).toBe(true);
    expect(state()).toMatchObject({ state: 'open', until: time.wall + rest });
    pass(rest - 1);
    expect(await run('success')).toBe(false);
    pass(1);
    expect(await run('success')).toBe(true);
  });

  it('rests again when the trial fails, though more failures are allowed by now', async () => {
    restart({ failures: () => 10 });
    await run('failure');
    expect(state()).toMatchObject({ state: 'open', failures: 4 });
  });

  it('lets another trial through when the first was neither', async () => {
    expect(await run('neither')).toBe(true);
    expect(state()).toMatchObject({ state: 'half-open', failures: 3 });
    expect(await run('success')).toBe(true);
    expect(state()).toEqual(closed(0));
  });

  it('lets another trial through when the first could not be judged', async () => {
    const unjudged = circuits.run(
      'agent',
      'coder',
      () => Promise.resolve(1),
      () => {
        throw new Error('no idea');
      },
    );
    await expect(unjudged).rejects.toThrow('no idea');
    expect(await run('success')).toBe(true);
  });
});

describe('a run that began before the circuit opened', () => {
  it.each(['success', 'failure'] as const)('decides nothing by its late %s', async (verdict) => {
    const end = longRun();
    await runs('failure', 'failure', 'failure');
    const before = state();
    await end(verdict);
    expect(state()).toEqual(before);
  });

  it('does not end the trial of another', async () => {
    const end = longRun();
    await runs('failure', 'failure', 'failure');
    pass(rest);
    const endTrial = longRun();
    await end('failure');
    expect(await run('success')).toBe(false);
    await endTrial('success');
    expect(state()).toEqual(closed(0));
  });
});

describe('a restart', () => {
  it('keeps the count and the rest', async () => {
    await runs('failure', 'failure');
    restart();
    expect(state()).toEqual(closed(2));
    await run('failure');
    pass(rest / 2);
    restart();
    expect(state()).toMatchObject({ state: 'open', until: time.wall + rest / 2, failures: 3 });
    pass(rest / 2);
    expect(await run('success')).toBe(true);
    restart();
    expect(circuits.states()).toEqual([]);
  });

  it('makes a trial that was cut off nobody’s', async () => {
    await runs('failure', 'failure', 'failure');
    pass(rest);
    const end = longRun();
    restart();
    expect(state()).toMatchObject({ state: 'half-open' });
    expect(await run('success')).toBe(true);
    await end('neither');
  });

  it('begins anew where what was kept cannot be read', () => {
    writeFileSync(join(folder, 'circuits.json'), '[{"kind":');
    restart();
    expect(circuits.states()).toEqual([]);
  });
});

describe('a system clock that jumps by a day', () => {
  it.each([
    ['back', -day],
    ['forward', day],
  ])('%s while the runner works changes no rest', async (_direction, jump) => {
    await runs('failure', 'failure', 'failure');
    time.wall += jump;
    expect(circuits.blockedUntil('agent', 'coder')).toBe(time.wall + rest);
    pass(rest - 1);
    expect(await run('success')).toBe(false);
    pass(1);
    expect(await run('success')).toBe(true);
  });

  it('back over a restart prolongs no rest beyond a whole one', async () => {
    await runs('failure', 'failure', 'failure');
    time.wall -= day;
    restart();
    expect(circuits.blockedUntil('agent', 'coder')).toBe(time.wall + rest);
    pass(rest);
    expect(await run('success')).toBe(true);
  });

  it('forward over a restart allows one trial and no more', async () => {
    await runs('failure', 'failure', 'failure');
    time.wall += day;
    restart();
    expect(await run('failure')).toBe(true);
    expect(await run('success')).toBe(false);
  });
});

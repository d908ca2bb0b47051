import { beforeEach, describe, expect, it, vi } from 'vitest';
import { OpusError } from '#shared/domain/errors.ts';
import type { Job, RegistryChange } from '../../runner/core/ports/job-registry.ts';
import { createBackOff } from '../../runner/engine/back-off.ts';
import { createClockWatch } from '../../runner/engine/clock-watch.ts';
import type { EngineDependencies } from '../../runner/engine/stage-context.ts';
import { aJob } from '../support/records.ts';

const day = 86_400_000;
let wall = 0;
let monotonic = 0;
let isBusy = false;
let jobs: Job[] = [];

const registry = {
  jobs: () => jobs,
  job: (id: string) => jobs.find((job) => job.id === id) ?? null,
  commit: (_key: string | null, _result: unknown, { updateJob }: RegistryChange) => {
    if (isBusy && updateJob?.id === 'FR-2-1') throw new OpusError('registry.busy', 'held by another process');
    jobs = jobs.map((job) => (job.id === updateJob?.id ? { ...job, ...updateJob.fields } : job));
  },
};

function pass(milliseconds: number): void {
  wall += milliseconds;
  monotonic += milliseconds;
}

beforeEach(() => {
  [wall, monotonic, isBusy] = [10 * day, 5, false];
  const times = { queuedAt: wall, admittedAt: wall, missingSince: wall, holdUntil: wall + 1_000 };
  jobs = [aJob({ id: 'FR-1-1', ...times }), aJob({ id: 'FR-2-1', ...times })];
});

describe('a watch over the wall clock', () => {
  const onJump = vi.fn();
  const watch = () => {
    onJump.mockClear();
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const dependencies = { registry, clock: { now: () => wall }, log } as unknown as EngineDependencies;
    return createClockWatch(dependencies, () => monotonic, onJump);
  };
  const times = (): unknown[] => jobs.map(({ missingSince, holdUntil }) => [missingSince, holdUntil]);

  it('moves nothing while both clocks go on, nor for a drift', () => {
    const before = times();
    const clockWatch = watch();
    pass(3 * day);
    wall += 30_000;
    clockWatch.check();
    expect(times()).toEqual(before);
    expect(onJump).not.toHaveBeenCalled();
  });

  it('moves what was timed along with the clock, once; a hold that is over sooner is over', () => {
    const clockWatch = watch();
    pass(5_000);
    wall += day;
    clockWatch.check();
    clockWatch.check();
    expect(times()).toEqual([
      [11 * day, 10 * day + 1_000],
      [11 * day, 10 * day + 1_000],
    ]);
    expect(onJump.mock.calls).toEqual([[day]]);
  });

  it('moves a hold back too, so that it does not become a day longer', () => {
    const clockWatch = watch();
    wall -= day;
    clockWatch.check();
    expect(times()[0]).toEqual([9 * day, 9 * day + 1_000]);
  });

  it('moves each once, also where the registry could not take all of it at once', () => {
    const clockWatch = watch();
    isBusy = true;
    wall += day;
    expect(() => {
      clockWatch.check();
    }).toThrow('held by another process');
    isBusy = false;
    clockWatch.check();
    expect(onJump.mock.calls).toEqual([[day]]);
    expect(times().map((each) => (each as number[])[0])).toEqual([11 * day, 11 * day]);
  });
});

describe('the wait before another try', () => {
  const backOff = () =>
    createBackOff(
      () => ({ base: 1_000, factor: 2, max: 60_000 }),
      () => monotonic,
    );

  it('is none before a first try', () => {
    expect(backOff().left('FR-1-1', 'a', 0)).toBe(0);
  });

  it('only gets shorter, however often it is asked for, whatever the wall clock does', () => {
    const wait = backOff();
    const first = wait.left('FR-1-1', 'a', 1);
    expect(first).toBeGreaterThanOrEqual(750);
    expect(first).toBeLessThanOrEqual(1_000);
    wall += day;
    monotonic += 400;
    expect(wait.left('FR-1-1', 'a', 1)).toBe(first - 400);
    monotonic += 1_000;
    expect(wait.left('FR-1-1', 'a', 1)).toBe(0);
  });

  it('begins anew for the next try', () => {
    const wait = backOff();
    wait.left('FR-1-1', 'a', 1);
    monotonic += 2_000;
    expect(wait.left('FR-1-1', 'b', 2)).toBeGreaterThanOrEqual(1_500);
  });
});

import { describe, expect, it } from 'vitest';
import { nextInterval, type PollingState } from '../../runner/core/polling.ts';

const seconds = 1_000;
const quiet: PollingState = {
  previous: null,
  foundWork: false,
  watching: false,
  active: 30 * seconds,
  idle: 300 * seconds,
};

describe('the time until the next look', () => {
  it.each<[string, Partial<PollingState>, number]>([
    ['is the active interval at first', {}, 30],
    ['doubles when nothing is found', { previous: 30 * seconds }, 60],
    ['doubles again', { previous: 120 * seconds }, 240],
    ['is never longer than the idle interval', { previous: 240 * seconds }, 300],
    ['stays at the idle interval', { previous: 300 * seconds }, 300],
    ['is the active interval again once work appears', { previous: 300 * seconds, foundWork: true }, 30],
    ['is the active interval while there is work', { previous: 30 * seconds, foundWork: true }, 30],
    ['is the idle interval at once while changes are told', { watching: true }, 300],
    ['is the idle interval at once when changes are told again', { watching: true, previous: 60 * seconds }, 300],
    [
      'is the active interval when a look finds what was not told',
      { watching: true, previous: 300 * seconds, foundWork: true },
      30,
    ],
    ['is never shorter than an active interval that was raised meanwhile', { previous: 5 * seconds }, 30],
    ['is the active interval where the idle one is shorter', { previous: 30 * seconds, idle: 10 * seconds }, 30],
  ])('%s', (_says, state, expected) => {
    expect(nextInterval({ ...quiet, ...state })).toBe(expected * seconds);
  });

  it('goes from active to idle in a few quiet looks, and not beyond', () => {
    const intervals = [nextInterval(quiet)];
    for (let look = 0; look < 5; look++) intervals.push(nextInterval({ ...quiet, previous: intervals.at(-1) ?? null }));
    expect(intervals.map((interval) => interval / seconds)).toEqual([30, 60, 120, 240, 300, 300]);
  });
});

import { describe, expect, it } from 'vitest';
import type { UsageSum } from '../../runner/core/ports/job-registry.ts';
import { costText } from '../../runner/core/reporting/cost.ts';
import { useWindows, windowsNow, type WindowStates } from '../../runner/core/usage-windows.ts';

const hour = 3_600_000;
const usage = { input: 1_000_000, cacheRead: 0, cacheWrite: 0, output: 200_000 };
const sum = (fields: Partial<UsageSum>): UsageSum => ({
  ...{ responses: 1, estimated: 0, usage, cost: 0, unpriced: 0, subscription: 0, shares: [] },
  ...fields,
});
const all = 1_200_000;
const short = (share: number, endpoint = 'anthropic') => ({ endpoint, lengthMs: 5 * hour, share });
const long = (share: number) => ({ endpoint: 'anthropic', lengthMs: 168 * hour, share });

describe('what a job took', () => {
  it.each([
    ['', []],
    ['0.42 USD', [sum({ cost: 0.42 })]],
    ['about 0.42 USD', [sum({ cost: 0.42, estimated: 1 })]],
    ['1.2M tokens', [sum({ unpriced: all })]],
    ['0.42 USD and 1.2M tokens without a known price', [sum({ cost: 0.42 }), sum({ unpriced: all })]],
    ['1.2M tokens', [sum({ subscription: all })]],
    ['1.2M tokens, 8 % of the 5 h window', [sum({ subscription: all, shares: [short(0.08), long(0.01)] })]],
    ['about 1.2M tokens, <1 % of the 7 d window', [sum({ subscription: all, estimated: 1, shares: [long(0.001)] })]],
    [
      '0.42 USD and 2.4M tokens of a subscription, 12 % of the 5 h window',
      [sum({ cost: 0.42 }), ...[0.08, 0.04].map((share) => sum({ subscription: all, shares: [short(share)] }))],
    ],
    [
      '2.4M tokens, 8 % of the 5 h window of anthropic, 2 % of the 5 h window of openai',
      [short(0.08), short(0.02, 'openai')].map((share) => sum({ subscription: all, shares: [share] })),
    ],
  ])('reads: %s', (text, totals) => {
    expect(costText(totals)).toBe(text);
  });
});

describe('what a response took of a window', () => {
  const told = (share: number, at: number, resetsAt: number | null = 5 * hour, states: WindowStates = {}) =>
    useWindows(
      states,
      { endpoint: 'plan', at, tokens: 100, windows: [{ lengthMs: 5 * hour, share, resetsAt }] },
      { tokens: 1000, every: 5 * hour },
    );
  const shareOf = (result: ReturnType<typeof told>): number | undefined => result.shares[0]?.share;

  it('is the difference to what was told before, and never less than nothing', () => {
    const first = told(0.5, 0);
    expect(first.shares).toEqual([]);
    expect(shareOf(told(0.75, 60_000, 5 * hour, first.states))).toBe(0.25);
    expect(shareOf(told(0.25, 60_000, 5 * hour, first.states))).toBe(0);
  });

  it('is nobody’s where that was long ago', () => {
    expect(told(0.75, hour, 5 * hour, told(0.5, 0).states).shares).toEqual([]);
  });

  it('is all of it in a window that has begun anew', () => {
    const before = told(0.5, 5 * hour - 60_000).states;
    expect(shareOf(told(0.25, 5 * hour + 1, 10 * hour, before))).toBe(0.25);
    // Asked before the end and answered after it.
    expect(shareOf(told(0.25, 5 * hour - 1, 10 * hour, before))).toBe(0.25);
  });

  it('is counted where nobody tells, in windows that begin with a response', () => {
    const given = { tokens: 1000, every: 5 * hour };
    const use = (at: number, states: WindowStates) =>
      useWindows(states, { endpoint: 'plan', at, tokens: 100, windows: [] }, given).states;
    const twice = use(hour, use(0, {}));
    expect(windowsNow(twice, hour)).toMatchObject([{ share: 0.2, resetsAt: 5 * hour }]);
    expect(windowsNow(twice, 6 * hour)).toMatchObject([{ share: 0, resetsAt: null }]);
    expect(windowsNow(use(6 * hour, twice), 6 * hour)).toMatchObject([{ share: 0.1, resetsAt: 11 * hour }]);
  });

  it('says nothing of a window of which nothing was heard for its whole length', () => {
    expect(windowsNow(told(0.5, 0, null).states, 4 * hour)).toHaveLength(1);
    expect(windowsNow(told(0.5, 0, null).states, 6 * hour)).toEqual([]);
  });
});

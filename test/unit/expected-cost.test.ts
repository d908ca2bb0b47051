import { describe, expect, it } from 'vitest';
import { expectedCost, expectedSumText, expectedText, type PastJob } from '../../runner/core/expected-cost.ts';
import { expectedOf } from '../../runner/engine/expected.ts';
import type { UsageGroup } from '../../runner/core/ports/job-registry.ts';
import { aJob } from '../support/records.ts';
import { parseFeatureRequest } from '../../shared/domain/parse-feature-request.ts';

const nothing = { dollars: null, tokens: null };
const unlimited = { budget: nothing, leftToday: nothing };
const next = { repository: 'app', complexity: 'simple' } as const;
const past = (tokens: number, fields: Partial<PastJob> = {}): PastJob => ({
  repository: 'app',
  complexity: null,
  dollars: tokens / 1_000,
  tokens,
  ...fields,
});

describe('what a job will probably take', () => {
  it('is the middle of the jobs before it, without the cheapest and the dearest fifth', () => {
    const jobs = [600, 100, 300, 500, 200, 400].map((tokens) => past(tokens));
    expect(expectedCost(next, jobs, unlimited)).toEqual({
      dollars: { low: 0.2, high: 0.5 },
      tokens: { low: 200, high: 500 },
      jobs: 6,
      ...unlimited,
    });
  });

  it.each([0, 1, 2])('is not known by %i jobs', (count) => {
    const jobs = [100, 200].slice(0, count).map((tokens) => past(tokens));
    expect(expectedCost(next, jobs, unlimited)).toMatchObject({ dollars: null, tokens: null, jobs: 0 });
  });

  it('goes by the repository and the complexity, then by the repository, then by all', () => {
    const small = [1, 1, 1].map((tokens) => past(tokens, { complexity: 'simple' }));
    const ofRepository = [2, 2, 2].map((tokens) => past(tokens));
    const others = [3, 3, 3].map((tokens) => past(tokens, { repository: 'web', complexity: 'simple' }));
    const count = (jobs: readonly PastJob[], wanted: Parameters<typeof expectedCost>[0] = next): number =>
      expectedCost(wanted, jobs, unlimited).jobs;
    expect(expectedCost(next, [...others, ...ofRepository, ...small], unlimited).tokens).toEqual({ low: 1, high: 1 });
    expect(count([...others, ...ofRepository, ...small.slice(1)])).toBe(5);
    expect(expectedCost(next, [...others, ...ofRepository], unlimited).tokens).toEqual({ low: 2, high: 2 });
    expect(count([...others, ...others, ...ofRepository.slice(1)])).toBe(8);
    expect(count([...others, ...ofRepository, ...small], { repository: 'app', complexity: null })).toBe(6);
  });

  it('forgets what is longer ago than fifty jobs', () => {
    const jobs = [...Array.from({ length: 50 }, () => past(9)), ...Array.from({ length: 50 }, () => past(5))];
    expect(expectedCost(next, jobs, unlimited)).toMatchObject({ tokens: { low: 5, high: 5 }, jobs: 50 });
  });

  it('has no dollars where a subscription pays', () => {
    const jobs = [100, 200, 300].map((tokens) => past(tokens, { dollars: null }));
    expect(expectedCost(next, jobs, unlimited)).toMatchObject({ dollars: null, tokens: { low: 140, high: 260 } });
  });
});

describe('is said', () => {
  const known = expectedCost(
    next,
    [20_000, 40_000, 90_000].map((tokens) => past(tokens, { dollars: tokens / 1e5 })),
    {
      budget: { dollars: 2, tokens: 500_000 },
      leftToday: { dollars: 8.5, tokens: null },
    },
  );
  const unknown = expectedCost(next, [], { budget: { dollars: 2, tokens: null }, leftToday: nothing });

  it('with the ceiling and with what is left of the day', () => {
    expect(expectedText(known)).toBe(
      '0.28–0.70 USD, 28.0k–70.0k tokens, by the last 3 jobs; at most 2.00 USD and 500.0k tokens; 8.50 USD left today',
    );
    expect(expectedText(unknown)).toBe('not known yet; at most 2.00 USD');
    expect(expectedText({ ...unknown, ...unlimited })).toBeNull();
    expect(expectedText({ ...known, ...unlimited, dollars: null, tokens: { low: 7, high: 7 } })).toBe(
      '7 tokens, by the last 3 jobs',
    );
  });

  it('for several together, with what the sum leaves out', () => {
    expect(expectedSumText([known, known])).toBe('0.56–1.40 USD, 56.0k–140.0k tokens');
    expect(expectedSumText([known, { ...known, dollars: null }, unknown])).toBe(
      '0.28–0.70 USD, 56.0k–140.0k tokens; 1 of 3 not known; 1 of 3 without dollars',
    );
    expect(expectedSumText([unknown, unknown])).toBeNull();
  });
});

it('counts jobs that ended by themselves, priced where all of their prices are known, within the lesser ceiling', () => {
  const used = (key: string | null, fields: Partial<UsageGroup> = {}): UsageGroup => ({
    key,
    responses: 1,
    estimated: 0,
    usage: { input: 90, cacheRead: 0, cacheWrite: 0, output: 10 },
    cost: 1,
    unpriced: 0,
    subscription: 0,
    shares: [],
    ...fields,
  });
  const groups = [
    ...['FR-1-1', 'FR-1-2', 'FR-1-3'].map((id) => used(id)),
    used('FR-1-4', { cost: 0, unpriced: 100 }),
    used('FR-1-5', { cost: 0, subscription: 100 }),
    ...['FR-1-6', 'FR-1-7'].map((id) => used(id, { cost: 99 })),
    used(null, { cost: 99 }),
  ];
  const statuses = ['succeeded', 'failed', 'succeeded', 'succeeded', 'succeeded', 'canceled', 'running'] as const;
  const jobs = statuses.map((status, index) => aJob({ id: `FR-1-${index + 1}`, status }));
  const note = parseFeatureRequest('FR-2.md', '---\nid: FR-2\nrepo: app\nbudget: 2 USD\n---\n', {
    hash: (text) => text,
  });
  const expected = expectedOf(
    {
      registry: {
        jobs: () => jobs,
        usageBy: () => groups,
        usage: () => [{ ...used('FR-1-1'), agent: 'coder', model: 'm', cost: 11 }],
      },
      config: { limits: { budget: 3, tokens: 900, dailyBudget: 10, dailyTokens: null }, defaultRepository: 'web' },
      now: 5,
    },
    note,
    [note],
  );
  expect(expected).toEqual({
    dollars: { low: 1, high: 1 },
    tokens: { low: 100, high: 100 },
    jobs: 5,
    budget: { dollars: 2, tokens: 900 },
    leftToday: { dollars: 0, tokens: null },
  });
});

import { describe, expect, it } from 'vitest';
import { reasonsForAPerson, type AutoMergeFacts } from '../../runner/core/auto-merge.ts';
import { defaultPolicy } from '../../runner/core/configuration.ts';
import type { ObservedCheck } from '../../runner/core/ports/pull-requests.ts';

const check: ObservedCheck = {
  id: 'check:1',
  name: 'build',
  commit: 'c',
  state: 'passed',
  isRequired: true,
  run: 1,
  url: null,
  summary: '',
};
const good: AutoMergeFacts = {
  isAllowed: true,
  policy: { priorities: ['P3'], confidence: 90, lines: 100 },
  fourEyes: false,
  priority: 'P3',
  wish: null,
  review: { verdict: 'pass', confidence: 90, summary: 'good', issues: [] },
  isTested: true,
  tampering: [],
  lines: 100,
  checks: [check],
  hasRemarks: false,
  isSteered: false,
};

describe('merging without a person', () => {
  it('happens when every condition holds', () => {
    expect(reasonsForAPerson(good)).toEqual([]);
    expect(reasonsForAPerson({ ...good, checks: null })).toEqual([]);
  });

  it('never happens by default', () => {
    expect(reasonsForAPerson({ ...good, policy: defaultPolicy.autoMerge })).not.toEqual([]);
  });

  it.each<[string, Partial<AutoMergeFacts>]>([
    ['opus.yml', { isAllowed: false }],
    ['four eyes', { fourEyes: true }],
    ['P1', { priority: 'P1' }],
    ['note says no', { wish: false }],
    ['not reviewed', { review: null }],
    ['refuses', { review: { verdict: 'fail', confidence: 99, summary: '', issues: [] } }],
    ['89, below 90', { review: { verdict: 'pass', confidence: 89, summary: '', issues: [] } }],
    ['tests did not pass', { isTested: false }],
    ['could not look', { tampering: null }],
    ['test-skipped', { tampering: [{ kind: 'test-skipped', file: 'a', line: 1, message: '' }] }],
    ['101 lines', { lines: 101 }],
    ['build not ended', { checks: [{ ...check, state: 'pending' }] }],
    ['build failed', { checks: [{ ...check, state: 'failed' }] }],
    ['remarks', { hasRemarks: true }],
    ['had a hand', { isSteered: true }],
  ])('does not happen where one does not: %s', (words, change) => {
    const reasons = reasonsForAPerson({ ...good, ...change });
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain(words);
  });
});

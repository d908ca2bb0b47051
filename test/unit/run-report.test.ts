import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../runner/core/ports/job-registry.ts';
import { runReport } from '../../runner/core/reporting/run-report.ts';
import { aJob, anAttempt } from '../support/records.ts';

const report = (attempts: readonly Attempt[], comment = ''): string =>
  runReport({
    job: aJob({ status: 'canceled', title: 'A title' }),
    attempts,
    comments: [],
    isDraft: false,
    decisions: [
      {
        jobId: 'FR-1-1',
        gate: { kind: 'merge', hash: '1234e567' },
        kind: 'changes',
        comment,
        person: 'ada',
        device: null,
        channel: 'cli',
        at: 0,
        generation: 0,
      },
    ],
    stat: null,
    weaker: [],
    notTested: false,
    command: 'npx opus',
    now: 0,
  });

const reviewed = (round: number, summary: string): Attempt =>
  anAttempt({ stage: 'review', round, result: { verdict: 'fail', confidence: 50, summary, issues: [] } });

describe('a run report', () => {
  it('shows no credential, whoever wrote or printed it', () => {
    const secret = `github_pat_${'a1B2'.repeat(6)}`;
    const evidence = { argv: ['env', secret], exitCode: 0, commit: '1234e567', durationMs: 1, tail: `TOKEN=${secret}` };
    const text = report([anAttempt({ evidence: [evidence] }), reviewed(1, secret)], `It is ${secret}.`);
    expect(text).not.toContain(secret);
    expect(text.match(/\[redacted\]/g)).toHaveLength(4);
  });

  it('stays small enough to be read: what happened last is there, and a word on what is left out', () => {
    const attempts = Array.from({ length: 400 }, (_, index) => reviewed(index, `round ${index} ${'x'.repeat(1_000)}`));
    const text = report(attempts);
    expect(text.length).toBeLessThan(151_000);
    expect(text).toContain('**Canceled.**');
    expect(text).toContain('round 399 x');
    expect(text).not.toContain('round 1 x');
    const left = Number(/^… (\d+) earlier attempts are left out here: `npx opus job log FR-1-1`$/m.exec(text)?.[1]);
    expect(text.match(/^### review, round \d+$/gm)).toHaveLength(400 - left);
    expect(text).toContain('## Decisions');
  });

  it('cuts a long section at a line and closes its fence, so that the rest is read as it is meant', () => {
    const line = 'a line of a text that never ends';
    const evidence = Array.from({ length: 12 }, (_, index) => ({
      argv: ['npm', 'test', String(index)],
      exitCode: 1,
      commit: '1234e567',
      durationMs: 1,
      tail: `${line}\n`.repeat(500),
    }));
    const text = report([anAttempt({ stage: 'test', evidence })]);
    expect(text).toMatch(/never ends\n```\n\n… this is longer and was cut here\.\n\n## Decisions/);
    expect(text.match(/^```/gm)?.length).toBe(10);
  });
});

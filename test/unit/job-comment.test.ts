import { describe, expect, it } from 'vitest';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import { commentOn, type JobComments } from '../../runner/engine/job-comment.ts';
import { aJob } from '../support/records.ts';

const hash = 'abcdef0123456789';
const ada = { person: 'ada', channel: 'plugin', device: 'phone' } as const;
const blue: JobComments = { comments: [{ file: 'a.js', line: 3, body: 'Blue.' }], comment: '' };

/** What is done about the job, or why nothing is. */
async function outcomeOf(fields: Partial<Job>, said: JobComments = blue): Promise<unknown[]> {
  const done: unknown[] = [];
  const job = aJob({ headCommit: hash, ...fields });
  const application = {
    decide: (...words: unknown[]) => Promise.resolve(done.push('decide', ...words)).then(() => job),
    retry: (...words: unknown[]) => Promise.resolve(done.push('retry', ...words)).then(() => job),
  };
  try {
    await commentOn(application, job, said, ada);
    return done;
  } catch (thrown) {
    return [...done, String(thrown)];
  }
}

const atGate = (kind: 'plan' | 'merge' | 'question' | 'budget' | 'ci'): Partial<Job> => ({
  status: 'waiting',
  waitingFor: 'approval',
  gate: { kind, hash },
});
const withPerson = { status: 'waiting', waitingFor: 'human' } as const;

describe('comments on a job', () => {
  it.each(['merge', 'ci'] as const)('ask for changes at its %s gate, bound to what that shows', async (kind) => {
    const decided = ['decide', 'FR-1-1', 'changes', 'a.js:3: Blue.', ada];
    expect(await outcomeOf(atGate(kind))).toEqual([...decided, `${kind}@${hash}`]);
    const shown = `${kind}@${hash.slice(0, 8)}`;
    expect(await outcomeOf(atGate(kind), { ...blue, gate: shown })).toEqual([...decided, shown]);
  });

  it('let a job that rests with a person go on from code', async () => {
    const retried = { from: 'code', rounds: null, comment: 'a.js:3: Blue.' };
    expect(await outcomeOf(withPerson)).toEqual(['retry', 'FR-1-1', retried]);
  });

  it.each([
    ['it asks for plan@abcdef01, which is not about its change', atGate('plan')],
    ['it asks for question@abcdef01, which is not about its change', atGate('question')],
    ['it asks for budget@abcdef01, which is not about its change', atGate('budget')],
    ['it has no change yet', { ...withPerson, headCommit: null }],
    ['it takes a change back, and no agent works on it', { ...withPerson, reverts: 'FR-0-1' }],
    ['it is running', {}],
    ['it is waiting for slot', { status: 'waiting', waitingFor: 'slot' }],
    ['it is succeeded', { status: 'succeeded' }],
  ] satisfies [string, Partial<Job>][])('are refused where %s', async (reason, job) => {
    expect(await outcomeOf(job)).toEqual([`OpusError: FR-1-1 cannot be sent back with comments now; ${reason}.`]);
  });

  it('are refused where another gate was shown, of whatever kind', async () => {
    const newer = `merge@${'1'.repeat(40)}`;
    expect(await outcomeOf(atGate('merge'), { ...blue, gate: newer })).toEqual([
      'OpusError: You were shown merge@11111111, but FR-1-1 asks for merge@abcdef01 now. Nothing was decided.',
    ]);
    expect(await outcomeOf(atGate('ci'), { ...blue, gate: `merge@${hash}` })).toEqual([
      expect.stringContaining('asks for ci@abcdef01 now') as string,
    ]);
  });

  it('need words, and not too many', async () => {
    expect(await outcomeOf(atGate('merge'), { comments: [], comment: '  ' })).toEqual([
      'OpusError: There is no comment to send back.',
    ]);
    expect(await outcomeOf(atGate('merge'), { comments: [], comment: 'x'.repeat(100_001) })).toEqual([
      'OpusError: The comments are too long: 100,001 of at most 100,000 characters.',
    ]);
  });
});

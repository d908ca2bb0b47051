import { describe, expect, it } from 'vitest';
import type { Stage } from '../../shared/domain/stage.ts';
import { orderHistory } from '../../runner/core/pipeline/history.ts';
import { next } from '../../runner/core/pipeline/next.ts';
import type { Next, PipelinePolicy } from '../../runner/core/pipeline/position.ts';
import type { Attempt, RecordedDecision } from '../../runner/core/ports/job-registry.ts';
import type { Happening, RecordedHappening } from '../../runner/core/pull-request/happening.ts';

const policy: PipelinePolicy = {
  stages: ['plan', 'code', 'test', 'review', 'deliver', 'merge'],
  rounds: 1,
  attempts: 3,
  crashes: 10,
  planGate: false,
  checkRounds: 2,
  remarkRounds: 2,
  ciGate: true,
  approvals: 1,
};
const refusal = { kind: 'conflict', files: ['a.js'], detail: '', startFrom: 's', base: 'b' } as const;
const happenings: Readonly<Record<string, Happening>> = {
  checks: {
    kind: 'checks-failed',
    commit: 'c',
    failures: [{ check: 'build', job: null, step: null, tail: 'boom', url: null }],
  },
  rerun: { kind: 'checks-rerun', commit: 'c', checks: ['build'] },
  remarks: { kind: 'remarks', commit: 'c', remarks: [] },
  conflict: { kind: 'conflict', refusal },
  pushed: { kind: 'pushed', commit: 'd', by: null, adopted: true },
  rewritten: { kind: 'pushed', commit: 'd', by: null, adopted: false },
  deleted: { kind: 'branch-deleted' },
  closed: { kind: 'closed', by: 'bob' },
  reopened: { kind: 'reopened' },
  merged: { kind: 'merged', commit: 'm', by: 'bob' },
};
const round = 'code test review deliver';

/** Stages that passed; `code@x` one whose change of CI has the hash x; `+merge:alice`, `+ci:x` approvals; `changes`; what happened, by name. */
function story(text: string, overrides: Partial<PipelinePolicy> = {}): Next {
  const attempts: Attempt[] = [];
  const decisions: RecordedDecision[] = [];
  const happened: RecordedHappening[] = [];
  let generation = 0;
  for (const word of text.split(' ')) {
    const happening = happenings[word];
    const [, gate, what = 'me'] = /^\+(merge|ci)(?::(.*))?$/.exec(word) ?? [];
    if (happening !== undefined) {
      happened.push({ jobId: 'FR-1-1', key: `${generation}`, happening, at: 0, generation: generation++ });
    } else if (gate !== undefined || word === 'changes') {
      const isCi = gate === 'ci';
      decisions.push({
        jobId: 'FR-1-1',
        gate: { kind: isCi ? 'ci' : 'merge', hash: isCi ? what : 'a'.repeat(40) },
        kind: word === 'changes' ? 'changes' : 'approve',
        comment: '',
        person: isCi ? 'me' : what,
        device: null,
        channel: 'cli',
        at: 0,
        generation: generation++,
      });
    } else {
      const [stage = 'code', ci] = word.split('@');
      attempts.push({
        id: `${attempts.length}`,
        jobId: 'FR-1-1',
        stage: stage as Stage,
        round: 0,
        number: 1,
        agent: null,
        owner: 'me',
        status: 'passed',
        startedAt: 0,
        endedAt: 0,
        commit: null,
        result:
          ci === undefined ? { summary: '' } : { summary: '', ci: { files: ['.github/workflows/a.yml'], hash: ci } },
        evidence: [],
        error: null,
        refusedHosts: [],
        generation,
        leaseUntil: null,
        session: null,
      });
    }
  }
  return next(orderHistory(attempts, decisions, [], happened), { ...policy, ...overrides });
}

function told(upcoming: Next): string {
  if (upcoming.kind === 'stage') return `${upcoming.stage} ${upcoming.round}`;
  if (upcoming.kind === 'gate') return `gate ${upcoming.gate}`;
  return upcoming.kind === 'human' ? upcoming.error.code : upcoming.kind;
}

describe('what happens to the pull request of a job at its gate', () => {
  it.each([
    ['checks', 'code 1'],
    ['rerun', 'gate merge'],
    ['remarks', 'code 1'],
    ['conflict', 'code 1'],
    ['pushed', 'test 0'],
    ['rewritten', 'git.branch-moved'],
    ['deleted', 'git.branch-moved'],
    ['closed', 'forge.pull-request-closed'],
    ['closed reopened', 'gate merge'],
    ['merged', 'done'],
    ['closed merged', 'done'],
  ])('%s: %s', (happening, expected) => {
    expect(told(story(`plan ${round} ${happening}`))).toBe(expected);
  });

  it('tells the coder what failed and what was asked for', () => {
    expect(story(`plan ${round} checks`)).toMatchObject({
      feedback: [{ kind: 'checks', failures: [{ tail: 'boom' }] }],
    });
    expect(story(`plan ${round} conflict`)).toMatchObject({ feedback: [{ kind: 'conflict', refusal }] });
  });

  it('every loop ends with a person', () => {
    const twice = (name: string) => `plan ${round} ${name} ${round} ${name} ${round}`;
    expect(told(story(`${twice('checks')} checks`))).toBe('stage.rounds-exhausted');
    expect(told(story(`${twice('remarks')} remarks`))).toBe('stage.rounds-exhausted');
    expect(told(story(`plan ${round} conflict ${round} conflict`))).toBe('stage.rounds-exhausted');
    expect(told(story(`${twice('checks')} changes ${round} checks`))).toBe('code 4');
  });

  it('rounds for checks do not use up those of the review', () => {
    expect(told(story(`plan ${round} checks ${round} conflict`))).toBe('code 2');
  });

  it('an approval of what was there before counts for nothing after a new commit', () => {
    expect(told(story(`plan ${round} +merge`))).toBe('merge 0');
    expect(told(story(`plan ${round} +merge remarks ${round}`))).toBe('gate merge');
    expect(told(story(`plan ${round} pushed test review deliver`))).toBe('gate merge');
  });
});

describe('a change of what the forge runs', () => {
  it('is not delivered before a person accepts it, and asked of again when it changes', () => {
    expect(told(story('plan code@x test review'))).toBe('gate ci');
    expect(told(story('plan code@x test review +ci:x'))).toBe('deliver 0');
    expect(told(story('plan code@x test review +ci:x deliver remarks code@x test review'))).toBe('deliver 1');
    expect(told(story('plan code@x test review +ci:x deliver remarks code@y test review'))).toBe('gate ci');
    expect(told(story('plan code test review'))).toBe('deliver 0');
  });
});

describe('four eyes', () => {
  it('need two people, whatever one of them says twice', () => {
    const two = { approvals: 2 };
    expect(told(story(`plan ${round} +merge:alice`, two))).toBe('gate merge');
    expect(told(story(`plan ${round} +merge:alice +merge:alice`, two))).toBe('gate merge');
    expect(told(story(`plan ${round} +merge:alice +merge:bob`, two))).toBe('merge 0');
  });
});

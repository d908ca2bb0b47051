import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { orderHistory } from '../../runner/core/pipeline/history.ts';
import { next } from '../../runner/core/pipeline/next.ts';
import type { Next, PipelinePolicy } from '../../runner/core/pipeline/position.ts';
import type { Attempt, RecordedDecision, Retry } from '../../runner/core/ports/job-registry.ts';

const policy: PipelinePolicy = {
  stages: ['plan', 'code', 'test', 'review', 'deliver', 'merge'],
  rounds: 3,
  attempts: 3,
  crashes: 10,
  planGate: false,
  checkRounds: 3,
  remarkRounds: 10,
  ciGate: true,
  approvals: 1,
};
const hash = 'a'.repeat(40);

/** `code` passed; `test!` rejected; `code?agent.timeout` failed; `code~` interrupted; `+approve`, `+changes`, `+reject`; `>code` retry. */
function story(text: string, overrides: Partial<PipelinePolicy> = {}): Next {
  const attempts: Attempt[] = [];
  const decisions: RecordedDecision[] = [];
  const retries: Retry[] = [];
  let generation = 0;
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (word.startsWith('+')) {
      const [kind, gate] = word.slice(1).split('@');
      decisions.push({
        jobId: 'FR-1-1',
        gate: { kind: gate === 'plan' ? 'plan' : 'merge', hash },
        kind: kind as RecordedDecision['kind'],
        comment: 'because',
        person: 'me',
        device: null,
        channel: 'cli',
        at: 0,
        generation: generation++,
      });
    } else if (word.startsWith('>')) {
      const [stage = '', rounds] = word.slice(1).split('*');
      retries.push({
        jobId: 'FR-1-1',
        from: stage === '' ? null : (stage as Stage),
        rounds: rounds === undefined ? null : Number(rounds),
        comment: '',
        at: 0,
        generation: generation++,
      });
    } else {
      const match = /^([a-z]+)([!~?]?)(.*)$/.exec(word);
      const stage = (match?.[1] ?? 'code') as Stage;
      const mark = match?.[2] ?? '';
      const status = mark === '!' ? 'rejected' : mark === '~' ? 'interrupted' : mark === '?' ? 'failed' : 'passed';
      attempts.push({
        id: `${attempts.length}`,
        jobId: 'FR-1-1',
        stage,
        round: 0,
        number: 1,
        agent: null,
        owner: 'me',
        status,
        startedAt: 0,
        endedAt: 0,
        commit: null,
        result: null,
        evidence: [],
        error: status === 'failed' ? { code: match?.[3] as ErrorCode, message: 'It failed.', hint: null } : null,
        refusedHosts: [],
        generation,
        leaseUntil: null,
        session: null,
      });
    }
  }
  return next(orderHistory(attempts, decisions, retries), { ...policy, ...overrides });
}

function told(upcoming: Next): string {
  switch (upcoming.kind) {
    case 'stage':
      return `${upcoming.stage} round ${upcoming.round} attempt ${upcoming.attempt}`;
    case 'gate':
      return `gate ${upcoming.gate}`;
    case 'human':
    case 'failed':
      return `${upcoming.kind} ${upcoming.error.code}`;
    case 'rejected':
    case 'done':
      return upcoming.kind;
  }
}

describe('what comes next', () => {
  it.each([
    ['', 'plan round 0 attempt 1'],
    ['plan', 'code round 0 attempt 1'],
    ['plan code', 'test round 0 attempt 1'],
    ['plan code test', 'review round 0 attempt 1'],
    ['plan code test review', 'deliver round 0 attempt 1'],
    ['plan code test review deliver', 'gate merge'],
    ['plan code test review deliver +approve', 'merge round 0 attempt 1'],
    ['plan code test review deliver +approve merge', 'done'],
    ['plan code test!', 'code round 1 attempt 1'],
    ['plan code test review!', 'code round 1 attempt 1'],
    ['plan code test review! code test review! code test review!', 'code round 3 attempt 1'],
    ['plan code test review! code test! code test review! code test review!', 'human stage.rounds-exhausted'],
    ['plan code test! code test! code test! code test! >', 'code round 4 attempt 1'],
    ['plan code test! code test! code test! code test! >*1 code test!', 'human stage.rounds-exhausted'],
    ['plan code test! code test! code test! code test! >*2 code test!', 'code round 5 attempt 1'],
    ['plan code?agent.timeout', 'code round 0 attempt 2'],
    ['plan code?agent.timeout code?agent.failed', 'code round 0 attempt 3'],
    ['plan code?agent.timeout code?agent.failed code?agent.failed', 'human agent.failed'],
    ['plan code?agent.usage-limit', 'code round 0 attempt 2'],
    [
      'plan code?agent.usage-limit code?agent.timeout code?agent.circuit-open code?agent.failed',
      'code round 0 attempt 5',
    ],
    ['plan code?agent.question', 'gate question'],
    ['plan code?agent.question +changes', 'code round 0 attempt 2'],
    ['plan code?agent.budget', 'gate budget'],
    ['plan code?agent.budget +approve', 'code round 0 attempt 2'],
    ['plan code?agent.budget +approve code test review deliver', 'gate merge'],
    ['plan code?agent.budget +reject', 'rejected'],
    ['plan code?agent.no-change', 'human agent.no-change'],
    ['plan code?agent.no-change >', 'code round 0 attempt 1'],
    ['plan code?vault.fr-not-found', 'failed vault.fr-not-found'],
    ['plan code~ code~', 'code round 0 attempt 3'],
    [`plan ${'code~ '.repeat(10)}`, 'human stage.crash-loop'],
    ['plan code test review deliver +changes', 'code round 1 attempt 1'],
    ['plan code test review deliver +reject', 'rejected'],
    ['plan code test review deliver +approve merge!', 'code round 1 attempt 1'],
    ['plan code test review deliver +approve merge! code test review deliver', 'gate merge'],
    ['plan code test review deliver +approve merge~', 'merge round 0 attempt 2'],
    ['plan code test review deliver +approve merge?git.failed', 'merge round 0 attempt 2'],
    ['plan code test review deliver >deliver', 'deliver round 0 attempt 1'],
  ])('after "%s" comes %s', (history, expected) => {
    expect(told(story(history))).toBe(expected);
  });

  it('asks for the plan where policy says so, once', () => {
    expect(told(story('plan', { planGate: true }))).toBe('gate plan');
    expect(told(story('plan +approve@plan', { planGate: true }))).toBe('code round 0 attempt 1');
    expect(told(story('plan +changes@plan', { planGate: true }))).toBe('plan round 0 attempt 1');
    expect(told(story('plan +approve@plan code test review!', { planGate: true }))).toBe('code round 1 attempt 1');
  });

  it('skips the stages that policy leaves out', () => {
    const stages: Stage[] = ['code', 'test', 'deliver', 'merge'];
    expect(told(story('', { stages }))).toBe('code round 0 attempt 1');
    expect(told(story('code test', { stages }))).toBe('deliver round 0 attempt 1');
  });

  it('hands the refusal to the fix round, and a comment beside it', () => {
    const upcoming = story('plan code test review! code test review deliver +changes');
    expect(upcoming.kind === 'stage' && upcoming.feedback).toEqual([{ kind: 'comment', comment: 'because' }]);
  });

  it('gives a person’s changes a full budget of rounds', () => {
    const three = 'plan code test! code test! code test! code test review deliver +changes';
    expect(told(story(`${three} code test!`))).toBe('code round 5 attempt 1');
  });
});

import { describe, expect, it } from 'vitest';
import type { Stage } from '../../shared/domain/stage.ts';
import { orderHistory } from '../../runner/core/pipeline/history.ts';
import { next } from '../../runner/core/pipeline/next.ts';
import type { Next, PipelinePolicy } from '../../runner/core/pipeline/position.ts';
import type { Attempt, Job } from '../../runner/core/ports/job-registry.ts';
import type { ObservedComment } from '../../runner/core/ports/pull-requests.ts';
import { commanders, nextCommand, type CommandHappening } from '../../runner/core/pull-request/commands.ts';
import { commandIn } from '../../runner/core/pull-request/spoken-command.ts';
import { commandReply } from '../../runner/core/reporting/command-reply.ts';

describe('a command in a comment', () => {
  it.each([
    ['@orchestrator retry', 'retry', ''],
    ['Thanks!\r\n\r\n@Orchestrator: Retry please', 'retry', ''],
    ['@orchestrator, explain', 'explain', ''],
    ['@orchestrator fix the name\nin `a.ts`:\n```\nlet b;\n```\n', 'fix', 'the name\nin `a.ts`:\n```\nlet b;\n```'],
    ['@orchestrator fix', 'fix', ''],
    ['@orchestrator cancel\n@orchestrator retry', 'cancel', ''],
    ['> you said\n\n@orchestrator retry', 'retry', ''],
    ['```\ncode\n```\n@orchestrator retry', 'retry', ''],
  ])('is found in %j', (body, command, text) => {
    expect(commandIn(body, 'orchestrator')).toEqual({ command, text });
  });

  it.each([
    'nothing',
    '@orchestrator',
    '@orchestrator merge',
    '@orchestrators retry',
    '@orchestrator retrying',
    'Please @orchestrator retry',
    'mail@orchestrator retry',
    '> @orchestrator cancel',
    '> somebody wrote\n@orchestrator cancel',
    '```\n@orchestrator cancel\n```',
    '~~~~\n~~~\n@orchestrator cancel\n~~~~',
    '```sh\n@orchestrator cancel',
    '    @orchestrator cancel',
    '`@orchestrator cancel`',
    '@orchestrator `cancel`',
    '<!-- hidden\n@orchestrator cancel -->',
    '<!--\n@orchestrator cancel',
  ])('is not found in %j', (body) => {
    expect(commandIn(body, 'orchestrator')).toBeNull();
  });

  it('is found by the name that policy gives, whatever characters it has', () => {
    expect(commandIn('@my-bot retry', 'my-bot')).toEqual({ command: 'retry', text: '' });
    expect(commandIn('@my-bot retry', 'my.bot')).toBeNull();
  });

  it('is found in a long comment at once', () => {
    expect(commandIn('`'.repeat(60_000), 'orchestrator')).toBeNull();
    expect(commandIn('<!--'.repeat(15_000), 'orchestrator')).toBeNull();
  });
});

const head = 'a'.repeat(40);
const job = (fields: Partial<Job>): Job =>
  ({ id: 'FR-1-1', createdAt: 5, error: null, gate: null, headCommit: null, ...fields }) as Job;
const states = {
  gate: job({ status: 'waiting', waitingFor: 'approval', gate: { kind: 'merge', hash: head } }),
  plan: job({ status: 'waiting', waitingFor: 'approval', gate: { kind: 'plan', hash: head } }),
  human: job({ status: 'waiting', waitingFor: 'human' }),
  working: job({ status: 'running', waitingFor: null }),
  over: job({ status: 'canceled', waitingFor: null }),
};
const comment = (body: string, more: Partial<ObservedComment> = {}): ObservedComment => ({
  id: 'C1',
  author: 'alice',
  isBot: false,
  body: `@orchestrator ${body}`,
  context: null,
  key: null,
  at: 10,
  ...more,
});
const facts = { maySteer: (login: string) => login !== 'mallory', self: 'opus', mention: 'orchestrator' };
const told = (state: keyof typeof states, comments: readonly ObservedComment[]): unknown => {
  const found = nextCommand(states[state], comments, [], facts);
  return found === null ? null : [found.key, found.happening.command, found.happening.taken];
};

describe('commands are taken up', () => {
  it.each([
    ['gate', 'retry', false],
    ['human', 'retry', true],
    ['working', 'retry', false],
    ['gate', 'fix it', true],
    ['gate', 'fix', false],
    ['human', 'fix it', true],
    ['plan', 'fix it', false],
    ['working', 'cancel', true],
    ['gate', 'cancel', true],
    ['working', 'explain', true],
  ] as const)('at %s: %s, taken: %s', (state, body, taken) => {
    expect(told(state, [comment(body)])).toEqual(['command:C1', body.split(' ')[0], taken]);
  });

  it('leaves a wish to fix for when the job is at rest, and hears what comes after it', () => {
    expect(told('working', [comment('fix it')])).toBeNull();
    expect(told('working', [comment('fix it'), comment('explain', { id: 'C2' })])).toEqual([
      'command:C2',
      'explain',
      true,
    ]);
  });

  it.each([
    ['a stranger', comment('cancel', { author: 'mallory' })],
    ['ourselves', comment('cancel', { author: 'opus' })],
    ['a program', comment('cancel', { isBot: true })],
    ['an answer of ours', comment('cancel', { key: 'k' })],
    ['who spoke before the job began', comment('cancel', { at: 4 })],
  ])('not from %s', (_who, said) => {
    expect(told('gate', [said])).toBeNull();
  });

  it('once, and not of a job that is over', () => {
    const first = nextCommand(states.gate, [comment('explain')], [], facts);
    if (first === null) throw new Error('Nothing was taken up.');
    const recorded = [{ jobId: 'FR-1-1', ...first, at: 0, generation: 0 }];
    expect(nextCommand(states.gate, [comment('cancel now')], recorded, facts)).toBeNull();
    expect(told('over', [comment('explain')])).toBeNull();
  });

  it('after asking of those alone who say something to us', () => {
    const said = [
      comment('retry'),
      comment('x', { author: 'bob', body: 'fine' }),
      comment('retry', { author: 'carol' }),
    ];
    expect(commanders(said, 'orchestrator')).toEqual(['alice', 'carol']);
  });
});

const policy: PipelinePolicy = {
  stages: ['code', 'deliver', 'merge'],
  rounds: 1,
  attempts: 1,
  crashes: 10,
  planGate: false,
  checkRounds: 1,
  remarkRounds: 1,
  ciGate: false,
  approvals: 1,
};

function after(stages: readonly [Stage, 'passed' | 'failed'][], ...happenings: readonly CommandHappening[]): Next {
  const attempts = stages.map(
    ([stage, status], index) =>
      ({
        id: `a${index}`,
        jobId: 'FR-1-1',
        stage,
        status,
        round: 0,
        number: 1,
        result: {},
        evidence: [],
        error: status === 'failed' ? { code: 'internal.unexpected', message: 'It broke.', hint: null } : null,
        generation: 0,
      }) as unknown as Attempt,
  );
  const recorded = happenings.map((happening, generation) => ({
    jobId: 'FR-1-1',
    key: `k${generation}`,
    happening,
    at: 0,
    generation,
  }));
  return next(orderHistory(attempts, [], [], recorded), policy);
}

const given = (command: CommandHappening['command'], taken = true, text = ''): CommandHappening => ({
  kind: 'command',
  command,
  text,
  comment: 'C1',
  author: 'alice',
  taken,
});
const delivered = [
  ['code', 'passed'],
  ['deliver', 'passed'],
] as const;

describe('what follows from a command', () => {
  it('fix: the coder gets it as a remark, as often as remarks are taken up', () => {
    const fixing = after(
      [...delivered.map(([stage, status]): [Stage, 'passed'] => [stage, status])],
      given('fix', true, 'Rename it.'),
    );
    expect(fixing).toMatchObject({
      kind: 'stage',
      stage: 'code',
      round: 1,
      feedback: [{ kind: 'remarks', remarks: [{ author: 'alice', body: 'Rename it.', id: 'C1' }] }],
    });
    const again = after(
      [
        ['code', 'passed'],
        ['deliver', 'passed'],
      ],
      given('fix', true, 'x'),
      given('fix', true, 'y'),
    );
    expect(again).toMatchObject({ kind: 'human', error: { code: 'stage.rounds-exhausted' } });
  });

  it('retry: a stopped stage is tried again', () => {
    expect(after([['code', 'failed']])).toMatchObject({ kind: 'human' });
    expect(after([['code', 'failed']], given('retry'))).toMatchObject({ kind: 'stage', stage: 'code' });
  });

  it('cancel: the job is given up, its note parked', () => {
    expect(after([['code', 'passed']], given('cancel'))).toMatchObject({ kind: 'rejected', parks: true });
  });

  it('explain, and what could not be done: nothing', () => {
    const before = after([['code', 'failed']]);
    expect(after([['code', 'failed']], given('explain'), given('retry', false), given('fix', false, 'x'))).toEqual(
      before,
    );
  });
});

describe('an answer', () => {
  it('says where the job stands, why, and what its tests came to, in commands of this installation', () => {
    const stopped = {
      ...states.human,
      headCommit: head,
      branch: 'opus/FR-1-1',
      error: {
        code: 'stage.rounds-exhausted',
        message: 'Three rounds were not enough.',
        hint: 'opus job retry FR-1-1',
      },
    } as Job;
    const tested = {
      stage: 'test',
      status: 'rejected',
      round: 1,
      evidence: [{ argv: ['npm', 'test'], exitCode: 1, commit: head, durationMs: 2000 }],
    } as unknown as Attempt;
    const text = commandReply(given('explain'), stopped, [tested], 'npx opus');
    expect(text).toContain('**FR-1-1** is waiting for a person.');
    expect(text).toContain('npx opus job retry FR-1-1');
    expect(text).toContain('`npm test` → exit 1');
    expect(commandReply(given('retry', false), states.gate, [], 'opus')).toMatch(
      /^There is nothing to retry[\s\S]*approval/,
    );
  });
});

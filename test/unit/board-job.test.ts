import { describe, expect, it } from 'vitest';
import { boardJob, type BoardJob } from '../../shared/protocol/board.ts';
import type { Attempt, Job, RegistryEvent, RegistryReader, UsageTotal } from '../../runner/core/ports/job-registry.ts';
import { checkedEvent, checkStateOf } from '../../runner/core/pull-request/check-state.ts';
import { boardJobOf } from '../../runner/core/reporting/board-job.ts';
import { aJob, anAttempt } from '../support/records.ts';

interface Known {
  readonly attempts?: readonly Attempt[];
  readonly events?: readonly Pick<RegistryEvent, 'type' | 'data'>[];
  readonly usage?: readonly Partial<UsageTotal>[];
}

/** Of a registry that says only this of the job, and counts how often it is asked. */
function shown(job: Partial<Job>, known: Known = {}): BoardJob & { readonly reads: readonly string[] } {
  const reads: string[] = [];
  const read = <Value>(what: string, value: Value): Value => {
    reads.push(what);
    return value;
  };
  const usage = { input: 10, cacheRead: 0, cacheWrite: 0, output: 5 };
  const totals = (known.usage ?? []).map((total): UsageTotal => ({
    ...{ agent: 'coder', model: 'm', responses: 1, estimated: 0, usage, cost: 0, unpriced: 0, subscription: 0 },
    shares: [],
    ...total,
  }));
  const events = (known.events ?? []).map((event, at): RegistryEvent => ({
    seq: at + 1,
    at: 1,
    jobId: 'FR-1-1',
    ...event,
  }));
  const registry: Pick<RegistryReader, 'attempts' | 'usage' | 'decisions' | 'events'> = {
    attempts: () => read('attempts', [...(known.attempts ?? [])]),
    usage: () => read('usage', totals),
    decisions: () => read('decisions', []),
    events: () => read('events', events),
  };
  const document = boardJobOf({ registry, reportsFolder: '20_runs' }, aJob(job), 5_000);
  return { ...boardJob.parse(document), reads };
}

const evidence = { argv: ['npm', 'test'], exitCode: 0, commit: 'c1', durationMs: 5, tail: 'all is well' };
const review = { verdict: 'fail', confidence: 80, summary: 'Not yet.', issues: [{ severity: 'major', message: 'no' }] };
const error = { code: 'agent.failed', message: 'The agent ended with 1.', hint: null } as const;

describe('a job on a board', () => {
  it('names what it is of, and where to read on', () => {
    expect(shown({ priority: 'P0', repository: 'web' })).toMatchObject({
      job: 'FR-1-1',
      title: 'Dispatch: one click',
      priority: 'P0',
      repository: 'web',
      notePath: '10_features/FR-1.md',
      reportPath: '20_runs/FR-1-1.md',
    });
  });

  it('reads each part of the registry once', () => {
    expect(shown({}).reads.toSorted()).toEqual(['attempts', 'decisions', 'events', 'usage']);
  });

  it('shows what it is at and since when, and whose turn it is', () => {
    const done = anAttempt({ status: 'passed', endedAt: 50, agent: 'coder' });
    const working = anAttempt({ id: 'r', stage: 'review', round: 1, agent: 'critic', startedAt: 100 });
    expect(shown({ agent: 'critic' }, { attempts: [done, working] })).toMatchObject({
      stage: { name: 'review', round: 1, startedAt: 100 },
      agent: 'critic',
    });
    expect(shown({ agent: 'next' }, { attempts: [done] })).toMatchObject({ stage: null, agent: 'next' });
  });

  it('shows the last review, also while the next one goes on', () => {
    const first = anAttempt({ id: 'r0', stage: 'review', status: 'rejected', endedAt: 9, result: review });
    const second = anAttempt({ id: 'r1', stage: 'review', round: 1 });
    expect(shown({}, { attempts: [first, second] }).review).toEqual({
      verdict: 'fail',
      confidence: 80,
      summary: 'Not yet.',
      issues: 1,
    });
    expect(shown({}, { attempts: [second] }).review).toBeNull();
  });

  it('shows the last tests, without what they printed', () => {
    const passed = anAttempt({ id: 't0', stage: 'test', status: 'passed', endedAt: 9, evidence: [evidence] });
    const failed = { ...evidence, exitCode: 1, commit: 'c2' };
    const rejected = anAttempt({
      id: 't1',
      stage: 'test',
      round: 1,
      status: 'rejected',
      endedAt: 9,
      evidence: [failed],
    });
    const board = shown({}, { attempts: [passed, rejected] });
    expect(board.tests).toEqual({ passed: false, commands: 1, commit: 'c2' });
    expect(board.stages.flatMap((stage) => stage.evidence ?? []).map(({ exitCode, tail }) => [exitCode, tail])).toEqual(
      [
        [0, ''],
        [1, ''],
      ],
    );
    // Where nothing is configured to be run, nothing was tested.
    expect(shown({}, { attempts: [anAttempt({ stage: 'test', status: 'passed', endedAt: 9 })] }).tests).toBeNull();
  });

  it('shows the size that a stage found last', () => {
    const coded = (id: string, size: unknown): Attempt =>
      anAttempt({ id, status: 'passed', result: { summary: 's', size } });
    const small = coded('a', { files: 1, added: 2, removed: 3 });
    const large = coded('b', { files: 4, added: 5, removed: 6 });
    const later = anAttempt({ id: 'r', stage: 'review', result: review });
    expect(shown({}, { attempts: [small, large, later] }).size).toEqual({ files: 4, added: 5, removed: 6 });
    // As attempts were recorded before.
    expect(shown({}, { attempts: [coded('a', undefined)] }).size).toBeNull();
  });

  it('shows the checks of its own commit only, as they were told last', () => {
    const told = (commit: string, state: string, failed: string[] = []) => ({
      type: checkedEvent,
      data: { commit, state, failed },
    });
    const events = [told('c1', 'pending'), told('c1', 'failing', ['build']), told('c2', 'pending')];
    expect(shown({ headCommit: 'c1' }, { events }).checks).toEqual({ state: 'failing', failed: ['build'] });
    expect(shown({ headCommit: 'c2' }, { events }).checks).toEqual({ state: 'pending', failed: [] });
    expect(shown({ headCommit: 'c3' }, { events }).checks).toBeNull();
  });

  it.each([
    ['what was paid', [{ cost: 0.5 }, { cost: 0.25 }], 0.75],
    ['nothing where a subscription pays', [{ subscription: 15 }], 0],
    ['not a part where a price is missing', [{ cost: 0.5 }, { unpriced: 15 }], null],
    ['not a sum where nothing was counted', [], null],
  ])('costs %s', (_what, usage, dollars) => {
    expect(shown({}, { usage }).dollars).toBe(dollars);
  });
});

describe('why a job waits', () => {
  it.each([
    ['', { status: 'running' }],
    ['', { status: 'running', error }],
    ['', { status: 'succeeded' }],
    ['It waits for a free place among the agents.', { status: 'queued' }],
    ['It waits for a free place among the agents.', { status: 'waiting', waitingFor: 'slot' }],
    ['The agent ended with 1.', { status: 'waiting', waitingFor: 'human', error }],
    ['The agent ended with 1.', { status: 'failed', error }],
    [
      'Its merge waits for your decision.',
      { status: 'waiting', waitingFor: 'approval', gate: { kind: 'merge', hash: 'abcdef01' } },
    ],
    ['A person paused it.', { status: 'paused', pausedBy: 'person' }],
    ['It made room for a more urgent job.', { status: 'paused', pausedBy: 'preemption' }],
    ['', { status: 'canceled' }],
  ] satisfies [string, Partial<Job>][])('reads: %s', (sentence, job) => {
    expect(shown(job).sentence).toBe(sentence);
  });

  it('is the question where an agent asks one, with all of the hash that the answer is bound to', () => {
    const hash = '0123456789abcdef';
    const asked = { ...error, code: 'agent.question' as const, message: 'Which colour?' };
    const waiting = { status: 'waiting', waitingFor: 'question', error: asked } as const;
    expect(shown({ ...waiting, gate: { kind: 'question', hash } })).toMatchObject({
      question: 'Which colour?',
      gate: 'question@01234567',
      gateHash: hash,
    });
    expect(shown({ status: 'waiting', waitingFor: 'human', error }).question).toBeNull();
  });
});

describe("a forge's checks", () => {
  const check = (name: string, state: 'pending' | 'passed' | 'failed' | 'skipped') => ({ name, state });
  it.each([
    [[], null],
    [[check('a', 'passed'), check('b', 'skipped')], { state: 'passing', failed: [] }],
    [[check('a', 'passed'), check('b', 'pending')], { state: 'pending', failed: [] }],
    [[check('a', 'failed'), check('b', 'pending')], { state: 'failing', failed: ['a'] }],
  ])('of %j are told as one', (checks, state) => {
    expect(checkStateOf(checks)).toEqual(state);
  });
});

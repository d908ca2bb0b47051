import { describe, expect, it } from 'vitest';
import type { BoardJob } from '../../shared/protocol/board.ts';
import type { Role } from '../../shared/protocol/roles.ts';
import { connectionLine, isDead } from '../../shared/view-model/connection-line.ts';
import { noticeOf } from '../../shared/view-model/notices.ts';
import { emptyState, type RunnerState } from '../../shared/view-model/runner-state.ts';
import { headCount, sidebarModel, spendingLine, type SidebarModel } from '../../shared/view-model/sidebar-model.ts';
import { boardJob, runnerStatus } from '../support/wire-lab.ts';

const now = 10 * 86_400_000;
const hash = '1234e567'.repeat(8);
const hello: NonNullable<RunnerState['hello']> = {
  ...{
    role: 'operator',
    person: 'ada',
    device: 'laptop',
    runnerName: 'desk',
    runnerVersion: '1',
    vaultWriter: 'runner',
  },
};

function stateOf(jobs: readonly BoardJob[], change: Partial<RunnerState> = {}): RunnerState {
  return {
    ...emptyState,
    connection: { kind: 'connected', since: 0 },
    hello,
    runner: runnerStatus,
    jobs: new Map(jobs.map((job) => [job.job, job])),
    ...change,
  };
}

describe('the connection', () => {
  const lost = { kind: 'lost', since: 0, nextTryAt: now + 12_000, tries: 3 } as const;
  it.each<[string, RunnerState['connection'], RegExp, string | null]>([
    ['is not paired', { kind: 'unpaired' }, /No runner is paired.*opus pair/, 'pair'],
    ['is being made', { kind: 'connecting', since: 0 }, /^Connecting to desk\.$/, null],
    ['is there', { kind: 'connected', since: 0 }, /^Connected to desk\.$/, null],
    ['broke just now', { ...lost, lastHeardAt: now - 1_000 }, /^Connecting to desk again\.$/, null],
    [
      'is gone',
      { ...lost, lastHeardAt: now - 180_000 },
      /^Desk does not answer\. It was last heard 3m ago\..*opus status.*tried again in 12s\.$/,
      'try-again',
    ],
    [
      'never was',
      { ...lost, lastHeardAt: null, nextTryAt: now },
      /^Desk does not answer\. .*tried now\.$/,
      'try-again',
    ],
    [
      'is refused',
      { kind: 'refused', reason: 'unauthorized', sentence: 'Not known.' },
      /^Not known\. .*opus pair/,
      'pair',
    ],
    ['is too old', { kind: 'refused', reason: 'version', sentence: 'Too old.' }, /^Too old\. Update/, 'try-again'],
    ['goes nowhere', { kind: 'refused', reason: 'address', sentence: 'No address.' }, /^No address\. Correct/, 'pair'],
  ])('that %s is said with what to do', (_how, connection, words, action) => {
    const line = connectionLine(stateOf([], { connection }), now);
    expect([line.sentence, line.todo].filter((each) => each !== null).join(' ')).toMatch(words);
    expect(line.action).toBe(action);
  });

  it('says who may do what', () => {
    const state = stateOf([]);
    expect(connectionLine(state, now).allowed).toBe(
      'ada on laptop may start, pause, answer and cancel, and leaves decisions to others.',
    );
    expect(connectionLine({ ...state, hello: null }, now).allowed).toBeNull();
  });

  it('is dead once a short break is over', () => {
    const state = stateOf([], { connection: { ...lost, lastHeardAt: now - 10_000 } });
    expect(isDead(state, now - 8_000)).toBe(false);
    expect(isDead(state, now)).toBe(true);
    expect(isDead(stateOf([]), now)).toBe(false);
  });
});

describe('the sidebar', () => {
  const gate = { status: 'waiting', waitingFor: 'approval', gate: 'merge@1234e567', gateHash: hash } as const;
  const jobs = [
    boardJob('FR-1-1', { ...gate, priority: 'P2' }),
    boardJob('FR-2-1', { ...gate, priority: 'P0' }),
    boardJob('FR-3-1', { status: 'waiting', waitingFor: 'human', sentence: 'It broke.' }),
    boardJob('FR-4-1', { status: 'failed', updatedAt: now - 1_000 }),
    boardJob('FR-5-1', { status: 'failed', updatedAt: now - 2_000, createdAt: 1 }),
    boardJob('FR-5-2', { status: 'running', createdAt: 2, stage: { name: 'test', round: 1, startedAt: now - 60_000 } }),
    boardJob('FR-6-1', { status: 'failed', updatedAt: now - 2 * 86_400_000 }),
    boardJob('FR-7-1', { status: 'queued', createdAt: 5 }),
    boardJob('FR-8-1', { status: 'waiting', waitingFor: 'dependency', createdAt: 4 }),
    boardJob('FR-9-1', { status: 'paused', pausedBy: 'person' }),
    boardJob('FR-10-1', { status: 'succeeded', updatedAt: now }),
    boardJob('FR-11-1', { status: 'canceled', updatedAt: now - 5_000 }),
  ];
  const model = sidebarModel(stateOf(jobs, { clockOffset: 5_000 }), now);
  const idsOf = (rows: readonly { readonly job: BoardJob }[]): string[] => rows.map(({ job }) => job.job);

  it('puts every job where it belongs, in its order', () => {
    expect({
      asking: idsOf(model.asking),
      failures: idsOf(model.failures),
      running: idsOf(model.running),
      queue: idsOf(model.queue),
      paused: idsOf(model.paused),
      finished: idsOf(model.finished),
    }).toEqual({
      asking: ['FR-2-1', 'FR-1-1'],
      failures: ['FR-4-1', 'FR-3-1'],
      running: ['FR-5-2'],
      queue: ['FR-8-1', 'FR-7-1'],
      paused: ['FR-9-1'],
      finished: ['FR-10-1', 'FR-5-1', 'FR-11-1', 'FR-6-1'],
    });
    expect(headCount(stateOf(jobs))).toEqual({ running: 1, asking: 3 });
  });

  it('says what a decision is bound to, what broke, and how far a job is by the clock of the runner', () => {
    expect(model.asking[0]?.gate).toMatchObject({ kind: 'merge', shortHash: '1234e567', hash });
    expect(model.failures[1]).toMatchObject({ sentence: 'It broke.', canRetry: true });
    expect(model.running[0]).toMatchObject({ stage: 'Test, round 1', elapsed: '1m 05s' });
    expect(model.isStale).toBe(false);
  });

  it('offers no more than the role allows', () => {
    expect(model.asking[0]?.actions.map(({ name }) => name)).not.toContain('approve');
    const viewer = sidebarModel(stateOf(jobs, { hello: { ...hello, role: 'viewer' }, untrusted: 1 }), now);
    expect(viewer.failures[0]?.canRetry).toBe(false);
    expect(viewer.pause).toMatchObject({ mode: 'no', mayPause: false });
    expect(viewer.untrusted).toMatchObject({ count: 1, mayConfirm: false });
  });

  it('says what keeps the runner from working', () => {
    const runner = {
      ...runnerStatus,
      paused: 'draining' as const,
      running: 1,
      watching: false,
      problems: [{ code: 'a', message: 'The vault is gone.', hint: 'Mount it.' }],
      circuits: [
        { kind: 'agent' as const, name: 'coder', state: 'open' as const, until: now + 60_000 },
        { kind: 'forge' as const, name: 'github', state: 'closed' as const, until: null },
      ],
    };
    const { problems, pause, untrusted } = sidebarModel(stateOf([], { runner, untrusted: 2 }), now);
    expect(problems).toEqual([
      'The vault is gone. Mount it.',
      'The agent coder fails again and again. It rests for 1m 00s.',
      'Changes of notes are not told here, so they are seen only now and then.',
    ]);
    expect(pause).toEqual({
      mode: 'draining',
      sentence: 'Nothing new starts. 1 job still goes on to the end.',
      mayPause: true,
      mayResume: true,
    });
    expect(untrusted?.sentence).toBe(
      '2 agent or policy notes changed and are not in force before an admin confirms them.',
    );
  });

  it('offers what a person can do about a problem in a place of its own, by role', () => {
    const backlog = 'Planned when this vault was first seen, and waiting for your word: FR-1.';
    const runner = {
      ...runnerStatus,
      problems: [
        { code: 'health.backlog', message: backlog, hint: 'Start them with: opus fr dispatch --all' },
        { code: 'config.untrusted', message: 'coder.md is changed.', hint: 'Look with: opus trust' },
      ],
    };
    const seenBy = (role: Role): SidebarModel =>
      sidebarModel(stateOf([], { runner, untrusted: 1, hello: { ...hello, role } }), now);
    expect(seenBy('operator').problems).toEqual([]);
    expect(seenBy('operator').backlog).toEqual({ sentence: backlog, mayStart: true });
    expect(seenBy('viewer').backlog).toEqual({ sentence: backlog, mayStart: false });
  });

  it.each<[Parameters<typeof spendingLine>[0], string, number | null, boolean]>([
    [{ dollars: 1.2, tokens: 5_000, budget: null }, '$1.20, 5.0k tokens today', null, false],
    [{ dollars: null, tokens: 10, budget: null }, '10 tokens today', null, false],
    [{ dollars: 2.5, tokens: 10, budget: { dollars: 5, tokens: null } }, '$2.50 of $5.00, 10 tokens today', 0.5, false],
    [
      { dollars: 1, tokens: 90, budget: { dollars: 5, tokens: 100 } },
      '$1.00 of $5.00, 90 of 100 tokens today',
      0.9,
      false,
    ],
    [{ dollars: 7, tokens: 0, budget: { dollars: 5, tokens: null } }, '$7.00 of $5.00, 0 tokens today', 1, true],
    [{ dollars: 0, tokens: 0, budget: { dollars: 0, tokens: null } }, '$0.00 of $0.00, 0 tokens today', 1, true],
  ])('says of spending %j: %s', (spending, text, share, isSpent) => {
    expect(spendingLine(spending)).toEqual({ text, share, isSpent });
  });

  it('is there before anything is known', () => {
    expect(sidebarModel(emptyState, now)).toMatchObject({ isStale: true, asking: [], spending: null, pause: null });
  });
});

describe('a notice', () => {
  const event = (type: string, data: Record<string, unknown> = {}, jobId: string | null = 'FR-1-1') => ({
    ...{ seq: 1, at: 0, type, jobId, data },
  });
  const asking = boardJob('FR-1-1', {
    status: 'waiting',
    waitingFor: 'approval',
    gate: 'merge@1234e567',
    gateHash: hash,
  });
  const broken = boardJob('FR-1-1', { status: 'waiting', waitingFor: 'human', sentence: 'It broke' });
  it.each<[string, ReturnType<typeof event>, BoardJob | null, string | null]>([
    [
      'a decision',
      event('approval.requested', { hash }),
      asking,
      'decision: FR-1 Request FR-1 asks for a decision about the commit 1234e567.',
    ],
    ['a decision that was made', event('approval.requested', { hash }), boardJob('FR-1-1'), null],
    ['a decision about something older', event('approval.requested', { hash: 'f'.repeat(64) }), asking, null],
    [
      'a question',
      event('approval.requested', { hash }),
      { ...asking, gate: 'question@1234e567', question: 'Which colour?' },
      'decision: FR-1 Request FR-1 asks: Which colour?',
    ],
    ['a job that is not known', event('approval.requested', { hash }), null, 'decision: FR-1-1 asks for a decision.'],
    [
      'a need',
      event('job.waiting', { waitingFor: 'human' }),
      broken,
      'failure: FR-1 Request FR-1 needs a person: It broke.',
    ],
    ['a need that is over', event('job.waiting', { waitingFor: 'human' }), boardJob('FR-1-1'), null],
    ['a wait', event('job.waiting', { waitingFor: 'slot' }), asking, null],
    [
      'a failure',
      event('job.failed', { error: { message: 'Gone.' } }),
      broken,
      'failure: FR-1 Request FR-1 failed: Gone.',
    ],
    ['an end', event('job.succeeded'), boardJob('FR-1-1'), 'finished: FR-1 Request FR-1 is done.'],
    ['a start', event('job.started'), boardJob('FR-1-1'), null],
    ['what nobody knows', event('job.levitated'), boardJob('FR-1-1'), null],
    ['an event of no job', event('job.succeeded', {}, null), null, null],
  ])('of %s', (_what, happened, job, expected) => {
    const notice = noticeOf(happened, job);
    expect(notice === null ? null : `${notice.kind}: ${notice.sentence}`).toBe(expected);
  });
});

import { describe, expect, it } from 'vitest';
import type { BoardJob } from '../../shared/protocol/board.ts';
import { roles, type Role } from '../../shared/protocol/roles.ts';
import { actionsOf } from '../../shared/view-model/job-actions.ts';
import { jobCardModel } from '../../shared/view-model/job-card-model.ts';
import { statusWord, waitSentence } from '../../shared/view-model/job-words.ts';
import { gateOf } from '../../shared/view-model/shown-gate.ts';
import { stageLine, stageProgress } from '../../shared/view-model/stage-progress.ts';
import { dollars, elapsed, relativeTime, sentenceCase, sizeText, tokens } from '../../shared/view-model/formats.ts';
import { boardJob } from '../support/wire-lab.ts';

const hash = '1234e567'.repeat(8);
const atGate = (kind: string): Partial<BoardJob> => ({
  status: 'waiting',
  waitingFor: 'approval',
  gate: `${kind}@1234e567`,
  gateHash: hash,
});
const merged = { url: 'https://example.com/pull/7', number: 7, state: 'merged' as const };

describe('formats', () => {
  it.each([
    [-5, '0s'],
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m 00s'],
    [245_000, '4m 05s'],
    [3_600_000, '1h 00m'],
    [7_800_000, '2h 10m'],
    [86_400_000, '1d 0h'],
    [273_600_000, '3d 4h'],
  ])('%i ms are %s', (milliseconds, text) => {
    expect(elapsed(milliseconds)).toBe(text);
  });

  it.each([
    [0, 'just now'],
    [-59_000, 'just now'],
    [-61_000, '1m ago'],
    [-7_300_000, '2h ago'],
    [30_000, 'in 30s'],
    [90_000, 'in 1m'],
  ])('%i ms from now is %s', (distance, text) => {
    expect(relativeTime(1_000_000_000 + distance, 1_000_000_000)).toBe(text);
  });

  it('writes money, tokens, sizes and names', () => {
    expect([0, 0.004, 0.42, 12].map(dollars)).toEqual(['$0.00', '<$0.01', '$0.42', '$12.00']);
    expect([999, 1_000, 9_949, 9_950, 999_499, 999_500, 2_500_000].map(tokens)).toEqual([
      ...['999', '1.0k', '9.9k', '10k', '999k', '1.0M', '2.5M'],
    ]);
    expect(sizeText({ files: 1, added: 3, removed: 0 })).toBe('1 file, +3 −0');
    expect(sentenceCase('in-progress')).toBe('In progress');
  });
});

describe('a gate', () => {
  it('says what a decision is bound to, short and whole', () => {
    expect(gateOf(boardJob('FR-1-1', atGate('merge')))).toEqual({
      kind: 'merge',
      short: 'merge@1234e567',
      full: `merge@${hash}`,
      shortHash: '1234e567',
      hash,
      boundTo: 'the commit 1234e567',
    });
  });

  it.each([null, '', 'merge', 'levitate@1234e567'])('is none for %j', (gate) => {
    expect(gateOf({ gate, gateHash: null })).toBeNull();
  });
});

describe('what may be done about a job', () => {
  const names = (change: Partial<BoardJob>, role: Role | null): string[] =>
    actionsOf(boardJob('FR-1-1', change), role)
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('open-'));

  it.each<[string, Partial<BoardJob>, string[]]>([
    ['is queued', { status: 'queued' }, ['pause', 'unblock', 'cancel']],
    ['runs', { status: 'running' }, ['pause', 'cancel']],
    ['asks about its merge', atGate('merge'), ['approve', 'changes', 'reject', 'cancel']],
    ['asks about its plan', atGate('plan'), ['approve', 'changes', 'reject', 'cancel']],
    ['asks a question', { ...atGate('question'), waitingFor: 'question' }, ['answer', 'reject', 'cancel']],
    ['has spent its budget', { ...atGate('budget'), waitingFor: 'budget' }, ['approve', 'reject', 'cancel']],
    ['needs a person', { status: 'waiting', waitingFor: 'human' }, ['retry', 'cancel']],
    ['waits for another', { status: 'waiting', waitingFor: 'dependency' }, ['pause', 'unblock', 'cancel']],
    ['waits for the day to end', { status: 'waiting', waitingFor: 'budget' }, ['pause', 'cancel']],
    ['was paused', { status: 'paused', pausedBy: 'person' }, ['resume', 'cancel']],
    ['made room', { status: 'paused', pausedBy: 'preemption' }, ['pause', 'cancel']],
    ['is checked out', { status: 'paused', pausedBy: 'checkout' }, ['cancel']],
    ['failed', { status: 'failed' }, ['retry']],
    ['is merged', { status: 'succeeded', pr: merged }, ['revert']],
    ['was canceled', { status: 'canceled' }, []],
  ])('that %s', (_how, change, expected) => {
    expect(names(change, 'admin')).toEqual(expected);
    expect(names(change, null)).toEqual(expected);
    expect(names(change, 'viewer')).toEqual([]);
    const leftToApprovers = ['approve', 'changes', 'reject', 'revert'];
    expect(names(change, 'operator')).toEqual(expected.filter((name) => !leftToApprovers.includes(name)));
    expect(names(change, 'approver')).toEqual(expected);
  });

  it('is always to look at what there is', () => {
    for (const role of roles) {
      const opened = actionsOf(boardJob('FR-1-1', { commit: hash, pr: merged }), role).filter(({ name }) =>
        name.startsWith('open-'),
      );
      expect(opened.map(({ label }) => label)).toEqual([
        ...['Open note', 'Open report', 'Open output', 'Review changes', 'Open pull request'],
      ]);
    }
  });

  it('is asked about before something is lost', () => {
    const all = [atGate('merge'), { status: 'succeeded' as const }].flatMap((change) =>
      actionsOf(boardJob('FR-1-1', change), null),
    );
    expect(all.filter(({ isDestructive }) => isDestructive).map(({ name }) => name)).toEqual([
      ...['reject', 'cancel', 'revert'],
    ]);
  });
});

describe('where a job stands', () => {
  it.each<[Partial<BoardJob>, string, string]>([
    [{ status: 'queued' }, 'Queued', 'Waits for a free place among the agents.'],
    [{ stage: { name: 'code', round: 0, startedAt: 0 } }, 'Coding', ''],
    [{}, 'Running', ''],
    [atGate('merge'), 'Needs a decision', 'The merge waits for a decision.'],
    [{ ...atGate('question'), sentence: 'Which colour?' }, 'Asks a question', 'Which colour?'],
    [{ status: 'waiting', waitingFor: 'human', sentence: 'It broke.' }, 'Needs a person', 'It broke.'],
    [{ status: 'waiting', waitingFor: 'disk' }, 'Waiting', 'Waits for free space on the disk.'],
    [
      { status: 'waiting', waitingFor: 'usage-limit', holdUntil: 130_000 },
      'Waiting',
      'Waits until a usage limit has passed. It goes on in 2m 00s.',
    ],
    [
      { status: 'waiting', waitingFor: 'circuit', holdUntil: 9_000 },
      'Waiting',
      'Waits for a service that fails again and again.',
    ],
    [{ status: 'paused', pausedBy: 'person' }, 'Paused', 'Paused by a person.'],
    [{ status: 'paused', pausedBy: 'checkout' }, 'Checked out', 'A person works on it in a folder.'],
    [{ status: 'succeeded', pr: merged }, 'Merged', ''],
    [{ status: 'succeeded', pr: { ...merged, state: 'open' } }, 'Done', ''],
    [
      { status: 'failed', error: { code: 'a', message: 'The repository is gone.', hint: null } },
      'Failed',
      'The repository is gone.',
    ],
    [{ status: 'canceled' }, 'Canceled', ''],
  ])('%j', (change, word, sentence) => {
    const job = boardJob('FR-1-1', change);
    expect(statusWord(job)).toBe(word);
    expect(waitSentence(job, 10_000)).toBe(sentence);
  });

  const passed = (name: 'plan' | 'code' | 'test' | 'review', round = 0): BoardJob['stages'][number] => ({
    ...{ name, status: 'passed', round, attempts: 1, durationMs: 1 },
  });
  it.each<[string, Partial<BoardJob>, string]>([
    ['nothing has begun', {}, 'waiting waiting waiting waiting waiting waiting'],
    [
      'the plan was left out',
      { stage: { name: 'code', round: 0, startedAt: 0 }, stages: [{ ...passed('code'), status: 'running' }] },
      'skipped running waiting waiting waiting waiting',
    ],
    [
      'a review sent it back',
      {
        stage: { name: 'code', round: 1, startedAt: 0 },
        stages: [passed('plan'), passed('code'), passed('test'), { ...passed('review'), status: 'rejected' }],
      },
      'done running waiting rejected waiting waiting',
    ],
    [
      'it broke',
      { status: 'waiting', stages: [passed('plan'), { ...passed('code'), status: 'failed' }] },
      'done failed waiting waiting waiting waiting',
    ],
    [
      'it is over',
      { status: 'succeeded', stages: [passed('code'), passed('test')] },
      'skipped done done skipped skipped skipped',
    ],
  ])('is told of each stage when %s', (_what, change, marks) => {
    expect(
      stageProgress(boardJob('FR-1-1', change))
        .map(({ mark }) => mark)
        .join(' '),
    ).toBe(marks);
  });

  it('counts rounds from the first that is a repair', () => {
    const stages = [{ ...passed('code'), status: 'rejected' as const }];
    expect(stageLine({ status: 'running', stages, stage: { name: 'code', round: 0, startedAt: 0 } })).toBe('Code');
    const second = { status: 'running' as const, stages, stage: { name: 'test' as const, round: 2, startedAt: 0 } };
    expect(stageLine(second)).toBe('Test, round 2');
    expect(stageProgress(second)[2]?.text).toBe('Test: at work, round 2');
  });
});

describe('a card', () => {
  it('says what is known of a job, and nothing of what is not', () => {
    const job = boardJob('FR-1-1', {
      stage: { name: 'review', round: 1, startedAt: 0 },
      tests: { passed: true, commands: 1, commit: hash },
      review: { verdict: 'fail', confidence: 82.4, summary: '', issues: 1 },
      checks: { state: 'failing', failed: ['lint', 'e2e'] },
      size: { files: 3, added: 10, removed: 2 },
      dollars: 0.42,
      weaker: ['without a cgroup'],
    });
    const card = jobCardModel(job, 65_000, 'viewer');
    expect(card.sentence).toBe('Review, round 1 for 1m 05s.');
    expect(card.facts.map(({ text, tone }) => `${tone}: ${text}`)).toEqual([
      'good: Tests passed',
      'bad: Review failed, 82 % sure, 1 issue',
      'bad: Checks failing: lint, e2e',
      'quiet: 3 files, +10 −2',
      'quiet: $0.42',
      'warning: without a cgroup',
    ]);
    expect(jobCardModel(boardJob('FR-1-1'), 0).facts).toEqual([]);
    expect(jobCardModel(boardJob('FR-1-1', { cost: '1.2M tokens' }), 0).facts).toMatchObject([{ text: '1.2M tokens' }]);
  });
});

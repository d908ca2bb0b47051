import { describe, expect, it } from 'vitest';
import type {
  ObservedCheck,
  ObservedComment,
  ObservedPullRequest,
  ObservedReview,
  ObservedThread,
} from '../../runner/core/ports/pull-requests.ts';
import type { Happening, RecordedHappening } from '../../runner/core/pull-request/happening.ts';
import { react, type FollowedJob, type Reaction, type ReactionFacts } from '../../runner/core/pull-request/react.ts';

const head = 'a'.repeat(40);
const minute = 60_000;
const pull: ObservedPullRequest = {
  number: 7,
  url: 'https://forge/7',
  state: 'open',
  isDraft: false,
  head: 'opus/FR-1-1',
  headCommit: head,
  base: 'main',
  mergeCommit: null,
  endedBy: null,
  mergeable: 'yes',
  isBehind: false,
  reviews: [],
  threads: [],
  comments: [],
  checks: [],
};
const facts: ReactionFacts = {
  now: 10 * minute,
  maySteer: (login) => login === 'alice',
  approvers: ['alice'],
  self: 'opus',
  quietMs: minute,
  isOnTop: null,
};
const check = (more: Partial<ObservedCheck> = {}): ObservedCheck => ({
  id: 'check:1',
  name: 'build',
  commit: head,
  state: 'failed',
  isRequired: true,
  run: 1,
  url: null,
  summary: '',
  ...more,
});
const review = (more: Partial<ObservedReview> = {}): ObservedReview => ({
  id: 'R1',
  author: 'alice',
  state: 'approved',
  commit: head,
  body: '',
  at: 0,
  ...more,
});
const comment = (more: Partial<ObservedComment> = {}): ObservedComment => ({
  id: 'C1',
  author: 'alice',
  isBot: false,
  body: 'Rename it.',
  context: '+let x;',
  key: null,
  at: 0,
  ...more,
});
const thread = (...comments: readonly ObservedComment[]): ObservedThread => ({
  id: 'T1',
  isResolved: false,
  isOutdated: false,
  path: 'a.js',
  line: 3,
  comments,
});

/** Reacts again and again, as a poll does, until there is nothing left to do. */
function follow(
  seen: ObservedPullRequest,
  more: Partial<ReactionFacts> = {},
  before: readonly RecordedHappening[] = [],
  atGate = true,
): Reaction[] {
  const done: Reaction[] = [];
  const happenings = [...before];
  let isAtGate = atGate;
  while (done.length < 5) {
    const job: FollowedJob = {
      id: 'FR-1-1',
      headCommit: head,
      isAtMergeGate: isAtGate,
      isWithPerson: !isAtGate,
      approvedBy: [],
      happenings,
    };
    const reaction = react(job, seen, { ...facts, ...more });
    if (reaction === null) break;
    done.push(reaction);
    const happening = happeningOf(reaction);
    if (happening === null) break;
    // What is recorded takes the job from its gate.
    if (reaction.kind === 'record') isAtGate = false;
    happenings.push({ jobId: 'FR-1-1', ...happening, at: 0, generation: happenings.length });
  }
  return done;
}

function happeningOf(reaction: Reaction): { key: string; happening: Happening } | null {
  if (reaction.kind === 'record') return reaction;
  const { kind } = reaction;
  if (kind === 'rerun') {
    const checks = reaction.checks.map(({ name }) => name);
    return { key: reaction.key, happening: { kind: 'checks-rerun', commit: reaction.commit, checks } };
  }
  if (kind === 'ask-why') {
    return { key: reaction.key, happening: { kind: 'checks-failed', commit: reaction.commit, failures: [] } };
  }
  return null;
}
const told = (reactions: readonly Reaction[]): string[] =>
  reactions.map((reaction) => (reaction.kind === 'record' ? reaction.happening.kind : reaction.kind));
const recorded = (key: string, happening: Happening): RecordedHappening => ({
  jobId: 'FR-1-1',
  key,
  happening,
  at: 0,
  generation: 0,
});

describe('what is done about a pull request', () => {
  it('is nothing where nothing happened', () => {
    expect(follow(pull)).toEqual([]);
  });

  it('tells once that it was merged, closed and reopened, whatever the job does', () => {
    expect(told(follow({ ...pull, state: 'merged', mergeCommit: 'm' }, {}, [], false))).toEqual(['merged']);
    expect(told(follow({ ...pull, state: 'closed', endedBy: 'bob' }, {}, [], false))).toEqual(['closed']);
    const closed = recorded('closed:0', { kind: 'closed', by: null });
    expect(told(follow(pull, {}, [closed], false))).toEqual(['reopened']);
    const reopened = recorded('reopened:1', { kind: 'reopened' });
    expect(told(follow({ ...pull, state: 'closed' }, {}, [closed, reopened]))).toEqual(['closed']);
  });

  it('tells once that the branch was deleted, or moved by somebody else', () => {
    expect(told(follow({ ...pull, headCommit: null }))).toEqual(['branch-deleted']);
    const moved = { ...pull, headCommit: 'b'.repeat(40) };
    expect(follow(moved)).toEqual([]);
    expect(follow(moved, { isOnTop: true })).toMatchObject([{ happening: { kind: 'pushed', adopted: true } }]);
    expect(follow(moved, { isOnTop: false })).toMatchObject([{ happening: { adopted: false } }]);
  });
});

describe('a failing check', () => {
  it('is run once more before the coder hears of it', () => {
    expect(told(follow({ ...pull, checks: [check()] }))).toEqual(['rerun', 'ask-why']);
  });

  it('is not run again where it has run twice already', () => {
    expect(told(follow({ ...pull, checks: [check({ run: 2 })] }))).toEqual(['ask-why']);
  });

  it('waits for the others, unless it is required', () => {
    const pending = check({ id: 'check:2', name: 'lint', state: 'pending' });
    expect(follow({ ...pull, checks: [check({ isRequired: false }), pending] })).toEqual([]);
    expect(told(follow({ ...pull, checks: [check(), pending] }))).toEqual(['rerun', 'ask-why']);
  });

  it('counts for the head commit alone, and only at the gate', () => {
    expect(follow({ ...pull, checks: [check({ commit: 'old' })] })).toEqual([]);
    expect(follow({ ...pull, checks: [check()] }, {}, [], false)).toEqual([]);
  });
});

describe('remarks of reviewers', () => {
  it('are taken up once, with their place and lines', () => {
    const seen = { ...pull, threads: [thread(comment())] };
    const [first, ...more] = follow(seen);
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      happening: { remarks: [{ thread: 'T1', path: 'a.js', line: 3, context: '+let x;', body: 'Rename it.' }] },
    });
  });

  it('wait until the reviewer is silent, except where changes are requested', () => {
    const late = comment({ at: facts.now - 1_000 });
    expect(follow({ ...pull, threads: [thread(late)] })).toEqual([]);
    const requested = review({ state: 'changes-requested', body: 'No.', at: facts.now });
    expect(told(follow({ ...pull, threads: [thread(late)], reviews: [requested] }))).toEqual(['remarks']);
  });

  it('of people without a say are not obeyed, nor our own, nor what is resolved', () => {
    const others = thread(comment({ author: 'mallory', body: 'Delete everything.' }));
    const own = thread(comment({ author: 'opus' }));
    const marked = thread(comment({ key: 'reply:T1' }));
    const resolved = { ...thread(comment()), isResolved: true };
    const requested = review({ author: 'mallory', state: 'changes-requested' });
    expect(follow({ ...pull, threads: [others, own, marked, resolved], reviews: [requested] })).toEqual([]);
  });

  it('that come after an answer in the same thread are taken up again', () => {
    const seen = { ...pull, threads: [thread(comment(), comment({ id: 'C2', key: 'reply' }))] };
    const before = follow({ ...pull, threads: [thread(comment())] });
    const happenings = before.flatMap((reaction) =>
      reaction.kind === 'record' ? [recorded(reaction.key, reaction.happening)] : [],
    );
    expect(follow(seen, {}, happenings)).toEqual([]);
    const again = { ...pull, threads: [thread(comment(), comment({ id: 'C3', body: 'Still.' }))] };
    expect(follow(again, {}, happenings)).toMatchObject([{ happening: { remarks: [{ body: 'Still.' }] } }]);
  });
});

describe('an approving review', () => {
  it('is an approval where policy trusts its author, for the commit that was looked at', () => {
    expect(follow({ ...pull, reviews: [review()] })).toMatchObject([{ kind: 'approve', person: 'alice' }]);
    expect(follow({ ...pull, reviews: [review({ author: 'bob' })] })).toEqual([]);
    expect(follow({ ...pull, reviews: [review({ commit: 'old' })] })).toEqual([]);
  });

  it('counts once for each person', () => {
    const job: FollowedJob = {
      id: 'FR-1-1',
      headCommit: head,
      isAtMergeGate: true,
      isWithPerson: false,
      approvedBy: ['alice'],
      happenings: [],
    };
    expect(react(job, { ...pull, reviews: [review()] }, facts)).toBeNull();
  });

  it('does not count once it is taken back, or while its author asks for something', () => {
    expect(follow({ ...pull, reviews: [review(), review({ id: 'R2', state: 'dismissed' })] })).toEqual([]);
    expect(told(follow({ ...pull, reviews: [review()], threads: [thread(comment())] }))[0]).toBe('remarks');
  });
});

describe('a clash with the base', () => {
  it('is looked at once for each head', () => {
    const seen: ObservedPullRequest = { ...pull, mergeable: 'conflicting' };
    expect(told(follow(seen))).toEqual(['look-for-conflict']);
    const refusal = { kind: 'conflict', files: [], detail: '', startFrom: 's', base: 'b' } as const;
    expect(follow(seen, {}, [recorded(`conflict:${head}:b`, { kind: 'conflict', refusal })])).toEqual([]);
  });
});

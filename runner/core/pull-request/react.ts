import type { ObservedCheck, ObservedPullRequest, ObservedReview } from '../ports/pull-requests.ts';
import type { Happening, RecordedHappening, Remark } from './happening.ts';
import { openRemarks, saidLast } from './remarks.ts';

/** A job whose pull request is open, at rest. */
export interface FollowedJob {
  readonly id: string;
  readonly headCommit: string;
  /** Whether it waits for the decision to merge. */
  readonly isAtMergeGate: boolean;
  /** Whether it waits for a person to mend it. */
  readonly isWithPerson: boolean;
  /** Who has approved this head already. */
  readonly approvedBy: readonly string[];
  /** What has been recorded of its pull request, in order. */
  readonly happenings: readonly RecordedHappening[];
}

export interface ReactionFacts {
  readonly now: number;
  /** Logins that may steer: they have write access, or policy names them. */
  readonly maySteer: (login: string) => boolean;
  /** Logins whose approving review is a decision. */
  readonly approvers: readonly string[];
  /** Our own login; what it writes is never obeyed. */
  readonly self: string | null;
  /** Milliseconds without another remark before remarks count as complete. */
  readonly quietMs: number;
  /** Whether `headCommit` of the pull request is the job's with commits on top; null when that is not known yet. */
  readonly isOnTop: boolean | null;
}

/** What is to be done about a pull request now; everything else is as it was. */
export type Reaction =
  | { readonly kind: 'record'; readonly key: string; readonly happening: Happening }
  /** Find out why these failed, and record that. */
  | {
      readonly kind: 'ask-why';
      readonly key: string;
      readonly commit: string;
      readonly checks: readonly ObservedCheck[];
    }
  | { readonly kind: 'rerun'; readonly key: string; readonly commit: string; readonly checks: readonly ObservedCheck[] }
  /** Merge the base into the head, and record the conflict where there is one. */
  | { readonly kind: 'look-for-conflict' }
  | { readonly kind: 'approve'; readonly person: string; readonly review: string };

/**
 * The one thing to do next about a pull request, by what the forge shows; null for nothing. Pure, and the same whether
 * a webhook or a poll brought the news: what was done about it before is known from what is recorded.
 */
export function react(job: FollowedJob, pull: ObservedPullRequest, facts: ReactionFacts): Reaction | null {
  const ended = endedOrMoved(job, pull, facts);
  if (ended !== undefined) return ended;
  if (!job.isAtMergeGate) return null;
  return asked(job, pull, facts) ?? failedChecks(job, pull) ?? clash(job, pull) ?? approved(job, pull, facts);
}

const endings: readonly Happening['kind'][] = ['closed', 'branch-deleted', 'reopened'];

/** Undefined when it is open and where the job left it. */
function endedOrMoved(job: FollowedJob, pull: ObservedPullRequest, facts: ReactionFacts): Reaction | null | undefined {
  const last = job.happenings.findLast(({ happening }) => endings.includes(happening.kind));
  // At its gate a job is back, whoever brought it there.
  const wasOver = last !== undefined && last.happening.kind !== 'reopened' && !job.isAtMergeGate;
  if (pull.state === 'merged') {
    const commit = pull.mergeCommit ?? pull.headCommit ?? job.headCommit;
    return once(job, `merged:${commit}`, { kind: 'merged', commit, by: pull.endedBy });
  }
  const count = job.happenings.length;
  // A forge closes what it has no branch of any more.
  if (pull.headCommit === null) {
    return wasOver ? null : record(`branch-deleted:${count}`, { kind: 'branch-deleted' });
  }
  if (pull.state === 'closed') {
    return wasOver ? null : record(`closed:${count}`, { kind: 'closed', by: pull.endedBy });
  }
  if (wasOver && job.isWithPerson) return record(`reopened:${count}`, { kind: 'reopened' });
  if (pull.headCommit === job.headCommit) return undefined;
  if (facts.isOnTop === null || !job.isAtMergeGate) return null;
  const by = null;
  const happening: Happening = { kind: 'pushed', commit: pull.headCommit, by, adopted: facts.isOnTop };
  return once(job, `pushed:${pull.headCommit}`, happening);
}

function asked(job: FollowedJob, pull: ObservedPullRequest, facts: ReactionFacts): Reaction | null {
  const remarks = openRemarks(pull, (author) => author !== facts.self && facts.maySteer(author), answeredBefore(job));
  if (remarks.length === 0) return null;
  const isSaidAtOnce = pull.reviews.some(
    (review) => review.state === 'changes-requested' && remarks.some(({ id }) => id === review.id),
  );
  if (!isSaidAtOnce && facts.now - saidLast(pull, remarks) < facts.quietMs) return null;
  const key = `remarks:${remarks
    .map(({ id }) => id)
    .sort()
    .join(',')}`;
  return record(key, { kind: 'remarks', commit: job.headCommit, remarks });
}

function answeredBefore(job: FollowedJob): ReadonlySet<string> {
  const remarks = job.happenings.flatMap(({ happening }): readonly Remark[] =>
    happening.kind === 'remarks' ? happening.remarks : [],
  );
  return new Set(remarks.map(({ id }) => id));
}

/** A check that failed once may be flaky: it is run again before the coder hears of it. */
function failedChecks(job: FollowedJob, pull: ObservedPullRequest): Reaction | null {
  const commit = job.headCommit;
  const checks = pull.checks.filter((check) => check.commit === commit);
  const failed = checks.filter(({ state }) => state === 'failed');
  const isUndecided = checks.some(({ state }) => state === 'pending') && !failed.some(({ isRequired }) => isRequired);
  if (failed.length === 0 || isUndecided || has(job, `checks:${commit}`)) return null;
  const rerun = new Set(
    job.happenings.flatMap(({ happening }) =>
      happening.kind === 'checks-rerun' && happening.commit === commit ? happening.checks : [],
    ),
  );
  const first = failed.filter(({ name, run }) => !rerun.has(name) && run <= 1);
  if (first.length > 0) return { kind: 'rerun', key: `rerun:${commit}:${rerun.size}`, commit, checks: first };
  return { kind: 'ask-why', key: `checks:${commit}`, commit, checks: failed };
}

function clash(job: FollowedJob, pull: ObservedPullRequest): Reaction | null {
  if (pull.mergeable !== 'conflicting') return null;
  const last = job.happenings.findLast(({ happening }) => happening.kind === 'conflict');
  // The round that settled the last one made another head.
  return last?.key.startsWith(`conflict:${job.headCommit}:`) === true ? null : { kind: 'look-for-conflict' };
}

/** The newest word of each person counts, and only for the commit that it was said of. */
function approved(job: FollowedJob, pull: ObservedPullRequest, facts: ReactionFacts): Reaction | null {
  const newest = new Map<string, ObservedReview>();
  for (const review of pull.reviews) {
    if (review.state !== 'commented') newest.set(review.author, review);
  }
  for (const review of newest.values()) {
    const counts = review.state === 'approved' && review.commit === job.headCommit;
    const isNews = review.author !== facts.self && !job.approvedBy.includes(review.author);
    if (counts && isNews && facts.approvers.includes(review.author)) {
      return { kind: 'approve', person: review.author, review: review.id };
    }
  }
  return null;
}

function has(job: FollowedJob, key: string): boolean {
  return job.happenings.some((recorded) => recorded.key === key);
}

function once(job: FollowedJob, key: string, happening: Happening): Reaction | null {
  return has(job, key) ? null : record(key, happening);
}

function record(key: string, happening: Happening): Reaction {
  return { kind: 'record', key, happening };
}

import type { CheckRun, CommitStatus, Protection, Pull, Repository, Review } from './records.ts';
import type { GitHubState } from './state.ts';

/** The state of one check or status on a commit, as rules look at it. */
export interface Verdict {
  readonly name: string;
  readonly state: 'pending' | 'passed' | 'failed';
}

const comparisons = new WeakMap<Repository, Map<string, Comparison>>();

export interface Comparison {
  readonly ahead: number;
  readonly behind: number;
  readonly mergeBase: string | null;
  readonly hasConflict: boolean;
}

/** What the base of an open pull request has now; what it had where it ended. */
export function baseCommitOf(pull: Pull): string | null {
  return pull.endBase ?? pull.repository.bare.branch(pull.baseRef);
}

/** Of two commits, and therefore kept for good. */
export function compare(repository: Repository, base: string, head: string): Comparison {
  const known = comparisons.get(repository) ?? new Map<string, Comparison>();
  comparisons.set(repository, known);
  const key = `${base} ${head}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const counts = repository.bare.git('rev-list', '--left-right', '--count', `${base}...${head}`).split('\t');
  const comparison: Comparison = {
    behind: Number(counts[0]),
    ahead: Number(counts[1]),
    mergeBase: repository.bare.tryGit('merge-base', base, head),
    hasConflict: repository.bare.mergeTree(base, head) === null,
  };
  known.set(key, comparison);
  return comparison;
}

export function compared(pull: Pull): Comparison | null {
  const base = baseCommitOf(pull);
  return base === null ? null : compare(pull.repository, base, pull.headCommit);
}

/** The newest run of each name; earlier ones do not count any more. */
export function latestRuns(repository: Repository, commit: string): readonly CheckRun[] {
  const latest = new Map<string, CheckRun>();
  for (const run of repository.checkRuns) {
    if (run.commit === commit) latest.set(`${run.suite} ${run.name}`, run);
  }
  const byName = new Map<string, CheckRun>();
  for (const run of latest.values()) byName.set(run.workflowRun === null ? run.name : `${run.suite} ${run.name}`, run);
  return [...byName.values()];
}

/** The newest status of each context. */
export function latestStatuses(repository: Repository, commit: string): readonly CommitStatus[] {
  const latest = new Map<string, CommitStatus>();
  for (const status of repository.statuses) if (status.commit === commit) latest.set(status.context, status);
  return [...latest.values()];
}

export function verdicts(repository: Repository, commit: string): readonly Verdict[] {
  const runs = latestRuns(repository, commit).map((run): Verdict => {
    if (run.status !== 'completed') return { name: run.name, state: 'pending' };
    const passed = run.conclusion === 'success' || run.conclusion === 'neutral' || run.conclusion === 'skipped';
    return { name: run.name, state: passed ? 'passed' : 'failed' };
  });
  const statuses = latestStatuses(repository, commit).map((status): Verdict => {
    if (status.state === 'pending') return { name: status.context, state: 'pending' };
    return { name: status.context, state: status.state === 'success' ? 'passed' : 'failed' };
  });
  return [...runs, ...statuses];
}

/** The last word of each reviewer who may write; a comment takes no approval back. */
export function standingReviews(state: GitHubState, pull: Pull): readonly Review[] {
  const standing = new Map<string, Review>();
  for (const review of pull.reviews) {
    if (review.state === 'COMMENTED' || review.state === 'PENDING') continue;
    if (state.may(review.author, pull.repository, 'write')) standing.set(review.author, review);
  }
  return [...standing.values()].filter((review) => review.state !== 'DISMISSED');
}

export function protectionOf(pull: Pull): Protection | null {
  return pull.repository.protections.get(pull.baseRef) ?? null;
}

export function reviewDecision(state: GitHubState, pull: Pull): string | null {
  const needed = protectionOf(pull)?.requiredApprovals ?? 0;
  if (needed === 0) return null;
  const reviews = standingReviews(state, pull);
  if (reviews.some((review) => review.state === 'CHANGES_REQUESTED')) return 'CHANGES_REQUESTED';
  return reviews.length >= needed ? 'APPROVED' : 'REVIEW_REQUIRED';
}

/** Why the rules forbid the merge; empty when nothing does. */
export function obstacles(state: GitHubState, pull: Pull): readonly string[] {
  const protection = protectionOf(pull);
  if (protection === null) return [];
  const found = verdicts(pull.repository, pull.headCommit);
  const checks = protection.requiredChecks.flatMap((name) => {
    const states = found.filter((verdict) => verdict.name === name).map((verdict) => verdict.state);
    if (states.includes('failed')) return [`Required status check "${name}" is failing.`];
    return states.length === 0 || states.includes('pending') ? [`Required status check "${name}" is expected.`] : [];
  });
  const decision = reviewDecision(state, pull);
  const plural = protection.requiredApprovals === 1 ? 'approving review is' : 'approving reviews are';
  const reviews =
    decision === 'REVIEW_REQUIRED'
      ? [`At least ${protection.requiredApprovals} ${plural} required by reviewers with write access.`]
      : decision === 'CHANGES_REQUESTED'
        ? ['Changes have been requested.']
        : [];
  const open = protection.conversationResolution && pull.threads.some((thread) => thread.resolvedBy === null);
  const conversations = open ? ['A conversation must be resolved before this pull request can be merged.'] : [];
  return [...checks, ...reviews, ...conversations];
}

export function isBehindByRule(pull: Pull): boolean {
  return (protectionOf(pull)?.strict ?? false) && (compared(pull)?.behind ?? 0) > 0;
}

export type MergeState = 'UNKNOWN' | 'DIRTY' | 'DRAFT' | 'BLOCKED' | 'BEHIND' | 'UNSTABLE' | 'CLEAN';

export function mergeState(state: GitHubState, pull: Pull): MergeState {
  const comparison = compared(pull);
  if (pull.state === 'closed' || comparison === null) return 'UNKNOWN';
  if (comparison.hasConflict) return 'DIRTY';
  if (pull.isDraft) return 'DRAFT';
  if (obstacles(state, pull).length > 0) return 'BLOCKED';
  if (isBehindByRule(pull)) return 'BEHIND';
  return verdicts(pull.repository, pull.headCommit).some((verdict) => verdict.state !== 'passed')
    ? 'UNSTABLE'
    : 'CLEAN';
}

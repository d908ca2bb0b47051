import type { RepositoryAddress } from './worktrees.ts';

/**
 * What happens to pull requests after they were opened, on a forge where people and machines act on them. Reading tells
 * everything as the forge has it; whom to obey is decided elsewhere. Everything written is found again by its `key`, so
 * that repeating a call after any crash writes nothing twice.
 */
export interface PullRequests {
  /** One batched query for all of a repository; those that are not there any more are absent. */
  observe(repository: RepositoryAddress, numbers: readonly number[]): Promise<readonly ObservedPullRequest[]>;
  /** Why a check failed: its job, its step and the end of that step's log. */
  failureOf(repository: RepositoryAddress, check: ObservedCheck): Promise<CheckFailure>;
  /** Runs a failed check once more; false where that is not possible. */
  rerun(repository: RepositoryAddress, check: ObservedCheck): Promise<boolean>;
  /** Answers in a thread, or on the pull request itself where `thread` is null. */
  reply(request: ReplyRequest): Promise<void>;
  resolve(repository: RepositoryAddress, thread: string): Promise<void>;
  /** Merges exactly `commit`; any other head is refused. */
  merge(request: MergeOnForge): Promise<ForgeMergeOutcome>;
  /** How many calls of the forge were made so far. */
  calls(): number;
  /** The login that we act as; null where the forge does not tell. */
  self(): Promise<string | null>;
  /** Makes a draft ready, so that it can be merged. */
  markReady(repository: RepositoryAddress, number: number): Promise<void>;
  /** Whether this person may write to the repository. Answers may be an hour old. */
  mayWrite(repository: RepositoryAddress, login: string): Promise<boolean>;
}

export interface ReplyRequest {
  readonly repository: RepositoryAddress;
  readonly number: number;
  readonly thread: string | null;
  readonly text: string;
  /** Kept in the comment where readers do not see it. */
  readonly key: string;
}

export interface ObservedPullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  readonly isDraft: boolean;
  readonly head: string;
  /** Null when the branch is gone. */
  readonly headCommit: string | null;
  readonly base: string;
  readonly mergeCommit: string | null;
  /** Who merged or closed it, where the forge says so. */
  readonly endedBy: string | null;
  readonly mergeable: 'yes' | 'conflicting' | 'unknown';
  /** The base has commits that the head lacks. Null when the forge does not say. */
  readonly isBehind: boolean | null;
  readonly reviews: readonly ObservedReview[];
  readonly threads: readonly ObservedThread[];
  /** On the pull request itself, oldest first. */
  readonly comments: readonly ObservedComment[];
  /** Of the head commit. */
  readonly checks: readonly ObservedCheck[];
}

export interface ObservedReview {
  readonly id: string;
  readonly author: string;
  readonly state: 'approved' | 'changes-requested' | 'commented' | 'dismissed';
  /** What was looked at. */
  readonly commit: string | null;
  readonly body: string;
  readonly at: number;
}

export interface ObservedThread {
  readonly id: string;
  readonly isResolved: boolean;
  readonly isOutdated: boolean;
  readonly path: string | null;
  readonly line: number | null;
  readonly comments: readonly ObservedComment[];
}

export interface ObservedComment {
  readonly id: string;
  readonly author: string;
  /** Whether a program wrote it. */
  readonly isBot: boolean;
  readonly body: string;
  /** The lines of the diff that it is about. */
  readonly context: string | null;
  /** The key of our own comments. */
  readonly key: string | null;
  readonly at: number;
}

export interface ObservedCheck {
  /** `check:123` or `status:ci/build`. */
  readonly id: string;
  readonly name: string;
  readonly commit: string;
  readonly state: 'pending' | 'passed' | 'failed' | 'skipped';
  /** Whether the base's protection asks for it. */
  readonly isRequired: boolean;
  /** How often it has run for this commit, from 1. */
  readonly run: number;
  readonly url: string | null;
  /** As the check itself tells it; short. */
  readonly summary: string;
}

export interface CheckFailure {
  readonly check: string;
  readonly job: string | null;
  readonly step: string | null;
  /** At most 200 lines and 16 kB, from the end. */
  readonly tail: string;
  readonly url: string | null;
}

export interface MergeOnForge {
  readonly repository: RepositoryAddress;
  readonly number: number;
  readonly commit: string;
  readonly method: 'merge' | 'squash' | 'rebase';
  readonly title: string;
  readonly message: string;
}

export type ForgeMergeOutcome =
  | { readonly kind: 'merged'; readonly commit: string }
  /** Checks, reviews or another rule of the forge stand in the way; it may go better later. */
  | { readonly kind: 'not-yet'; readonly reason: string }
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'moved'; readonly head: string }
  | { readonly kind: 'closed' };

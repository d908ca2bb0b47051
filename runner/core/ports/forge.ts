import type { RepositoryAddress } from './worktrees.ts';

/** Where pull requests live. One pull request a job, found again by its head branch after any crash. */
export interface Forge {
  /** Opens, or updates in place, the pull request of `head`. Repeating it changes nothing more. */
  open(request: OpenPullRequest): Promise<PullRequest>;
  /** Null when there is none for this branch. */
  find(repository: RepositoryAddress, head: string): Promise<PullRequest | null>;
  /** Records that the pull request was merged as `mergeCommit`; repeating is a success. */
  markMerged(repository: RepositoryAddress, number: number, mergeCommit: string): Promise<PullRequest>;
  close(repository: RepositoryAddress, number: number): Promise<PullRequest>;
  /** Where branches are pushed: the repository itself, or a fork of it where the runner may not write to it. */
  pushTarget(repository: RepositoryAddress): Promise<RepositoryAddress>;
}

export interface OpenPullRequest {
  readonly repository: RepositoryAddress;
  readonly job: string;
  readonly head: string;
  readonly base: string;
  readonly commit: string;
  readonly title: string;
  readonly body: string;
  /** Of a new one; whether it stays a draft is for people to say. */
  readonly draft?: boolean;
  /** Added to those that are there. */
  readonly labels?: readonly string[];
  /** Logins, and teams as `organisation/team`. Who was asked already, or has reviewed, is not asked again. */
  readonly reviewers?: readonly string[];
  /** A closed one is opened again, or followed by a new one where it cannot be: a person said so. */
  readonly reopen?: boolean;
  /** The issue that merging closes. */
  readonly closes?: number;
}

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  readonly head: string;
  readonly base: string;
  readonly commit: string;
  readonly mergeCommit: string | null;
}

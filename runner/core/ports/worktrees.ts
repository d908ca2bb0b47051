import type { Mount, SandboxLimits } from './sandbox.ts';

/** The runner's mirror of one repository and the trees of its jobs. All git of the runner that touches an agent's work is behind this port. */
export interface Worktrees {
  /** Brings the mirror up to date with its origin and returns the base's commit. Rejects with `git.repository-missing` or `git.base-missing`. */
  fetch(repository: RepositoryAddress, base: string): Promise<string>;
  /** The origin's branches, without `refs/heads/`, and their commits as of the last `fetch`. */
  heads(repository: RepositoryAddress): Promise<ReadonlyMap<string, string>>;
  /**
   * A tree of `commit` in which nothing else is. `use` keeps the agents' tree apart from the one in which tests run.
   * A tree that was only ever mounted read-only since it was made is used again, any other is made anew.
   */
  prepare(request: PrepareTree): Promise<Tree>;
  /** What was written in the tree, as a commit on `tree.commit`; null when nothing changed. Rejects with `git.*` for what is refused. */
  commit(request: CommitTree): Promise<string | null>;
  /** Commit of a merge of `head` into `base` by git itself, without a tree. */
  merge(request: MergeRequest): Promise<MergeOutcome>;
  /** Commit on `base` that takes `merge`, by which `head` came into it, out again; by git itself, without a tree. */
  revert(request: RevertRequest): Promise<RevertOutcome>;
  /** Unified diff of what `head` adds since it left `base`; cut at `maxBytes` with a line that says so. */
  diff(repository: RepositoryAddress, base: string, head: string, maxBytes: number): Promise<string>;
  diffStat(repository: RepositoryAddress, base: string, head: string): Promise<DiffStat>;
  isAncestor(repository: RepositoryAddress, ancestor: string, descendant: string): Promise<boolean>;
  /** Keeps `commit` reachable in the mirror under the job's own name; `expected` null creates. */
  keep(repository: RepositoryAddress, job: string, commit: string): Promise<void>;
  /** The commit kept for the job, null when there is none. */
  kept(repository: RepositoryAddress, job: string): Promise<string | null>;
  /** Pushes `commit` to the branch in the origin, by compare-and-set on `expected` (null: must not exist). Pushing what is already there is a success. Rejects with `git.branch-moved`. */
  push(repository: RepositoryAddress, branch: string, commit: string, expected: string | null): Promise<void>;
  /** The origin's commit of a branch; null when the branch does not exist. */
  remoteHead(repository: RepositoryAddress, branch: string): Promise<string | null>;
  deleteRemoteBranch(repository: RepositoryAddress, branch: string, expected: string): Promise<void>;
  /** The commit on `base` since `since` whose trailer names the job and that has two parents; null when none. For a merge that was done and not recorded. */
  findMerge(repository: RepositoryAddress, base: string, job: string): Promise<string | null>;
  /** A clone for a person with the commit kept for the job on its branch, origin included. Rejects with `git.checkout-refused` when the folder is not empty. */
  checkOut(request: CheckOut): Promise<void>;
  /** Brings the commit that a person's folder is at into the mirror. Rejects with `git.checkout-refused` and `git.checkout-gone`. */
  takeBack(request: TakeBack): Promise<string>;
  /** Removes the job's trees, never the commits; nothing where `onlyIf`, asked when nobody else is at them, says no. */
  remove(job: string, onlyIf?: () => boolean): Promise<void>;
  /** Jobs of which there are trees here. */
  jobsWithTrees(): Promise<string[]>;
  /** Whether an agent may have written something in the job's tree that no commit of it holds. Does not reject. */
  unsaved(request: UnsavedWork): Promise<Unsaved>;
  /** The commits kept for jobs; `merged` where the base as of the last `fetch` has them too. */
  keptJobs(repository: RepositoryAddress, base: string): Promise<KeptCommit[]>;
  /** Ends keeping the commit for the job, if that is the one kept. */
  forget(repository: RepositoryAddress, job: string, commit: string): Promise<void>;
  /** Removes what killed processes left in the mirror and the origin, and returns what may still be somebody's. */
  sweep(repository: RepositoryAddress): Promise<LeftLock[]>;
}

export interface UnsavedWork {
  readonly job: string;
  /** Those of opus.yml: the tree's own is among them, or cannot be compared. */
  readonly repositories: readonly RepositoryAddress[];
  readonly limits: SandboxLimits;
  readonly signal?: AbortSignal;
}

export interface Unsaved {
  /** `unknown` where it could not be found out. */
  readonly kind: 'none' | 'some' | 'unknown';
  /** The job's folder. */
  readonly folder: string;
}

export interface KeptCommit {
  readonly job: string;
  readonly commit: string;
  readonly merged: boolean;
}

/** A lock in the way of every push, for long. */
export interface LeftLock {
  readonly path: string;
  readonly reason: string;
}

export interface RepositoryAddress {
  /** The name in opus.yml. */
  readonly name: string;
  /** A path or a URL. */
  readonly url: string;
}

export interface CheckOut {
  readonly repository: RepositoryAddress;
  readonly job: string;
  readonly branch: string;
  /** Absolute. */
  readonly folder: string;
}

export interface TakeBack extends CheckOut {
  /** What the person was given; what comes back must build on it. */
  readonly base: string;
}

export interface PrepareTree {
  readonly repository: RepositoryAddress;
  readonly job: string;
  readonly use: 'agent' | 'test';
  readonly commit: string;
  /** Whether the tree will be mounted writable. */
  readonly writable: boolean;
}

export interface Tree {
  readonly path: string;
  readonly commit: string;
  readonly repository: RepositoryAddress;
  readonly job: string;
  /** The tree itself and what covers its `.git`, in the order in which they must be mounted. */
  readonly mounts: readonly Mount[];
}

export interface CommitTree {
  readonly tree: Tree;
  readonly message: string;
  /** Trailers, in order. */
  readonly trailers: readonly (readonly [string, string])[];
  /** Instead of `tree.commit`, for a tree that is a merge to be finished; then an unchanged tree is a commit too. */
  readonly parents?: readonly string[];
  readonly limits: SandboxLimits;
  readonly signal?: AbortSignal;
}

export interface MergeRequest {
  readonly repository: RepositoryAddress;
  readonly base: string;
  readonly head: string;
  readonly message: string;
  readonly trailers: readonly (readonly [string, string])[];
}

export type MergeOutcome =
  | { readonly kind: 'merged'; readonly commit: string }
  /** `commit` holds the merged tree with git's conflict markers in it, parents as a clean merge would have: where a fix round starts. */
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly detail: string; readonly commit: string };

export interface RevertRequest {
  readonly repository: RepositoryAddress;
  readonly base: string;
  /** As the forge calls it: a merge commit, a squashed one, or the last of those that were rebased. */
  readonly merge: string;
  readonly head: string;
  readonly message: string;
  readonly trailers: readonly (readonly [string, string])[];
}

export type RevertOutcome =
  | { readonly kind: 'reverted'; readonly commit: string }
  /** The base has nothing of it. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

export interface DiffStat {
  readonly files: readonly { readonly path: string; readonly added: number | null; readonly removed: number | null }[];
  readonly added: number;
  readonly removed: number;
}

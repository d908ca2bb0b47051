import type { ObservedComment } from './pull-requests.ts';
import type { RepositoryAddress } from './worktrees.ts';

/**
 * What of a repository on a forge is beside its code: issues, comments, labels, boards. Everything written is the same
 * after a repetition.
 */
export interface ForgeDesk {
  /** Open issues with the label, the newest first. Costs hardly anything where nothing has changed. */
  labelled(repository: RepositoryAddress, label: string): Promise<readonly ForgeIssue[]>;
  /** One batched query; those that are not there are absent. */
  issues(repository: RepositoryAddress, numbers: readonly number[]): Promise<readonly ObservedIssue[]>;
  /** Writes the one comment with this key into an issue or pull request, or brings it to this text. */
  keepComment(request: KeepComment): Promise<void>;
  /** Of `ours`, exactly `wanted` are on it afterwards; all others stay as they are. */
  setLabels(repository: RepositoryAddress, number: number, labels: KeptLabels): Promise<void>;
  /** Puts an issue or pull request on a board, once, with this choice. */
  place(repository: RepositoryAddress, number: number, place: BoardPlace): Promise<void>;
  /** Names of branches that begin so. */
  branches(repository: RepositoryAddress, prefix: string): Promise<readonly string[]>;
}

export interface ForgeIssue {
  readonly number: number;
  readonly url: string;
  readonly title: string;
  readonly body: string;
  readonly author: string;
}

export interface ObservedIssue extends ForgeIssue {
  readonly state: 'open' | 'closed';
  /** Oldest first. */
  readonly comments: readonly ObservedComment[];
}

export interface KeepComment {
  readonly repository: RepositoryAddress;
  readonly number: number;
  readonly text: string;
  /** Kept in the comment where readers do not see it. */
  readonly key: string;
}

export interface KeptLabels {
  readonly wanted: readonly string[];
  readonly ours: readonly string[];
}

export interface BoardPlace {
  readonly owner: string;
  readonly board: number;
  readonly field: string;
  readonly value: string;
}

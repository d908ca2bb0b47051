import type { MergeRefusal } from '../pipeline/merge-refusal.ts';
import type { CheckFailure } from '../ports/pull-requests.ts';
import type { CommandName } from './spoken-command.ts';

/** What happened to a job's pull request on its forge, as far as the job goes on differently for it. */
export type Happening =
  | { readonly kind: 'checks-failed'; readonly commit: string; readonly failures: readonly CheckFailure[] }
  /** A failed check was run once more, in case that it is flaky. */
  | { readonly kind: 'checks-rerun'; readonly commit: string; readonly checks: readonly string[] }
  /** People who may steer asked for something. */
  | { readonly kind: 'remarks'; readonly commit: string; readonly remarks: readonly Remark[] }
  /** The branch and its base clash. */
  | { readonly kind: 'conflict'; readonly refusal: MergeRefusal }
  /** Somebody else pushed to the branch. `adopted`: on top of what was there, by one who may. */
  | { readonly kind: 'pushed'; readonly commit: string; readonly by: string | null; readonly adopted: boolean }
  /** Somebody who may steer said it in a comment. `taken`: it could be done as things stood. */
  | {
      readonly kind: 'command';
      readonly command: CommandName;
      readonly text: string;
      readonly comment: string;
      readonly author: string;
      readonly taken: boolean;
    }
  | { readonly kind: 'closed'; readonly by: string | null }
  | { readonly kind: 'reopened' }
  | { readonly kind: 'branch-deleted' }
  | { readonly kind: 'merged'; readonly commit: string; readonly by: string | null };

/** What a person says of the change. */
export interface Remark {
  readonly id: string;
  /** Where an answer belongs; null for what was said of the whole. */
  readonly thread: string | null;
  readonly author: string;
  readonly path: string | null;
  readonly line: number | null;
  readonly context: string | null;
  readonly body: string;
}

/** A happening as the registry keeps it. */
export interface RecordedHappening {
  readonly jobId: string;
  /** The same is recorded once. */
  readonly key: string;
  readonly happening: Happening;
  readonly at: number;
  /** Decisions, retries and happenings of the job before this one: their common order, whatever the clock did. */
  readonly generation: number;
}

import type { OpusError } from '#shared/domain/errors.ts';
import type { ExpectedCost } from '#shared/domain/expected-cost.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { DecisionKind } from '#shared/domain/gate.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { OutputListener, OutputSubscription } from '../core/live-output.ts';
import type { Attempt, Job, RecordedDecision } from '../core/ports/job-registry.ts';
import type { DiffStat } from '../core/ports/worktrees.ts';

/** Who decides, and by which way the decision came. */
export interface Actor {
  readonly person: string;
  readonly channel: RecordedDecision['channel'];
  readonly device?: string;
}

/** What commands (and later the server) may ask of a runner. Everything rejects with OpusError only. */
export interface Application {
  /** After a start: attempts that a dead runner left are closed, unfinished jobs have a workflow again, what the vault was not told is told. */
  recover(): Promise<void>;
  featureRequests(): Promise<FeatureRequest[]>;
  /** What a request's next job will probably take. Rejects with `vault.fr-not-found`. */
  expected(featureRequestId: string): Promise<ExpectedCost>;
  /**
   * A new job for an FR, or its unfinished one. `again` supersedes that and its open pull request. An FR whose
   * dependencies are not done is refused, unless its job may wait for them.
   */
  dispatch(
    featureRequestId: string,
    options: { readonly again: boolean; readonly waitForDependencies?: boolean },
  ): Promise<Job>;
  /** Works on the job until it rests (gate, person, end) or `signal` stops it. `approve` answers each gate for `actor`. */
  work(jobId: string, options: { readonly approve: Actor | null; readonly signal: AbortSignal }): Promise<Job>;
  /** Takes a decision that the note's `decision` holds, if it names the current gate; says so in the note when it names another. */
  takeNoteDecision(jobId: string): Promise<Job>;
  /** `shown` is the gate that the person was shown, as `merge@` and its hash; another one by now is refused with `registry.gate-stale`. */
  decide(jobId: string, kind: DecisionKind, comment: string, actor: Actor, shown?: string): Promise<Job>;
  retry(
    jobId: string,
    options: { readonly from: Stage | null; readonly rounds: number | null; readonly comment: string },
  ): Promise<Job>;
  /** Stops the job's agent at its last checkpoint, until it is resumed. */
  pause(jobId: string): Promise<Job>;
  resume(jobId: string): Promise<Job>;
  /** A job that waits goes on whatever it waits for: at once where a service runs, else as soon as one does. */
  unblock(jobId: string): Promise<Job>;
  /** A job that takes what this one merged back; what was built on it is put before a person. */
  revert(jobId: string, comment: string): Promise<Job>;
  /** Ends the job, closing its pull request; its note is parked. */
  cancel(jobId: string, reason: string): Promise<Job>;
  /** Hands the job's work to a person, as a clone in `folder` (absolute). */
  checkOut(jobId: string, folder: string): Promise<Job>;
  /** Takes the person's commits back and goes on with them. */
  takeBack(jobId: string): Promise<Job>;
  /** The workflow itself broke, which is a defect: a person is asked. */
  giveUp(jobId: string, error: OpusError): void;
  /** By job id, or by FR id for its newest job. Rejects with `registry.job-not-found`. */
  job(name: string): Job;
  jobs(): Job[];
  attempts(jobId: string): Attempt[];
  document(jobId: string): JobDocument;
  /** What happens in a job's attempts, from the last that did; null is every job. By job id, or by FR id for its newest job. */
  subscribeOutput(name: string | null, listener: OutputListener): OutputSubscription;
  diff(jobId: string): Promise<{ readonly text: string; readonly stat: DiffStat }>;
}

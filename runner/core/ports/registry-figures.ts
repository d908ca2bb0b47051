import type { JobStatus, StageStatus, WaitReason } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';

/** Counted by the database itself: cheap with thousands of jobs. Times are milliseconds since the epoch. */
export interface RegistryFigures {
  /** How things stand; `since` bounds what counts as recent. */
  census(since: number): RegistryCensus;
  /** What came to an end after an event, in order. A job that went on after a retry ends again. */
  endings(afterSeq: number, limit: number): JobEnding[];
  /** Attempts in the order in which they began, after the one with this number. */
  attemptsAfter(number: number, limit: number): NumberedAttempt[];
  /** The same for some of them; those of forgotten jobs are left out. */
  attemptsNumbered(numbers: readonly number[]): NumberedAttempt[];
  lastAttemptNumber(): number;
  /** What model responses took, in the order in which they began, after the one with this number. */
  usageAfter(number: number, limit: number): NumberedUsage[];
  /** The same for some of them; those that never were are left out. */
  usageNumbered(numbers: readonly number[]): NumberedUsage[];
}

export interface NumberedUsage {
  readonly number: number;
  /** 1 while it goes on. */
  readonly open: 0 | 1;
  readonly estimated: 0 | 1;
  readonly agent: string;
  readonly model: string;
  readonly input: number;
  readonly output: number;
  /** US dollars that are paid, as far as is known. */
  readonly cost: number;
}

export interface RegistryCensus {
  readonly jobs: readonly {
    readonly status: JobStatus;
    readonly waitingFor: WaitReason | null;
    readonly count: number;
  }[];
  /** Since when the job waits that has waited longest for a slot; null when none does. */
  readonly oldestQueuedAt: number | null;
  readonly outboxDepth: number;
  /** Unfinished attempts by agent. */
  readonly busyAgents: readonly { readonly agent: string; readonly count: number }[];
  readonly recent: {
    readonly dispatched: number;
    readonly succeeded: number;
    readonly finished: number;
  };
}

export interface JobEnding {
  readonly seq: number;
  readonly at: number;
  readonly outcome: 'succeeded' | 'failed' | 'canceled';
  /** Null when the job is forgotten. */
  readonly job: { readonly repository: string; readonly createdAt: number } | null;
}

export interface NumberedAttempt {
  readonly number: number;
  readonly stage: Stage;
  readonly status: StageStatus | 'interrupted';
  readonly agent: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

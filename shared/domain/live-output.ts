import type { AgentEvent } from './agent-event.ts';
import type { StageStatus } from './job.ts';
import type { Stage } from './stage.ts';

/** What happens in an attempt, as it happens: what its agent does, and what the runner does around it. Text is untrusted. */
export type LiveEvent =
  | AgentEvent
  | { readonly kind: 'started'; readonly round: number; readonly try: number; readonly agent: string | null }
  /** The runner runs a command of the repository; what it prints follows as text. */
  | { readonly kind: 'command'; readonly purpose: 'setup' | 'test'; readonly command: string }
  /** The last of an attempt. */
  | { readonly kind: 'ended'; readonly status: Exclude<StageStatus, 'running'>; readonly sentence: string };

/** Where something happens. */
export interface LiveSource {
  readonly job: string;
  readonly attempt: string;
  readonly stage: Stage;
}

/** One event of a job. Long text is cut, and what looks like a credential is taken out. */
export interface LiveEntry extends LiveSource {
  /** Grows from entry to entry, over all jobs, for as long as the runner runs. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly event: LiveEvent;
}

/** A line of `GET /api/v1/jobs/JOB/output`. */
export type LiveMessage =
  | { readonly type: 'output'; readonly entry: LiveEntry }
  /** So many entries are missing here, since they were not taken in time. */
  | { readonly type: 'dropped'; readonly count: number }
  /** Nothing happens, and the service is there. */
  | { readonly type: 'alive' }
  /** Nothing comes any more before somebody does something about the job. */
  | { readonly type: 'rests' };

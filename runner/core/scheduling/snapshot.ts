import type { Priority } from '#shared/domain/feature-request.ts';
import type { WaitReason } from '#shared/domain/job.ts';

/** A place among the agents, or one for delivering and merging alone, which an agent that works for hours must not hold up. */
export type Slot = 'agent' | 'merge';

/** An unfinished job as admission sees it. */
export interface SchedulableJob {
  readonly id: string;
  readonly repository: string;
  readonly priority: Priority;
  /** The agent of its next stage; null when that stage has none. */
  readonly agent: string | null;
  readonly slot: Slot | null;
  /**
   * The slot it asks for; null when it asks for none: it is at a gate, with a person, or paused by one. A job that holds a
   * slot and asks for one is being pushed aside: its slot will be free soon, and it is given none before.
   */
  readonly wants: Slot | null;
  /**
   * Since when it wants a slot. When it is pushed aside, the time for which it held one is added, so that only waiting is
   * counted: a job would otherwise be overdue at once and take its slot back from the one it made way for.
   */
  readonly queuedAt: number;
  readonly admittedAt: number | null;
  /** It has been at work before; such a job goes before new ones of its priority. */
  readonly begun: boolean;
  /** A usage limit or a resting circuit: not before then. */
  readonly holdUntil: number | null;
  /** Until then it waits for its forge, and no agent has to do with it. */
  readonly isHeldByForge?: boolean;
  /** Feature requests it depends on that are not done. */
  readonly openDependencies: readonly string[];
  /** It waits for a person's decision on its pull request. */
  readonly awaitsApproval: boolean;
}

export interface SchedulingLimits {
  /** Agent slots in all. */
  readonly concurrency: number;
  /** Agent slots by repository; one that is not named has no limit of its own. */
  readonly repositories: ReadonlyMap<string, number>;
  /** Agent slots by agent. */
  readonly agents: ReadonlyMap<string, number>;
  /** No new job starts while so many wait for approval. */
  readonly reviewQueue: number | null;
  /** Jobs of this priority and above push lower ones aside; null means none does. */
  readonly preempt: Priority | null;
  /** A job that has waited half of this is overdue: it goes first, by age, and is not pushed aside. Milliseconds. */
  readonly longestWait: number;
}

export interface SchedulingSnapshot {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly jobs: readonly SchedulableJob[];
  readonly limits: SchedulingLimits;
  /** False while paused as a whole, draining or stopping: nothing is started. */
  readonly accepting: boolean;
  /** False while less than the reserve is free: no agent slot is given. */
  readonly hasDisk: boolean;
  /** Agents at a usage limit or with an open circuit, and until when. */
  readonly agentHolds: ReadonlyMap<string, { readonly until: number; readonly reason: 'usage-limit' | 'circuit' }>;
  /** Repositories whose forge has an open circuit, and until when: no merge slot is given. */
  readonly forgeHolds: ReadonlyMap<string, number>;
  /** When each repository was last given an agent slot, as a count that grows with each one given. */
  readonly lastStarts: ReadonlyMap<string, number>;
}

export interface Schedule {
  /** To be given slots, in this order. */
  readonly start: readonly { readonly job: string; readonly slot: Slot }[];
  /** To be pushed aside now; their slots go to the first of `start`'s successors once they are free. */
  readonly preempt: readonly string[];
  /** Why each job that wants a slot gets none now. */
  readonly waits: ReadonlyMap<string, WaitReason>;
  /** The earliest moment at which time alone may change the decision; null when none does. */
  readonly wakeAt: number | null;
}

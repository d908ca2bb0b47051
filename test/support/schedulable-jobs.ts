import { schedule } from '../../runner/core/scheduling/schedule.ts';
import type { SchedulableJob, SchedulingLimits, SchedulingSnapshot } from '../../runner/core/scheduling/snapshot.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const now = 1_000 * hour;
export const at = (minutesAgo: number): number => now - minutesAgo * minute;

export const wanting: SchedulableJob = {
  id: 'FR-1',
  repository: 'app',
  priority: 'P2',
  agent: 'claude',
  slot: null,
  wants: 'agent',
  queuedAt: at(1),
  admittedAt: null,
  begun: false,
  holdUntil: null,
  openDependencies: [],
  awaitsApproval: false,
};

/** It got its agent slot ten minutes ago, as soon as it wanted one. */
export const holding: SchedulableJob = {
  ...wanting,
  slot: 'agent',
  wants: null,
  begun: true,
  queuedAt: at(10),
  admittedAt: at(10),
};
/** It was pushed aside and has not stopped yet. */
export const vacating: SchedulableJob = { ...holding, wants: 'agent' };
export const merging: SchedulableJob = { ...wanting, wants: 'merge', agent: null, begun: true };

export function limited(limits: Partial<SchedulingLimits> = {}): SchedulingLimits {
  return {
    concurrency: 1,
    repositories: new Map(),
    agents: new Map(),
    reviewQueue: null,
    preempt: 'P0',
    longestWait: 6 * hour,
    ...limits,
  };
}

/** Jobs by their ids. */
export function decide(
  jobs: Readonly<Record<string, SchedulableJob>>,
  limits: Partial<SchedulingLimits> = {},
  rest: Partial<SchedulingSnapshot> = {},
): ReturnType<typeof schedule> {
  return schedule({
    now,
    jobs: Object.entries(jobs).map(([id, job]) => ({ ...job, id })),
    limits: limited(limits),
    accepting: true,
    hasDisk: true,
    agentHolds: new Map(),
    forgeHolds: new Map(),
    lastStarts: new Map(),
    ...rest,
  });
}

export function started(...decision: Parameters<typeof decide>): string[] {
  return decide(...decision).start.map(({ job }) => job);
}

export function preempted(...decision: Parameters<typeof decide>): readonly string[] {
  return decide(...decision).preempt;
}

import type { SchedulableJob, SchedulingLimits } from './snapshot.ts';

/** What is left of each limit on agent slots; below 0 where a limit was lowered under what is in use. */
export type Capacity = Map<string, number>;

/** The one limit that every agent slot counts toward. */
export const wholeMachine = 'all';

export function capacityOf(limits: SchedulingLimits): Capacity {
  return new Map([
    [wholeMachine, limits.concurrency],
    ...[...limits.repositories].map(([name, limit]): [string, number] => [`repository ${name}`, limit]),
    ...[...limits.agents].map(([name, limit]): [string, number] => [`agent ${name}`, limit]),
  ]);
}

/** The limits toward which the job's agent slot counts, the narrowest first; one that was not set never stands in the way. */
export function limitsOn({ repository, agent }: SchedulableJob): string[] {
  const own = `repository ${repository}`;
  return agent === null ? [own, wholeMachine] : [own, `agent ${agent}`, wholeMachine];
}

/** The limits that have nothing left for the job. */
export function limitsInTheWay(capacity: Capacity, job: SchedulableJob): string[] {
  return limitsOn(job).filter((limit) => (capacity.get(limit) ?? 1) < 1);
}

export function take(capacity: Capacity, job: SchedulableJob): void {
  add(capacity, job, -1);
}

export function giveBack(capacity: Capacity, job: SchedulableJob): void {
  add(capacity, job, 1);
}

function add(capacity: Capacity, job: SchedulableJob, count: number): void {
  for (const limit of limitsOn(job)) {
    const left = capacity.get(limit);
    if (left !== undefined) capacity.set(limit, left + count);
  }
}

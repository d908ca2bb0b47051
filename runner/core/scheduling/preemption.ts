import { giveBack, limitsInTheWay, limitsOn, take, wholeMachine, type Capacity } from './capacity.ts';
import type { SchedulableJob, SchedulingSnapshot } from './snapshot.ts';
import { rankOf } from './turns.ts';

/**
 * Which holders of an agent slot to push aside for the jobs that wait for one, given in their order: at most one for each.
 * Slots that are being vacated are counted on first, and nobody is pushed aside for a slot that a job further ahead
 * would take. `capacity` is what is left now; it is used up.
 */
export function preemptFor(
  waiting: readonly SchedulableJob[],
  snapshot: SchedulingSnapshot,
  capacity: Capacity,
): SchedulableJob[] {
  const lowest = snapshot.limits.preempt;
  if (lowest === null) return [];
  const holders = snapshot.jobs.filter(({ slot }) => slot === 'agent');
  for (const holder of holders) if (isBeingVacated(holder)) giveBack(capacity, holder);
  const candidates = holders.filter((holder) => mayBePushedAside(holder, snapshot)).sort(bestVictimFirst);
  const victims: SchedulableJob[] = [];
  /** Limits of which jobs further ahead get the next that is free. */
  const claimed = new Set<string>();
  for (const job of waiting) {
    if (candidates.length === 0 || claimed.has(wholeMachine)) break;
    const inTheWay = limitsInTheWay(capacity, job);
    if (inTheWay.length > 0) {
      const victim = rankOf(job.priority) <= rankOf(lowest) ? candidates.find(makesRoomFor(job, inTheWay)) : undefined;
      if (!victim) {
        claimed.add(inTheWay[0] ?? wholeMachine);
        continue;
      }
      candidates.splice(candidates.indexOf(victim), 1);
      victims.push(victim);
      giveBack(capacity, victim);
    }
    take(capacity, job);
  }
  return victims;

  function makesRoomFor(urgent: SchedulableJob, inTheWay: readonly string[]): (holder: SchedulableJob) => boolean {
    // Below 0 one that leaves is not enough.
    if (inTheWay.some((limit) => capacity.get(limit) !== 0)) return () => false;
    return (holder) => {
      const freed = limitsOn(holder);
      return (
        rankOf(holder.priority) > rankOf(urgent.priority) &&
        inTheWay.every((limit) => freed.includes(limit)) &&
        !freed.some((limit) => claimed.has(limit))
      );
    };
  }
}

function isBeingVacated(holder: SchedulableJob): boolean {
  return holder.wants !== null;
}

function mayBePushedAside(holder: SchedulableJob, { limits }: SchedulingSnapshot): boolean {
  const waited = (holder.admittedAt ?? holder.queuedAt) - holder.queuedAt;
  return !isBeingVacated(holder) && waited < limits.longestWait / 2;
}

function bestVictimFirst(left: SchedulableJob, right: SchedulableJob): number {
  return (
    rankOf(right.priority) - rankOf(left.priority) ||
    (right.admittedAt ?? right.queuedAt) - (left.admittedAt ?? left.queuedAt) ||
    (left.id < right.id ? -1 : 1)
  );
}

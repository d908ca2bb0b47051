import type { WaitReason } from '#shared/domain/job.ts';
import { capacityOf, limitsInTheWay, take } from './capacity.ts';
import { hindrancesIn, holdEnds } from './hindrance.ts';
import { preemptFor } from './preemption.ts';
import type { SchedulableJob, Schedule, SchedulingSnapshot, Slot } from './snapshot.ts';
import { byAge, offerInTurn, overdueAt, rankOf, turnsAfter } from './turns.ts';

/**
 * Which jobs get a slot now, which give theirs up, and why the others wait. Pure: the same snapshot, its jobs in any order,
 * gives the same decision, and once that is carried out the next one is empty until something else changes.
 *
 * The caller carries it out so: a job of `start` gets its slot, `admittedAt` is now, and its repository, if the slot is an
 * agent's, the next number in `lastStarts`. A job of `preempt` wants an agent slot from now on and keeps its own until it
 * has stopped: a holder that wants a slot counts toward the limits as one being vacated, and is given none before.
 */
export function schedule(snapshot: SchedulingSnapshot): Schedule {
  const start: { job: string; slot: Slot }[] = [];
  const waits = new Map<string, WaitReason>();
  const ready: SchedulableJob[] = [];
  const moments: number[] = [];
  const hindranceOf = hindrancesIn(snapshot);
  for (const job of snapshot.jobs) {
    if (job.wants === null) continue;
    const hindrance = job.slot === null ? hindranceOf(job) : 'slot';
    waits.set(job.id, hindrance ?? 'slot');
    if (job.slot === null) moments.push(...holdEnds(job, snapshot));
    if (hindrance === null) ready.push(job);
  }
  const give = (job: SchedulableJob, slot: Slot): void => {
    start.push({ job: job.id, slot });
    waits.delete(job.id);
  };

  giveMergeSlots(ready, snapshot, give);

  const capacity = capacityOf(snapshot.limits);
  for (const job of snapshot.jobs) if (job.slot === 'agent') take(capacity, job);
  const turns = turnsAfter(snapshot.lastStarts);
  const wantAgent = ready.filter(({ wants }) => wants === 'agent');
  offerInTurn(wantAgent, snapshot, turns, (job) => {
    if (limitsInTheWay(capacity, job).length > 0) return false;
    take(capacity, job);
    give(job, 'agent');
    return true;
  });

  // The order of those left over, which the starts have changed, is the one in which they are asked next time.
  const leftOver: SchedulableJob[] = [];
  offerInTurn(
    wantAgent.filter(({ id }) => waits.has(id)),
    snapshot,
    turns,
    (job) => {
      leftOver.push(job);
      return false;
    },
  );
  moments.push(...leftOver.map((job) => overdueAt(job, snapshot)).filter((moment) => moment > snapshot.now));
  return {
    start,
    preempt: preemptFor(leftOver, snapshot, capacity).map(({ id }) => id),
    waits,
    wakeAt: moments.length === 0 ? null : moments.reduce((earliest, moment) => Math.min(earliest, moment)),
  };
}

/** One at a time in each repository, by priority and then by age; agents' slots are no matter here. */
function giveMergeSlots(
  ready: readonly SchedulableJob[],
  snapshot: SchedulingSnapshot,
  give: (job: SchedulableJob, slot: Slot) => void,
): void {
  const merging = new Set(snapshot.jobs.filter(({ slot }) => slot === 'merge').map(({ repository }) => repository));
  const waiting = ready
    .filter(({ wants }) => wants === 'merge')
    .sort((left, right) => rankOf(left.priority) - rankOf(right.priority) || byAge(left, right));
  for (const job of waiting) {
    if (merging.has(job.repository)) continue;
    merging.add(job.repository);
    give(job, 'merge');
  }
}

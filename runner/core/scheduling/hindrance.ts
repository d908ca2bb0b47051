import type { WaitReason } from '#shared/domain/job.ts';
import type { SchedulableJob, SchedulingSnapshot } from './snapshot.ts';

/** Says why a job would not be given a slot even if all were free; null when only the limits can stand in its way. */
export function hindrancesIn(snapshot: SchedulingSnapshot): (job: SchedulableJob) => WaitReason | null {
  const { now, limits, agentHolds, forgeHolds } = snapshot;
  const inReview = snapshot.jobs.filter(({ awaitsApproval }) => awaitsApproval).length;
  const reviewQueueIsFull = limits.reviewQueue !== null && inReview >= limits.reviewQueue;
  return (job) => {
    if (job.openDependencies.length > 0) return 'dependency';
    const agentHold = job.agent === null ? undefined : agentHolds.get(job.agent);
    if (agentHold && agentHold.until > now) return agentHold.reason;
    if (job.holdUntil !== null && job.holdUntil > now) {
      if (job.isHeldByForge === true) return 'forge';
      return snapshot.hasDisk ? 'usage-limit' : 'disk';
    }
    if (job.wants === 'merge' && (forgeHolds.get(job.repository) ?? now) > now) return 'circuit';
    if (job.wants === 'agent' && !snapshot.hasDisk) return 'disk';
    if (!snapshot.accepting || (reviewQueueIsFull && !job.begun)) return 'slot';
    return null;
  };
}

/** The moments to come at which a hold on the job ends. */
export function holdEnds(job: SchedulableJob, { now, agentHolds, forgeHolds }: SchedulingSnapshot): number[] {
  if (job.openDependencies.length > 0) return [];
  const agentHold = job.agent === null ? undefined : agentHolds.get(job.agent);
  const forgeHold = job.wants === 'merge' ? forgeHolds.get(job.repository) : undefined;
  return [job.holdUntil ?? now, agentHold?.until ?? now, forgeHold ?? now].filter((moment) => moment > now);
}

import { reviewResult } from '#shared/domain/stage.ts';
import { reasonsForAPerson } from '../core/auto-merge.ts';
import { leftToPersonEvent, leftToPersonOf } from '../core/reporting/left-to-person.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { ObservedCheck } from '../core/ports/pull-requests.ts';
import { deliveredOf } from '../core/pull-request/delivered.ts';
import { decide } from './control.ts';
import { noteOfJob } from './note-of-job.ts';
import type { EngineDependencies } from './stage-context.ts';

export interface ForgeView {
  /** Null where the forge has none. */
  readonly checks: readonly ObservedCheck[] | null;
  readonly hasRemarks: boolean;
}

/** Approves a job at its merge gate in the name of policy, where every condition for that holds. Returns whether it did. */
export async function approveByPolicy(
  dependencies: EngineDependencies,
  job: Job,
  { checks, hasRemarks }: ForgeView,
): Promise<boolean> {
  const { registry, config } = dependencies;
  const { policy } = dependencies.confirmed();
  if (!config.limits.autoMerge || policy.autoMerge.priorities.length === 0 || job.gate?.kind !== 'merge') return false;
  const note = await noteOfJob(dependencies, job);
  if (note === null) return false;
  const attempts = registry.attempts(job.id);
  const lastOf = (stage: string) =>
    attempts.findLast((attempt) => attempt.stage === stage && attempt.status === 'passed');
  const delivered = deliveredOf(lastOf('deliver')?.result);
  const tested = lastOf('test');
  const review = lastOf('review');
  const reviewed = reviewResult.safeParse(review?.result);
  const happenings = registry.happenings(job.id).map(({ happening }) => happening.kind);
  const reasons = reasonsForAPerson({
    isAllowed: config.limits.autoMerge,
    policy: policy.autoMerge,
    fourEyes: policy.fourEyes,
    priority: note.priority,
    wish: note.autoMerge,
    review: reviewed.success && review?.commit === job.headCommit ? reviewed.data : null,
    isTested: tested?.commit === job.headCommit && tested.evidence.some(({ exitCode }) => exitCode === 0),
    tampering: delivered?.tampering ?? null,
    lines: delivered?.lines ?? Number.POSITIVE_INFINITY,
    checks: checks?.filter(({ commit }) => commit === job.headCommit) ?? null,
    hasRemarks,
    isSteered:
      registry.decisions(job.id).length > 0 || happenings.some((kind) => kind === 'remarks' || kind === 'pushed'),
  });
  if (reasons.length > 0) {
    tell(dependencies, job, reasons);
    return false;
  }
  await decide(dependencies, job, 'approve', '', { person: 'policy', channel: 'policy' });
  return true;
}

/** Once, until it is others. */
function tell({ registry, log }: EngineDependencies, job: Job, reasons: readonly string[]): void {
  if (leftToPersonOf(registry, job.id, job.headCommit).join('\n') === reasons.join('\n')) return;
  log.info({ job: job.id, reasons }, `${job.id} is left to a person to merge: ${reasons.join('; ')}.`);
  const data = { commit: job.headCommit, reasons };
  registry.commit(null, null, { events: [{ type: leftToPersonEvent, jobId: job.id, data }] });
}

import type { CodeResult } from '#shared/domain/stage.ts';
import type { Remark } from '../../core/pull-request/happening.ts';
import type { EngineDependencies, StageRun } from '../stage-context.ts';

/**
 * Answers every remark that was taken up since the last delivery with the commit that answers it, and resolves its thread
 * where policy says so. Each answer is found again by its key, so that repeating this writes nothing twice.
 */
export async function answerRemarks(
  dependencies: EngineDependencies,
  { job, repository }: StageRun,
  number: number,
  head: string,
): Promise<void> {
  const pulls = dependencies.pullRequestsOf(job.repository);
  const remarks = openRemarks(dependencies, job.id);
  if (pulls === null || remarks.length === 0) return;
  const { resolve } = dependencies.confirmed().policy.pullRequests;
  const text = `${head.slice(0, 8)} answers this: ${summaryOf(dependencies, job.id)}`;
  const threads = new Set(remarks.map(({ thread }) => thread));
  for (const thread of threads) {
    const last = remarks.findLast((remark) => remark.thread === thread);
    const key = `answer ${job.id} ${last?.id ?? ''}`;
    await pulls.reply({ repository, number, thread, text, key });
    if (thread !== null && resolve) await pulls.resolve(repository, thread);
  }
}

/** Remarks of before the last delivery were answered by it. */
function openRemarks({ registry }: EngineDependencies, jobId: string): Remark[] {
  const delivered = registry
    .attempts(jobId)
    .findLast(({ stage, status }) => stage === 'deliver' && status === 'passed');
  const since = delivered?.generation ?? 0;
  return registry
    .happenings(jobId)
    .filter(({ generation }) => generation >= since)
    .flatMap(({ happening }): readonly Remark[] => (happening.kind === 'remarks' ? happening.remarks : []));
}

function summaryOf({ registry }: EngineDependencies, jobId: string): string {
  const coded = registry.attempts(jobId).findLast(({ stage, status }) => stage === 'code' && status === 'passed');
  return (coded?.result as CodeResult | null)?.summary ?? 'the change is in it';
}

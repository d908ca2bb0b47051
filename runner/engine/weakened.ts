import { weakenedEvent, weaknessesOfJob, weaknessSentence } from '../core/weaker.ts';
import type { EngineDependencies, StageRun } from './stage-context.ts';

/** Records in what a job is weaker from now on, before it is so, and says it once. */
export function recordWeaknesses(
  { registry, progress }: EngineDependencies,
  { job, attempt }: Pick<StageRun, 'job' | 'attempt'>,
  weaknesses: readonly string[],
): void {
  if (weaknesses.length === 0) return;
  const known = weaknessesOfJob(registry, job.id);
  const weaker = weaknesses.filter((one) => !known.includes(one));
  if (weaker.length === 0) return;
  registry.commit(null, null, {
    events: [{ type: weakenedEvent, jobId: job.id, data: { stage: attempt.stage, round: attempt.round, weaker } }],
  });
  for (const one of weaker) {
    progress({
      job: job.id,
      stage: attempt.stage,
      round: attempt.round,
      kind: 'note',
      text: `warning: ${weaknessSentence(one)}`,
    });
  }
}

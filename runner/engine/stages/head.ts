import { OpusError } from '#shared/domain/errors.ts';
import type { Job } from '../../core/ports/job-registry.ts';

/** The last checkpoint's commit; a stage after code cannot do without. */
export function headOf(job: Job): string {
  if (job.headCommit !== null) return job.headCommit;
  throw new OpusError('internal.unexpected', `${job.id} has no commit yet.`, {
    hint: `Go on with: opus job retry ${job.id} --from code`,
  });
}

export function baseOf(job: Job): string {
  return job.baseCommit ?? headOf(job);
}

import { toOpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import type { ArchiveRecord, JobArchive } from '../../core/ports/job-archive.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import type { RunningJobs } from '../running-jobs.ts';
import type { EngineDependencies } from '../stage-context.ts';

/** What all housekeeping goes by. */
export interface Upkeep {
  readonly dependencies: EngineDependencies;
  readonly running: RunningJobs;
}

export interface HistoryUpkeep extends Upkeep {
  readonly archive: JobArchive;
  /** Removes the logs of jobs other than these to which nothing was written since. */
  readonly pruneLogs: (keepJobs: ReadonlySet<string>, olderThan: number) => Promise<readonly string[]>;
}

/** Whether the job is finished, and nothing of it is at work here any more. */
export function isOver(upkeep: Upkeep, jobId: string): boolean {
  const job = upkeep.dependencies.registry.job(jobId);
  return job !== null && isFinished(job.status) && isIdle(upkeep, jobId);
}

export function isUnknown(upkeep: Upkeep, jobId: string): boolean {
  return upkeep.dependencies.registry.job(jobId) === null && isIdle(upkeep, jobId);
}

function isIdle({ running }: Upkeep, jobId: string): boolean {
  return !running.attempts().some((attempt) => attempt.jobId === jobId);
}

export function repositoriesOf({ dependencies }: Upkeep): (RepositoryAddress & { readonly base: string })[] {
  return Object.entries(dependencies.config.repos).map(([name, { url, base }]) => ({ name, url, base }));
}

/** Does one part of the work; what goes wrong in it keeps no other part from being done, and is tried again next time. */
export async function part(
  { dependencies }: Upkeep,
  what: string,
  work: () => Promise<readonly RunnerProblem[]>,
): Promise<readonly RunnerProblem[]> {
  try {
    return await work();
  } catch (thrown) {
    const error = toOpusError(thrown);
    dependencies.log.warn({ err: thrown, code: error.code }, `${what} could not be put in order: ${error.message}`);
    return [{ code: error.code, message: `${what} could not be put in order: ${error.message}`, hint: error.hint }];
  }
}

/** Adds to the archive and says so where a file of it could not be read any more. */
export async function addTo(
  { archive, dependencies }: HistoryUpkeep,
  records: readonly ArchiveRecord[],
): Promise<void> {
  for (const file of await archive.add(records)) {
    dependencies.log.error({ file }, `The archive's file is damaged; it was kept as ${file}, and a new one begun.`);
  }
}

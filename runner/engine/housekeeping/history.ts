import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import { archivedJob } from './archived-job.ts';
import { deleteBranch } from './branches.ts';
import { removeOldReports } from './reports.ts';
import { addTo, isOver, part, repositoriesOf, type HistoryUpkeep } from './upkeep.ts';

export interface History {
  /** Moves what is old out of the registry and the vault into the archive. */
  shorten(): Promise<readonly RunnerProblem[]>;
}

const jobsAtOnce = 50;

export function createHistory(upkeep: HistoryUpkeep): History {
  const { dependencies } = upkeep;
  const { registry, vault, worktrees, files, clock, log } = dependencies;

  async function jobs(): Promise<RunnerProblem[]> {
    const before = clock.now() - dependencies.config.history.keep;
    const untold = new Set(registry.outbox().map(({ jobId }) => jobId));
    const due = registry
      .jobs({ finished: true })
      .filter((job) => job.updatedAt < before && !untold.has(job.id) && isOver(upkeep, job.id));
    if (due.length === 0) return [];
    const reports = new Map((await vault.reports()).map(({ name, path }) => [name, path]));
    for (let start = 0; start < due.length; start += jobsAtOnce) {
      const some = due.slice(start, start + jobsAtOnce);
      const records = [];
      for (const job of some) {
        const path = reports.get(job.id);
        records.push(archivedJob(registry, job, path === undefined ? null : await vault.readNote(path)));
      }
      await addTo(upkeep, records);
      for (const job of some) await forget(job);
    }
    log.info(
      { jobs: due.length },
      `${due.length === 1 ? 'A finished job was' : `${due.length} finished jobs were`} moved into the archive.`,
    );
    return [];
  }

  /** Each step may be repeated: until the last one the job is still known, and comes round again. */
  async function forget(job: Job): Promise<void> {
    const address = repositoriesOf(upkeep).find(({ name }) => name === job.repository);
    const isSame = (): boolean => registry.job(job.id)?.updatedAt === job.updatedAt && isOver(upkeep, job.id);
    if (!isSame()) return;
    await part(upkeep, `What is left of ${job.id}`, async () => {
      await worktrees.remove(job.id, isSame);
      await files.removeJob(job.id);
      if (address === undefined) return [];
      const kept = job.headCommit === null ? null : await worktrees.kept(address, job.id);
      if (kept !== null && isSame()) await worktrees.forget(address, job.id, kept);
      if (job.status === 'canceled' && isSame()) await deleteBranch(dependencies, address, job);
      return [];
    });
    // A person may have let it go on meanwhile; what is archived then is how it was.
    if (isSame()) registry.forgetJob(job.id);
  }

  async function logs(): Promise<RunnerProblem[]> {
    const known = new Set(registry.jobs({ finished: true }).map(({ id }) => id));
    await upkeep.pruneLogs(known, clock.now() - dependencies.config.history.keep);
    return [];
  }

  return {
    async shorten() {
      const found = [
        await part(upkeep, 'The history of jobs', jobs),
        await part(upkeep, 'The run reports', () => removeOldReports(upkeep)),
        await part(upkeep, 'The logs of jobs', logs),
      ];
      return found.flat();
    },
  };
}

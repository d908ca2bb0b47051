import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { RepositoryAddress } from '../core/ports/worktrees.ts';
import { wantsToGoOn } from '../core/scheduling/wanted-slot.ts';
import { goingOn, pause, pauseFields, resume } from './job-control.ts';
import { generationOf } from './generation.ts';
import { recordJob } from './job-recorder.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';

/** Hands what the job has made so far to a person, in a clone of its own; the job waits until it is given back. */
export async function checkOut(
  dependencies: EngineDependencies,
  running: RunningJobs,
  job: Job,
  folder: string,
): Promise<Job> {
  const { registry, worktrees } = dependencies;
  refuseFinished(job);
  if (job.checkout !== null) {
    throw new OpusError('registry.not-pausable', `${job.id} is checked out in ${job.checkout} already.`, {
      hint: `Take the commits back with: opus job return ${job.id}`,
    });
  }
  // Paused before anything else: a job that was only stopped would get a slot again while its work is handed over.
  const wasGoingOn = wantsToGoOn(job);
  if (wasGoingOn) await pause(dependencies, running, job);
  const current = registry.job(job.id) ?? job;
  refuseFinished(current);
  let commit: string;
  try {
    const repository = addressOf(dependencies, current);
    commit = current.headCommit ?? current.baseCommit ?? (await worktrees.fetch(repository, current.base));
    await worktrees.keep(repository, job.id, commit);
    await worktrees.checkOut({ repository, job: job.id, branch: current.branch, folder });
  } catch (thrown) {
    if (wasGoingOn) resume(dependencies, running, current);
    throw thrown;
  }
  return recordJob(registry, null, current, {
    fields: {
      ...pauseFields,
      pausedBy: 'checkout',
      checkout: folder,
      headCommit: current.headCommit ?? null,
      baseCommit: current.baseCommit ?? commit,
      gate: null,
    },
    events: [['job.paused', { by: 'checkout', folder }]],
  });
}

function refuseFinished(job: Job): void {
  if (!isFinished(job.status)) return;
  throw new OpusError('registry.not-pausable', `${job.id} is ${job.status}: there is nothing to work on.`, {
    hint: `Begin anew with: opus run ${job.featureRequestId} --again`,
  });
}

/** Takes a person's commits back: the job goes on with its tests where there are any, else from the beginning. */
export async function takeBack(dependencies: EngineDependencies, running: RunningJobs, job: Job): Promise<Job> {
  const { registry, worktrees, clock } = dependencies;
  if (job.checkout === null) {
    throw new OpusError('registry.not-pausable', `${job.id} is not checked out.`, {
      hint: `Hand it to yourself with: opus job checkout ${job.id} --dir FOLDER`,
    });
  }
  const repository = addressOf(dependencies, job);
  const given = job.headCommit ?? job.baseCommit;
  if (given === null) throw new OpusError('internal.unexpected', `${job.id} was checked out without a commit.`);
  const { checkout: folder, branch } = job;
  const commit = await worktrees.takeBack({ repository, job: job.id, folder, branch, base: given });
  await worktrees.keep(repository, job.id, commit);
  const { stages } = dependencies.confirmed().policy;
  const hasChange = commit !== job.baseCommit;
  const from = hasChange ? (stages[stages.indexOf('code') + 1] ?? 'deliver') : null;
  const generation = generationOf(registry, job.id);
  running.allow(job.id);
  return recordJob(registry, `${job.id}/retry/${generation}`, job, {
    fields: {
      ...goingOn(dependencies, job),
      ...(hasChange ? { headCommit: commit } : {}),
      checkout: null,
      run: job.run + 1,
    },
    events: [['job.resumed', { by: 'person', from, commit }]],
    ...(from === null
      ? {}
      : { also: { retry: { jobId: job.id, from, rounds: null, comment: '', at: clock.now(), generation } } }),
  });
}

function addressOf({ config }: EngineDependencies, job: Job): RepositoryAddress {
  const url = config.repos[job.repository]?.url;
  if (url !== undefined) return { name: job.repository, url };
  throw new OpusError('git.repository-missing', `opus.yml names no repository "${job.repository}" any more.`, {
    hint: `Add repos.${job.repository} to opus.yml.`,
  });
}

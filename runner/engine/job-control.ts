import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { wantsToGoOn } from '../core/scheduling/wanted-slot.ts';
import { cancel } from './control.ts';
import { recordJob } from './job-recorder.ts';
import type { StatusClash } from './outbox.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';

function standing(job: Job): string {
  return job.waitingFor === null ? job.status : `${job.status} for ${job.waitingFor}`;
}

export const pauseFields = {
  status: 'paused',
  waitingFor: null,
  runState: 'paused',
  error: null,
  holdUntil: null,
} as const;

/** Stops the job's agent at its last checkpoint; the job stays so until a person resumes it. */
export async function pause(dependencies: EngineDependencies, running: RunningJobs, job: Job): Promise<Job> {
  if (job.status === 'paused' && job.pausedBy !== 'preemption') return job;
  const rests = job.status === 'waiting' && (job.waitingFor === 'approval' || job.waitingFor === 'human');
  if (isFinished(job.status) || rests) {
    throw new OpusError('registry.not-pausable', `${job.id} is ${standing(job)}: there is nothing to pause.`, {
      hint: `opus job show ${job.id} tells where it is.`,
    });
  }
  const paused = recordJob(dependencies.registry, null, job, {
    fields: { ...pauseFields, pausedBy: 'person' },
    events: [['job.paused', { by: 'person' }]],
  });
  running.stop(job.id);
  await running.settled(job.id);
  return dependencies.registry.job(job.id) ?? paused;
}

/** Lets a paused job go on as soon as it gets a slot. */
export function resume(dependencies: EngineDependencies, running: RunningJobs, job: Job): Job {
  if (job.status !== 'paused') {
    throw new OpusError('registry.not-pausable', `${job.id} is ${standing(job)}, not paused.`, {
      hint: `opus job show ${job.id} tells where it is.`,
    });
  }
  if (job.pausedBy === 'checkout') {
    throw new OpusError('registry.not-pausable', `${job.id} is checked out in ${job.checkout ?? 'a folder'}.`, {
      hint: `Take the commits back with: opus job return ${job.id}`,
    });
  }
  if (job.pausedBy === 'preemption') return job;
  running.allow(job.id);
  return recordJob(dependencies.registry, null, job, {
    fields: goingOn(dependencies, job),
    events: [['job.resumed', { by: 'person' }]],
  });
}

/** A job that wants a slot again, from now on. */
export function goingOn({ clock }: EngineDependencies, job: Job): Partial<Job> {
  const begun = job.admittedAt !== null;
  return {
    status: begun ? 'waiting' : 'queued',
    waitingFor: begun ? 'slot' : null,
    runState: begun ? 'waiting' : 'queued',
    pausedBy: null,
    holdUntil: null,
    error: null,
    queuedAt: clock.now(),
  };
}

/** Ends the job at a person's word, after whatever it does has stopped. */
export async function stopAndCancel(
  dependencies: EngineDependencies,
  running: RunningJobs,
  job: Job,
  reason: string,
  noteStatus: 'parked' | null,
): Promise<Job> {
  if (isFinished(job.status)) {
    throw new OpusError('registry.not-retryable', `${job.id} is ${job.status} already.`, {
      hint: `Begin anew with: opus run ${job.featureRequestId} --again`,
    });
  }
  // While its pull request is closed, a job that was only stopped would get a slot again.
  if (wantsToGoOn(job))
    dependencies.registry.commit(null, null, {
      updateJob: { id: job.id, fields: { ...pauseFields, pausedBy: 'person' } },
    });
  running.stop(job.id);
  await running.settled(job.id);
  const current = dependencies.registry.job(job.id) ?? job;
  if (isFinished(current.status)) return current;
  return await cancel(dependencies, current, reason, noteStatus);
}

/** Parked or rejected by a person in the note means: stop. Any other word of theirs simply stays. */
export async function cancelByClash(
  dependencies: EngineDependencies,
  running: RunningJobs,
  clash: StatusClash,
): Promise<void> {
  const job = dependencies.registry.job(clash.jobId);
  if (job === null || isFinished(job.status)) return;
  if (clash.found === 'parked' || clash.found === 'rejected') {
    await stopAndCancel(dependencies, running, job, `the note's status was set to ${clash.found}`, null);
    return;
  }
  dependencies.progress({
    job: job.id,
    stage: job.runState,
    round: 0,
    kind: 'note',
    text: `the note's status was changed to "${clash.found}" by a person and stays`,
  });
}

/** Leaves out what the job waits for; a job that counts as begun waits for no dependency. */
export function unblock(dependencies: EngineDependencies, job: Job): Job {
  requireHeld(job);
  const { clock, registry } = dependencies;
  return recordJob(registry, null, job, {
    fields: {
      ...goingOn(dependencies, { ...job, admittedAt: clock.now() }),
      admittedAt: clock.now(),
      // A job that has made nothing yet begins on the base as it is then.
      ...(job.headCommit === null ? { baseCommit: null } : {}),
    },
    events: [['job.resumed', { by: 'person' }]],
  });
}

/** Whether a job waits for something that a person may decide not to wait for. */
function requireHeld(job: Job): void {
  const waits =
    job.status === 'waiting' &&
    ['dependency', 'usage-limit', 'circuit', 'disk', 'forge'].includes(job.waitingFor ?? '');
  if (waits || (job.status === 'waiting' && job.waitingFor === 'slot') || job.status === 'queued') return;
  throw new OpusError(
    'registry.not-retryable',
    `${job.id} is ${standing(job)}: nothing holds it up that could be left out.`,
    {
      hint:
        job.waitingFor === 'human'
          ? `Go on with: opus job retry ${job.id}`
          : job.waitingFor === 'approval'
            ? `Decide with: opus approve ${job.featureRequestId}`
            : `opus job show ${job.id} tells where it is.`,
    },
  );
}

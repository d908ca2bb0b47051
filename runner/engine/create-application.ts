import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest, FeatureRequestNote } from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { jobDocumentOf } from '../core/reporting/job-document.ts';
import { slotFor, wantsToGoOn } from '../core/scheduling/wanted-slot.ts';
import type { Application } from './application.ts';
import { checkOut, takeBack } from './checkout.ts';
import { decide, recover, retry, takeNoteDecision } from './control.ts';
import { dispatch } from './dispatcher.ts';
import { expectedOf } from './expected.ts';
import { holdDependents, revertJob } from './revert.ts';
import { pause, resume, stopAndCancel, unblock } from './job-control.ts';
import { recordJob } from './job-recorder.ts';
import type { JobRuntime } from './job-runtime.ts';
import { nextOf } from './next-of-job.ts';

/** A job in back-off is looked at this often. */
const lookMs = 100;

export function createApplication(runtime: JobRuntime): Application {
  const { dependencies, engine, running } = runtime;
  const requireJob = (name: string): Job => runtime.requireJob(name);
  const tell = (): Promise<void> => runtime.tell();
  const { registry, vault, worktrees, clock } = dependencies;

  /** Records something about a job, tells the vault, and lets whoever decides about slots look. */
  const recorded = async (record: Job | Promise<Job>): Promise<Job> => {
    const job = await record;
    // Without a slot nothing runs, so that a workflow in back-off must look to give its slot back.
    if (isFinished(job.status) || job.slot !== null || slotFor(nextOf(dependencies, job.id)) === null)
      await runtime.wake(job);
    runtime.changed();
    await tell();
    return registry.job(job.id) ?? job;
  };

  const giveSlot = (job: Job): void => {
    const slot = slotFor(nextOf(dependencies, job.id));
    if (slot === null || job.slot !== null) return;
    const fields = { slot, admittedAt: clock.now(), pausedBy: null } as const;
    const status = job.status === 'queued' ? 'queued' : 'running';
    registry.commit(null, null, { updateJob: { id: job.id, fields: { ...fields, status, waitingFor: null } } });
  };

  return {
    async recover() {
      recover(dependencies);
      await tell();
    },
    featureRequests: () => vault.scan(),
    async expected(featureRequestId) {
      const all = await vault.scan();
      const sources = { registry, config: dependencies.config, now: clock.now() };
      return expectedOf(sources, requireFeatureRequest(all, featureRequestId), all);
    },
    async dispatch(featureRequestId, options) {
      const all = await vault.scan();
      const featureRequest = requireFeatureRequest(all, featureRequestId);
      const newest = registry.newestJobOf(featureRequestId);
      if (newest && !isFinished(newest.status)) {
        const askedAgain = newest.waitingFor === 'human' && featureRequest.status === 'planned';
        if (!options.again && !askedAgain) return newest;
        await stopAndCancel(dependencies, running, newest, 'superseded by a new dispatch', null);
        await tell();
      }
      const note =
        (await vault.read(featureRequest.path)) ?? requireFeatureRequest<FeatureRequestNote>([], featureRequestId);
      const fresh = options.again || newest ? note : { ...featureRequest, body: note.body };
      const dispatchable = options.again
        ? { ...fresh, status: 'planned' as const, problems: featureRequest.problems }
        : { ...fresh, problems: featureRequest.problems };
      const { waitForDependencies = false } = options;
      const seen = fresh.status ?? 'planned';
      const job = await dispatch(dependencies, dispatchable, all, seen, { waitForDependencies });
      runtime.changed();
      await tell();
      return job;
    },
    async work(jobId, options) {
      running.allow(jobId);
      const stop = (): void => {
        running.stop(jobId);
      };
      options.signal.addEventListener('abort', stop, { once: true });
      try {
        for (;;) {
          const before = requireJob(jobId);
          if (before.waitingFor === 'approval' && options.approve !== null) {
            await decide(dependencies, before, 'approve', '', options.approve);
          } else if (!isWorking(before)) break;
          giveSlot(requireJob(jobId));
          await runtime.wake(requireJob(jobId));
          await engine.tick();
          await engine.idle();
          if (options.signal.aborted) break;
          const after = requireJob(jobId);
          if (isWorking(after)) await delay(lookMs, options.signal);
        }
      } finally {
        options.signal.removeEventListener('abort', stop);
        await tell();
      }
      return requireJob(jobId);
    },
    takeNoteDecision: (jobId) => recorded(takeNoteDecision(dependencies, requireJob(jobId))),
    decide: (jobId, kind, comment, actor, shown) =>
      recorded(decide(dependencies, requireJob(jobId), kind, comment, actor, shown)),
    retry: async (jobId, options) => await recorded(retry(dependencies, requireJob(jobId), options)),
    pause: (jobId) => recorded(pause(dependencies, running, requireJob(jobId))),
    resume: async (jobId) => await recorded(resume(dependencies, running, requireJob(jobId))),
    unblock: async (jobId) => await recorded(unblock(dependencies, requireJob(jobId))),
    async checkOut(jobId, folder) {
      try {
        return await recorded(checkOut(dependencies, running, requireJob(jobId), folder));
      } finally {
        // Where it was refused, the job wants to go on.
        runtime.changed();
      }
    },
    takeBack: (jobId) => recorded(takeBack(dependencies, running, requireJob(jobId))),
    async revert(jobId, comment) {
      const job = await revertJob(dependencies, requireJob(jobId), comment);
      await holdDependents(dependencies, running, job, await vault.scan());
      runtime.changed();
      await tell();
      return registry.job(job.id) ?? job;
    },
    cancel: (jobId, reason) => recorded(stopAndCancel(dependencies, running, requireJob(jobId), reason, 'parked')),
    giveUp(jobId, error) {
      const job = registry.job(jobId);
      if (job === null || isFinished(job.status)) return;
      recordJob(registry, null, job, {
        fields: {
          status: 'waiting',
          waitingFor: 'human',
          runState: 'waiting',
          gate: null,
          error: { ...error.summary(), hint: error.hint ?? `Go on with: opus job retry ${jobId}` },
        },
        events: [['job.waiting', { waitingFor: 'human', error: { ...error.summary() } }]],
        also: { interruptAttempts: { jobId, exceptOwner: '' } },
      });
    },
    job: requireJob,
    jobs: () => registry.jobs({ finished: true }),
    attempts: (jobId) => registry.attempts(jobId),
    document(jobId) {
      return jobDocumentOf(registry, requireJob(jobId), clock.now());
    },
    subscribeOutput: (name, listener) =>
      dependencies.live.subscribe(name === null ? null : requireJob(name).id, listener),
    async diff(jobId) {
      const job = requireJob(jobId);
      const url = dependencies.config.repos[job.repository]?.url;
      if (url === undefined || job.headCommit === null || job.baseCommit === null) {
        throw new OpusError('registry.job-not-found', `${job.id} has no change to show yet.`, {
          hint: `opus job show ${job.id} tells where it is.`,
        });
      }
      const repository = { name: job.repository, url };
      return {
        text: await worktrees.diff(repository, job.baseCommit, job.headCommit, 5_000_000),
        stat: await worktrees.diffStat(repository, job.baseCommit, job.headCommit),
      };
    },
  };
}

function requireFeatureRequest<Note extends FeatureRequest>(all: readonly Note[], id: string): Note {
  const found = all.filter((featureRequest) => featureRequest.id === id);
  const best = found.find((featureRequest) => featureRequest.problems.every((problem) => problem.severity !== 'error'));
  const featureRequest = best ?? found[0];
  if (featureRequest) return featureRequest;
  throw new OpusError('vault.fr-not-found', `No note in the vault has the id ${id}.`, {
    hint: 'opus fr list names them; opus fr validate says what is wrong with the others.',
  });
}

/** A foreground run is alone with its job: what a service would weigh up, it simply goes on with. */
function isWorking(job: Job): boolean {
  const waitsForNothingElse = job.waitingFor === null || job.waitingFor === 'slot' || job.waitingFor === 'disk';
  return wantsToGoOn(job) && waitsForNothingElse;
}

function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}

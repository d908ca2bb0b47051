import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { WorkflowEngine } from '../core/ports/workflow-engine.ts';
import { jobDocumentOf } from '../core/reporting/job-document.ts';
import type { Application } from './application.ts';
import { cancel, cancelByClash, decide, recover, retry, takeNoteDecision } from './control.ts';
import { dispatch } from './dispatcher.ts';
import { createOutbox } from './outbox.ts';
import { createPipeline, topicOf } from './pipeline-workflow.ts';
import { recordJob } from './job-recorder.ts';
import type { EngineDependencies } from './stage-context.ts';

/** A job in back-off is looked at this often. */
const lookMs = 100;

export function createApplication(dependencies: EngineDependencies, engine: WorkflowEngine): Application {
  const { registry, vault, worktrees, config, clock } = dependencies;
  const controllers = new Map<string, AbortController>();
  const outbox = createOutbox(dependencies);

  /** One that was aborted stays so until `work` is asked for again, so that nothing more is begun. */
  const controllerOf = (jobId: string): AbortController => {
    let controller = controllers.get(jobId);
    if (!controller) {
      controller = new AbortController();
      controllers.set(jobId, controller);
    }
    return controller;
  };

  const tell = async (): Promise<void> => {
    for (const clash of await outbox.flush()) await cancelByClash(dependencies, clash, controllerOf(clash.jobId));
    await outbox.flush();
  };

  engine.register(
    createPipeline(dependencies, {
      outbox,
      signalOf: (jobId) => controllerOf(jobId).signal,
      afterFlush: async (clashes) => {
        for (const clash of clashes) await cancelByClash(dependencies, clash, controllerOf(clash.jobId));
      },
      succeed: async (jobId) => {
        const job = requireJob(jobId);
        beginRun(job);
        await engine.start(jobId, job.run + 1);
      },
    }),
  );

  function requireJob(name: string): Job {
    const job = registry.job(name) ?? registry.newestJobOf(name);
    if (job) return job;
    throw new OpusError(
      'registry.job-not-found',
      `There is no job "${name}" and no feature request of that name was dispatched.`,
      {
        hint: 'opus job list names the jobs; opus fr list the feature requests.',
      },
    );
  }

  function beginRun(job: Job): void {
    registry.commit(`${job.id}/run/${job.run + 1}`, null, { updateJob: { id: job.id, fields: { run: job.run + 1 } } });
  }

  const wake = async (job: Job): Promise<void> => {
    await engine.start(job.id, job.run);
    await engine.signal(topicOf(job.id));
  };

  return {
    async recover() {
      recover(dependencies);
      await tell();
    },
    featureRequests: () => vault.scan(),
    async dispatch(featureRequestId, options) {
      const all = await vault.scan();
      const featureRequest = requireFeatureRequest(all, featureRequestId);
      const newest = registry.newestJobOf(featureRequestId);
      if (newest && !isFinished(newest.status)) {
        const askedAgain = newest.waitingFor === 'human' && featureRequest.status === 'planned';
        if (!options.again && !askedAgain) return newest;
        await cancel(dependencies, newest, 'superseded by a new dispatch', null);
        await tell();
      }
      const fresh =
        options.again || newest ? ((await vault.read(featureRequest.path)) ?? featureRequest) : featureRequest;
      const dispatchable = options.again
        ? { ...fresh, status: 'planned' as const, problems: featureRequest.problems }
        : { ...fresh, problems: featureRequest.problems };
      const job = await dispatch(dependencies, dispatchable, all, fresh.status ?? 'planned');
      await tell();
      return job;
    },
    async work(jobId, options) {
      controllers.delete(jobId);
      const stop = (): void => {
        controllerOf(jobId).abort();
      };
      options.signal.addEventListener('abort', stop, { once: true });
      try {
        for (;;) {
          const before = requireJob(jobId);
          if (before.waitingFor === 'approval' && options.approve !== null) {
            await decide(dependencies, before, 'approve', '', options.approve);
          } else if (!isWorking(before)) break;
          await wake(requireJob(jobId));
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
    async takeNoteDecision(jobId) {
      const job = await takeNoteDecision(dependencies, requireJob(jobId));
      await tell();
      return job;
    },
    async decide(jobId, kind, comment, actor) {
      const job = await decide(dependencies, requireJob(jobId), kind, comment, actor);
      await tell();
      return job;
    },
    async retry(jobId, options) {
      const job = retry(dependencies, requireJob(jobId), options);
      await tell();
      return job;
    },
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
      const job = requireJob(jobId);
      return jobDocumentOf(job, registry.attempts(job.id), clock.now());
    },
    async diff(jobId) {
      const job = requireJob(jobId);
      const url = config.repos[job.repository]?.url;
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

function requireFeatureRequest(all: Awaited<ReturnType<Application['featureRequests']>>, id: string) {
  const found = all.filter((featureRequest) => featureRequest.id === id);
  const best = found.find((featureRequest) => featureRequest.problems.every((problem) => problem.severity !== 'error'));
  const featureRequest = best ?? found[0];
  if (featureRequest) return featureRequest;
  throw new OpusError('vault.fr-not-found', `No note in the vault has the id ${id}.`, {
    hint: 'opus fr list names them; opus fr validate says what is wrong with the others.',
  });
}

function isWorking(job: Job): boolean {
  return job.status === 'queued' || job.status === 'running';
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

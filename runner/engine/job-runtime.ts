import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { WorkflowEngine } from '../core/ports/workflow-engine.ts';
import { createAbsentNotes, type AbsentNotes } from './absent-notes.ts';
import { cancelByClash } from './job-control.ts';
import { createOutbox, type Outbox, type StatusClash } from './outbox.ts';
import { createPipeline, topicOf } from './pipeline-workflow.ts';
import { createRunningJobs, type RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';
import { after } from './until.ts';

/** A runner that stops waits no longer than this for a device that writes for it. */
const lastWordsMs = 2_000;

/** What both a foreground run and the service work jobs with. */
export interface JobRuntime {
  readonly dependencies: EngineDependencies;
  readonly engine: WorkflowEngine;
  readonly running: RunningJobs;
  /** By job id, or by FR id for its newest job. Rejects with `registry.job-not-found`. */
  requireJob(name: string): Job;
  readonly absent: AbsentNotes;
  /** Lets the job's workflow look at the registry again, beginning its run where that has not begun. */
  wake(job: Job): Promise<void>;
  /** Tells the vault what it was not told. */
  tell(): Promise<void>;
  /** From now on nothing more begins; what runs may end. */
  closeDoors(): void;
  /** Called when a job has changed, or has given back its slot: somebody may want to decide anew. Must not throw. */
  onChange(listener: () => void): void;
  changed(): void;
}

/** Registers the pipeline with the engine, which can be done once. */
export function createJobRuntime(dependencies: EngineDependencies, engine: WorkflowEngine): JobRuntime {
  const { registry, log } = dependencies;
  const running = createRunningJobs();
  const outbox = createOutbox(dependencies);
  const absent = createAbsentNotes(dependencies);
  const listeners: (() => void)[] = [];
  const isWrittenElsewhere = dependencies.config.vault.writer === 'plugin';
  let telling: Promise<void> | null = null;
  let tellAgain = false;
  let doorsAreOpen = true;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const takeClashes = async (clashes: readonly StatusClash[]): Promise<void> => {
    for (const clash of clashes) {
      try {
        await cancelByClash(dependencies, running, clash);
      } catch (thrown) {
        log.error({ err: thrown, job: clash.jobId }, `A clash could not be taken up: ${toOpusError(thrown).message}`);
      }
    }
  };

  const tell = async (): Promise<void> => {
    await takeClashes(await outbox.flush());
    await outbox.flush();
  };

  /** Nobody waits for a device that may be asleep: what it was not told stays in the outbox. */
  const tellMeanwhile = (): void => {
    tellAgain = true;
    telling ??= (async () => {
      try {
        while (tellAgain && doorsAreOpen) {
          tellAgain = false;
          await tell();
        }
      } catch (thrown) {
        log.error({ err: thrown }, `The vault could not be told: ${toOpusError(thrown).message}`);
      } finally {
        telling = null;
      }
    })();
  };

  const flushMeanwhile: Outbox['flush'] = () => {
    tellMeanwhile();
    return Promise.resolve([]);
  };

  const requireJob = (name: string): Job => {
    const job = registry.job(name) ?? registry.newestJobOf(name);
    if (job) return job;
    throw new OpusError(
      'registry.job-not-found',
      `There is no job "${name}" and no feature request of that name was dispatched.`,
      { hint: 'opus job list names the jobs; opus fr list the feature requests.' },
    );
  };

  engine.register(
    createPipeline(dependencies, {
      outbox: isWrittenElsewhere ? { flush: flushMeanwhile } : outbox,
      running,
      absent,
      mayBegin: () => doorsAreOpen,
      rested: (jobId) => {
        dependencies.live.release(jobId);
        changed();
      },
      afterFlush: takeClashes,
      succeed: async (jobId) => {
        const job = requireJob(jobId);
        registry.commit(`${job.id}/run/${job.run + 1}`, null, {
          updateJob: { id: job.id, fields: { run: job.run + 1 } },
        });
        await engine.start(jobId, job.run + 1);
      },
    }),
  );

  return {
    dependencies,
    engine,
    running,
    absent,
    requireJob,
    async wake(job) {
      await engine.start(job.id, job.run);
      await engine.signal(topicOf(job.id));
    },
    async tell() {
      if (!isWrittenElsewhere) await tell();
      else if (doorsAreOpen) tellMeanwhile();
      else await Promise.race([telling, after(lastWordsMs)]);
    },
    closeDoors() {
      doorsAreOpen = false;
    },
    onChange(listener) {
      listeners.push(listener);
    },
    changed,
  };
}

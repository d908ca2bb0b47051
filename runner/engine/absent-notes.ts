import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { recordJob } from './job-recorder.ts';
import { noteOfJob } from './note-of-job.ts';
import type { EngineDependencies } from './stage-context.ts';

/** Jobs whose note, or whose whole vault, was not there when they wanted to go on. */
export interface AbsentNotes {
  /**
   * From now on such a job waits for its note, and `onAbsent` is called for it; where nobody looks again, it fails instead.
   * A note that stays away cancels its job, which is decided elsewhere.
   */
  expectReturn(onAbsent: () => void): void;
  isExpected(): boolean;
  /** Whether the job can go on now; records that it waits where it cannot. */
  isThere(job: Job): Promise<boolean>;
  has(jobId: string): boolean;
  /** The jobs that waited for one of these notes, and wait no more. */
  takeReturned(notes: readonly FeatureRequest[]): readonly Job[];
}

export function createAbsentNotes(dependencies: EngineDependencies): AbsentNotes {
  const { registry } = dependencies;
  const absent = new Set<string>();
  let onAbsent: (() => void) | null = null;

  function wait(job: Job, away: string): void {
    const error = {
      code: 'vault.fr-not-found',
      message: `${job.id} waits, since ${away}`,
      hint: 'It goes on by itself when that is there again.',
    } as const;
    recordJob(registry, null, job, {
      fields: { status: 'waiting', waitingFor: 'slot', runState: 'waiting', error },
      events: [['job.waiting', { waitingFor: 'slot', error }]],
    });
    absent.add(job.id);
  }

  return {
    expectReturn(listener) {
      onAbsent = listener;
    },
    isExpected: () => onAbsent !== null,
    async isThere(job) {
      if (onAbsent === null) return true;
      try {
        if ((await noteOfJob(dependencies, job)) !== null) return true;
        wait(job, `its note ${job.notePath} is not there.`);
      } catch (thrown) {
        if (!isAway(thrown)) throw thrown;
        wait(job, thrown.message.replace(/^The vault/, 'the vault').replace(/^The folder/, 'the folder'));
      }
      onAbsent();
      return false;
    },
    has: (jobId) => absent.has(jobId),
    takeReturned(notes) {
      const returned: Job[] = [];
      for (const id of absent) {
        const job = registry.job(id);
        if (job !== null && !isFinished(job.status) && !isAmong(notes, job)) continue;
        absent.delete(id);
        if (job !== null) returned.push(job);
      }
      return returned;
    },
  };
}

/** What says that a job's note, or the whole vault, is not there. */
export function isAway(thrown: unknown): thrown is OpusError {
  return thrown instanceof OpusError && (thrown.code === 'vault.not-found' || thrown.code === 'vault.fr-not-found');
}

/** As a job finds its note: at its path, or elsewhere when there is but one. */
function isAmong(notes: readonly FeatureRequest[], job: Job): boolean {
  const same = notes.filter(({ id }) => id === job.featureRequestId);
  return same.length === 1 || same.some(({ path }) => path === job.notePath);
}

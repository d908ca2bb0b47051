import type { Attempt } from '../core/ports/job-registry.ts';

/** What this process works on right now, and the way to stop it. */
export interface RunningJobs {
  /** Aborted when the job is to stop; a new one after `allow`. */
  signalOf(jobId: string): AbortSignal;
  /** Stops what the job does here; nothing more of it begins until `allow`. */
  stop(jobId: string): void;
  allow(jobId: string): void;
  /** Tells of an attempt that begins; the returned function must be called when it ended. */
  begin(attempt: Attempt): () => void;
  attempts(): readonly Attempt[];
  /** Settles when the job has no attempt here, at once when it has none. */
  settled(jobId: string): Promise<void>;
  allSettled(): Promise<void>;
}

export function createRunningJobs(): RunningJobs {
  const controllers = new Map<string, AbortController>();
  const running = new Map<string, { readonly attempt: Attempt; readonly ended: Promise<void> }>();

  const controllerOf = (jobId: string): AbortController => {
    const known = controllers.get(jobId);
    if (known) return known;
    const controller = new AbortController();
    controllers.set(jobId, controller);
    return controller;
  };

  const settled = async (concerns: (attempt: Attempt) => boolean): Promise<void> => {
    const ends = [...running.values()].filter(({ attempt }) => concerns(attempt)).map(({ ended }) => ended);
    await Promise.all(ends);
  };

  return {
    signalOf: (jobId) => controllerOf(jobId).signal,
    stop: (jobId) => {
      controllerOf(jobId).abort();
    },
    allow: (jobId) => {
      if (controllers.get(jobId)?.signal.aborted === true) controllers.delete(jobId);
    },
    begin(attempt) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      running.set(attempt.id, { attempt, ended: promise });
      return () => {
        running.delete(attempt.id);
        // Only a wish to stop is remembered, so that a runner of months does not remember every job.
        if (controllers.get(attempt.jobId)?.signal.aborted === false) controllers.delete(attempt.jobId);
        resolve(undefined);
      };
    },
    attempts: () => [...running.values()].map(({ attempt }) => attempt),
    settled: (jobId) => settled((attempt) => attempt.jobId === jobId),
    allSettled: () => settled(() => true),
  };
}

import type { JobRuntime } from './job-runtime.ts';

export interface Heartbeat {
  /** Prolongs what this process holds, and stops what it holds no more. */
  beat(): void;
}

/**
 * Leases are prolonged from the real event loop. A runner that was asleep for longer than its lease finds out here
 * whether its attempts are still its own; where they are not, their agents are ended.
 */
export function createHeartbeat(runtime: JobRuntime): Heartbeat {
  const { dependencies, running } = runtime;
  const { registry, clock, owner, log } = dependencies;

  /** An attempt whose owner has stopped prolonging it is nobody's any more; its job goes on here. */
  function takeOver(): void {
    for (const id of registry.interruptExpired(clock.now(), owner)) {
      const jobId = id.split('.')[0] ?? '';
      const job = registry.job(jobId);
      log.warn({ job: jobId, attempt: id }, `The lease of ${id} ran out; its stage is begun again.`);
      if (job) void runtime.wake(job).catch(() => undefined);
    }
  }

  return {
    beat() {
      // Seen before the registry is asked, so that one which begins meanwhile is not taken for lost.
      const here = running.attempts();
      const held = new Set(registry.heartbeat(owner, clock.now() + dependencies.config.timeouts.lease));
      for (const attempt of here) {
        if (held.has(attempt.id)) continue;
        const recorded = registry.attempts(attempt.jobId).find(({ id }) => id === attempt.id);
        if (recorded?.status !== 'interrupted') continue;
        log.warn(
          { job: attempt.jobId, stage: attempt.stage },
          `${attempt.id} is held by another runner now; it is stopped here.`,
        );
        running.stop(attempt.jobId);
      }
      takeOver();
    },
  };
}

import { retryDelay, type RetryPolicy } from '../core/pipeline/retry-delay.ts';

/** Remembers until when a job that failed waits before it tries again. */
export interface BackOff {
  /** Milliseconds until the attempt may begin, 0 when it may: counted from the first time it is asked for. */
  left(jobId: string, attemptId: string, failures: number): number;
}

/**
 * By a clock that nobody sets, so that no change of the wall clock makes the wait a day longer. It is forgotten with the
 * process: whoever starts a runner anew wants it to try now.
 */
export function createBackOff(policy: () => RetryPolicy, now: () => number = () => performance.now()): BackOff {
  const waits = new Map<string, { readonly attemptId: string; readonly until: number }>();
  return {
    left(jobId, attemptId, failures) {
      if (failures === 0) {
        waits.delete(jobId);
        return 0;
      }
      let wait = waits.get(jobId);
      if (wait?.attemptId !== attemptId) {
        wait = { attemptId, until: now() + retryDelay(failures, policy(), Math.random()) };
        waits.set(jobId, wait);
      }
      return Math.max(0, Math.ceil(wait.until - now()));
    },
  };
}

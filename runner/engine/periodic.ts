import { toOpusError } from '#shared/domain/errors.ts';
import type { Log } from '../core/ports/log.ts';

export interface Periodic {
  /** Runs the task again and again, `everyMs` after its last end; the first time after `firstMs`. A task that fails is logged and comes again. */
  every(name: string, everyMs: () => number, task: () => Promise<void> | void, firstMs?: number): void;
  /** Nothing begins any more; settles when what runs has ended. */
  stop(): Promise<void>;
}

const longestTimerMs = 2 ** 31 - 1;

export function createPeriodic(log: Log): Periodic {
  const timers = new Map<string, NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  let stopped = false;

  const plan = (name: string, everyMs: () => number, task: () => Promise<void> | void, delayMs: number): void => {
    if (stopped) return;
    const timer = setTimeout(
      () => {
        const run = (async () => {
          try {
            await task();
          } catch (thrown) {
            log.error({ err: thrown, task: name }, `${name} failed: ${toOpusError(thrown).message}`);
          }
        })();
        running.add(run);
        void run.then(() => {
          running.delete(run);
          plan(name, everyMs, task, everyMs());
        });
      },
      Math.min(Math.max(0, delayMs), longestTimerMs),
    );
    timers.set(name, timer);
  };

  return {
    every(name, everyMs, task, firstMs) {
      plan(name, everyMs, task, firstMs ?? everyMs());
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.all(running);
    },
  };
}

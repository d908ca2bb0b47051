import type { Log } from '../../core/ports/log.ts';
import { createPeriodic } from '../periodic.ts';
import type { Follower } from './follower.ts';

export interface Following {
  start(): void;
  /** Settles when the look that is on has ended. */
  stop(): Promise<void>;
  /** News of a repository: it is looked at now. Does not reject. */
  news(repository: string): void;
}

const soonMs = 2_000;

/** Looks again and again, and at once when there is news. */
export function createFollowing(follower: Follower, log: Log): Following {
  const periodic = createPeriodic(log);
  const looks = new Set<Promise<void>>();
  let isStopped = false;
  return {
    start() {
      periodic.every(
        'pull requests',
        () => follower.pauseMs(),
        () => follower.look(),
        soonMs,
      );
    },
    async stop() {
      isStopped = true;
      await periodic.stop();
      await Promise.all(looks);
    },
    news(repository) {
      if (isStopped) return;
      const look = follower.look(repository).finally(() => looks.delete(look));
      looks.add(look);
    },
  };
}

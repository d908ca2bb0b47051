import type { EngineDependencies } from './stage-context.ts';

export interface ClockWatch {
  /** Finds out whether the wall clock was set since the last call. To be called right before anything is judged by it. */
  check(): void;
}

/** A difference between the two clocks up to this is drift, not a jump. */
const driftMs = 60_000;

/**
 * Compares the wall clock with `monotonic`, which nobody sets. Times that were taken before it was set are moved along, so
 * that no wait becomes a day longer or over at once; then `onJump` is called.
 */
export function createClockWatch(
  { registry, clock, log }: Pick<EngineDependencies, 'registry' | 'clock' | 'log'>,
  monotonic: () => number,
  onJump: (byMs: number) => void,
): ClockWatch {
  let last = { wall: clock.now(), monotonic: monotonic() };

  /** By job: what could not be moved yet, since the registry was busy, is moved by the next call. */
  const moves = new Map<string, number>();
  let untold = 0;

  function moveTimes(): void {
    for (const [id, by] of moves) {
      const job = registry.job(id);
      if (job !== null) {
        const moved = (at: number | null): number | null => (at === null ? null : at + by);
        const fields = {
          queuedAt: job.queuedAt + by,
          admittedAt: moved(job.admittedAt),
          missingSince: moved(job.missingSince),
          holdUntil: by < 0 ? moved(job.holdUntil) : job.holdUntil,
        };
        registry.commit(null, null, { updateJob: { id, fields } });
      }
      moves.delete(id);
    }
  }

  return {
    check() {
      const now = { wall: clock.now(), monotonic: monotonic() };
      const jump = now.wall - last.wall - (now.monotonic - last.monotonic);
      last = now;
      if (Math.abs(jump) > driftMs) {
        untold += jump;
        log.warn({ jump }, `The clock was set by ${Math.round(jump / 1_000)} s; what waits by it looks again.`);
        for (const { id } of registry.jobs({ finished: false })) moves.set(id, (moves.get(id) ?? 0) + jump);
      }
      moveTimes();
      const by = untold;
      untold = 0;
      if (by !== 0) onJump(by);
    },
  };
}

import type { JobRegistry } from './core/ports/job-registry.ts';

/** Tells those who wait that events were recorded. */
export interface EventBell {
  /** The same registry, ringing after each commit that records events. */
  ringing(registry: JobRegistry): JobRegistry;
  /** Settles at the next ring, when the signal aborts, or after so many milliseconds. */
  next(signal: AbortSignal, waitMs: number): Promise<void>;
  /** Must not throw. */
  onRing(listener: () => void): void;
}

export function createEventBell(): EventBell {
  const waiting = new Set<() => void>();
  const listeners: (() => void)[] = [];
  const ring = (): void => {
    for (const listener of [...waiting, ...listeners]) listener();
  };
  return {
    ringing: (registry) => ({
      ...registry,
      commit(key, result, change) {
        const recorded = registry.commit(key, result, change);
        if ((change.events?.length ?? 0) > 0) ring();
        return recorded;
      },
    }),
    next: (signal, waitMs) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, waitMs);
        signal.addEventListener('abort', done, { once: true });
        waiting.add(done);
        if (signal.aborted) done();
      }),
    onRing(listener) {
      listeners.push(listener);
    },
  };
}

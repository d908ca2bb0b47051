export type RunEnd = 'canceled' | 'timeout' | 'stalled';

export interface RunClock {
  /** Aborted when the run has to end. */
  readonly signal: AbortSignal;
  /** Null while nothing ended it. */
  ended(): RunEnd | null;
  /** A sign of life of the model. */
  touch(): void;
  /** Tools have time limits of their own; while one runs, the model's silence counts for nothing. */
  whileTool<Result>(run: () => Promise<Result>): Promise<Result>;
  /** Ends what is still at work of a run that failed by itself. */
  giveUp(): void;
  /** When no tool is at work any more, however they ended. */
  toolsDone(): Promise<void>;
  stop(): void;
}

/** Ends a run by the caller's signal, by its time, or when the model is silent for too long. */
export function createRunClock(options: {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly stallMs: number;
}): RunClock {
  const controller = new AbortController();
  const tools = new Set<Promise<unknown>>();
  let end: RunEnd | null = null;
  const endAs = (reason: RunEnd): void => {
    end ??= reason;
    controller.abort();
  };
  const cancel = (): void => {
    endAs('canceled');
  };
  if (options.signal.aborted) cancel();
  options.signal.addEventListener('abort', cancel, { once: true });
  const timer = setTimeout(() => {
    endAs('timeout');
  }, longestTimer(options.timeoutMs));
  const stall = setTimeout(() => {
    if (tools.size > 0) stall.refresh();
    else endAs('stalled');
  }, longestTimer(options.stallMs));
  return {
    signal: controller.signal,
    ended: () => end,
    touch: () => {
      stall.refresh();
    },
    async whileTool(run) {
      const running = run();
      tools.add(running);
      try {
        return await running;
      } finally {
        tools.delete(running);
        stall.refresh();
      }
    },
    giveUp() {
      controller.abort();
    },
    async toolsDone() {
      while (tools.size > 0) await Promise.allSettled(tools);
    },
    stop() {
      clearTimeout(timer);
      clearTimeout(stall);
      options.signal.removeEventListener('abort', cancel);
    },
  };
}

/** A longer one would fire at once. */
function longestTimer(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1);
}

import { dispositionOf, toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import { retryDelay } from '../core/pipeline/retry-delay.ts';
import type { Log } from '../core/ports/log.ts';
import type { VaultSync } from '../core/ports/vault-sync.ts';

export interface VaultSyncing {
  /** The runner has written, or is about to: the next round comes soon. */
  soon(): void;
  /** Settles when the round under way has ended; one last round takes along what was written until then. */
  stop(): Promise<void>;
  /** Why the last round failed; null when it did not. */
  problem(): ErrorSummary | null;
}

export interface VaultSyncingOptions {
  readonly sync: VaultSync;
  /** Milliseconds between two rounds when nothing happens. */
  readonly intervalMs: number;
  readonly log: Log;
  /** The remote's changes have altered notes here. */
  onPulled(): void;
}

/** Several writes in a row are one push. */
const soonMs = 2_000;
const longestRestMs = 5 * 60_000;

/** Keeps the vault in step with its remote: regularly, and soon after the runner wrote. A round that fails comes again, more and more rarely. */
export function createVaultSyncing(options: VaultSyncingOptions): VaultSyncing {
  const { sync, intervalMs, log } = options;
  let problem: ErrorSummary | null = null;
  let failures = 0;
  let timer: NodeJS.Timeout | null = null;
  let dueAt = Infinity;
  let round: Promise<void> | null = null;
  let stopped = false;

  function plan(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (stopped || (timer !== null && at >= dueAt)) return;
    if (timer) clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      timer = null;
      void run();
    }, delayMs);
  }

  function run(): Promise<void> {
    round ??= once().finally(() => {
      round = null;
      plan(failures === 0 ? intervalMs : rest());
    });
    return round;
  }

  function rest(): number {
    return Math.max(intervalMs, retryDelay(failures, { base: 5_000, factor: 2, max: longestRestMs }, Math.random()));
  }

  async function once(): Promise<void> {
    try {
      const { pulled, notes } = await sync.sync();
      for (const note of notes) log.warn({}, note);
      if (problem !== null) log.info({}, 'The vault is in step with its remote again.');
      problem = null;
      failures = 0;
      if (pulled) options.onPulled();
    } catch (thrown) {
      const error = toOpusError(thrown);
      failures += 1;
      if (problem?.message !== error.message) {
        const level = dispositionOf(error.code) === 'retry' ? 'warn' : 'error';
        log[level]({ err: thrown, code: error.code }, `The vault is not in step with its remote: ${error.message}`);
      }
      problem = error.summary();
    }
  }

  void run();
  return {
    soon() {
      if (failures === 0) plan(soonMs);
    },
    async stop() {
      await round;
      stopped = true;
      if (timer) clearTimeout(timer);
      if (failures === 0) await once();
    },
    problem: () => problem,
  };
}

import { toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import { unwatchFile, watchFile } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { RunnerConfig } from '../core/configuration.ts';
import { configChanges } from './changes.ts';

export type ReloadOutcome =
  | { readonly kind: 'unchanged' }
  /** The file is wrong, and what was in force stays. */
  | { readonly kind: 'refused'; readonly error: ErrorSummary }
  | {
      readonly kind: 'taken';
      readonly config: RunnerConfig;
      /** Keys whose new values are in force. */
      readonly changed: readonly string[];
      /** Every key whose value in the file waits for the next start. */
      readonly needsRestart: readonly string[];
    };

export interface LiveConfig {
  /** What is in force. Whoever keeps it for longer than a moment does not see changes. */
  current(): RunnerConfig;
  reload(): ReloadOutcome;
  /**
   * Reloads whenever the file has changed, and tells what came of it; a refusal once, and also that a
   * refused file is as it was before. A file that is gone is waited for. Returns what ends it.
   */
  watch(onOutcome: (outcome: ReloadOutcome) => void): () => void;
}

export interface LiveConfigOptions {
  /** How often the file is looked at. */
  readonly pollMs?: number;
  /** How long it must be left alone before it is read. */
  readonly settleMs?: number;
}

/** Throws what `load` throws where the configuration is wrong from the beginning. */
export function createLiveConfig(load: () => RunnerConfig, options: LiveConfigOptions = {}): LiveConfig {
  let loaded = load();
  let inForce = loaded;
  const { file } = loaded;

  function reload(): ReloadOutcome {
    let next: RunnerConfig;
    try {
      next = load();
    } catch (thrown) {
      return { kind: 'refused', error: toOpusError(thrown).summary() };
    }
    if (isDeepStrictEqual(next, loaded)) return { kind: 'unchanged' };
    loaded = next;
    const { config, changed, needsRestart } = configChanges(inForce, next);
    inForce = config;
    return { kind: 'taken', config, changed, needsRestart };
  }

  /**
   * The file is looked at again and again rather than watched, which goes on working when it is a link, lies on a network,
   * or is in a folder that is replaced.
   */
  function watch(onOutcome: (outcome: ReloadOutcome) => void): () => void {
    let settling: NodeJS.Timeout | undefined;
    let refusal: string | null = null;

    function look(): void {
      const outcome = reload();
      if (outcome.kind === 'refused') {
        if (outcome.error.code === 'config.not-found' || outcome.error.message === refusal) return;
        refusal = outcome.error.message;
      } else {
        if (outcome.kind === 'unchanged' && refusal === null) return;
        refusal = null;
      }
      onOutcome(outcome);
    }
    function changed(): void {
      clearTimeout(settling);
      settling = setTimeout(look, options.settleMs ?? 100);
    }

    watchFile(file, { interval: options.pollMs ?? 1_000, persistent: false }, changed);
    // It may have changed since it was loaded.
    settling = setTimeout(look, options.settleMs ?? 100);
    return () => {
      clearTimeout(settling);
      unwatchFile(file, changed);
    };
  }

  return { current: () => inForce, reload, watch };
}

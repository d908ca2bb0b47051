import { isDeepStrictEqual } from 'node:util';
import { join, relative } from 'node:path';
import type { RunnerConfig } from '../core/configuration.ts';

export interface ConfigChanges {
  /** What may be in force from now on: the new values, and the old ones of keys that only a start takes in. */
  readonly config: RunnerConfig;
  /** Keys as opus.yml has them, with dots, whose new values are in `config`. */
  readonly changed: readonly string[];
  /** Keys whose new values wait for the next start. */
  readonly needsRestart: readonly string[];
}

/** What a new configuration changes for a runner that works with another. */
export function configChanges(inForce: RunnerConfig, loaded: RunnerConfig): ConfigChanges {
  const config = withKeysOfStart(inForce, loaded);
  return {
    config,
    changed: changedKeys(inForce, config),
    // The caches lie in the data folder, and that is named already.
    needsRestart: changedKeys({ ...config, repos: loaded.repos }, loaded),
  };
}

/** What is opened, bound or confirmed once, at the start, stays. */
function withKeysOfStart(inForce: RunnerConfig, loaded: RunnerConfig): RunnerConfig {
  return {
    ...loaded,
    data: inForce.data,
    engine: inForce.engine,
    sandbox: inForce.sandbox,
    trust: inForce.trust,
    vault: inForce.vault,
    server: inForce.server,
    polling: { ...loaded.polling, debounce: inForce.polling.debounce },
    backup: { ...loaded.backup, keep: inForce.backup.keep },
    log: { ...loaded.log, size: inForce.log.size, keep: inForce.log.keep },
    repos: inForce.data === loaded.data ? loaded.repos : withCachesIn(inForce.data, loaded),
  };
}

function withCachesIn(data: string, loaded: RunnerConfig): RunnerConfig['repos'] {
  return Object.fromEntries(
    Object.entries(loaded.repos).map(([name, repository]) => [
      name,
      {
        ...repository,
        cache: repository.cache.map(({ source, target }) => ({
          source: join(data, relative(loaded.data, source)),
          target,
        })),
      },
    ]),
  );
}

function changedKeys(before: RunnerConfig, after: RunnerConfig): string[] {
  return [...new Set(differences([], before, after).map(keyInFile))].sort();
}

function differences(path: readonly string[], before: unknown, after: unknown): string[][] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isGroup(before) || !isGroup(after)) return [[...path]];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    differences([...path, key], before[key], after[key]),
  );
}

/** A group of keys; not a list, and not a value that is of one of several kinds. */
function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('kind' in value);
}

function keyInFile(path: readonly string[]): string {
  const key = path.join('.');
  if (key === 'defaultRepository') return 'repos';
  if (key.startsWith('limits.sandbox.')) return key.replace('.sandbox', '');
  return key.replace(/^(repos\..+\.github)\.credentials$/, '$1');
}

import childProcess, { type ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import type { Writable } from 'node:stream';

/** One process that this one started. */
export interface SpawnedProcess {
  readonly file: string;
  readonly args: readonly string[];
  /** What was written to descriptor 3, where bubblewrap takes its options from. */
  options: string;
  readonly startedAt: number;
  endedAt: number;
}

/** Lists every process that is started from now on, until `stop`. */
export function recordSpawns(): { readonly spawned: SpawnedProcess[]; stop(): void } {
  const spawned: SpawnedProcess[] = [];
  const original = childProcess.spawn;
  const recording = (...parameters: [string, readonly string[], never]): ChildProcess => {
    const startedAt = performance.now();
    const child = original(...parameters);
    const entry: SpawnedProcess = { file: parameters[0], args: parameters[1], options: '', startedAt, endedAt: NaN };
    spawned.push(entry);
    child.once('exit', () => {
      entry.endedAt = performance.now();
    });
    const options = child.stdio[3] as Writable | null | undefined;
    if (options) {
      const end = options.end.bind(options) as (chunk: string) => Writable;
      options.end = ((chunk: string) => {
        entry.options = chunk;
        return end(chunk);
      }) as Writable['end'];
    }
    return child;
  };
  childProcess.spawn = recording as typeof original;
  syncBuiltinESMExports();
  return {
    spawned,
    stop() {
      childProcess.spawn = original;
      syncBuiltinESMExports();
    },
  };
}

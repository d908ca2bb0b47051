import { OpusError } from '#shared/domain/errors.ts';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeFolder } from './make-folder.ts';

export interface RunnerLock {
  /** May be called twice. */
  release(): void;
}

/**
 * At most one runner works on a data folder. The lock is an open exclusive transaction on a file of its own: the kernel
 * drops it with the process, however that ends, so there is no stale lock to judge by a process id that may be in use again.
 * Nothing else in the process may open and close `runner.lock`: closing any descriptor of a file drops the locks on it.
 */
export function acquireRunnerLock(dataFolder: string): RunnerLock {
  makeFolder(dataFolder);
  const holderFile = join(dataFolder, 'runner.json');
  const database = new DatabaseSync(join(dataFolder, 'runner.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    database.close();
    if (!isBusy(thrown)) throw thrown;
    throw lockedBy(holderOf(holderFile), dataFolder, thrown);
  }
  // Collected as garbage, the handle would take the lock with it; a timer that never matters keeps it.
  const anchor = setInterval(() => database.isOpen, 2 ** 31 - 1).unref();
  writeFileSync(holderFile, `${JSON.stringify({ pid: process.pid })}\n`, { mode: 0o600 });
  return {
    release() {
      if (!database.isOpen) return;
      clearInterval(anchor);
      // Before the lock goes: afterwards the file may already be the next runner's.
      rmSync(holderFile, { force: true });
      database.close();
    },
  };
}

/** The process id that the holder wrote beside the lock. */
function holderOf(holderFile: string): number | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(holderFile, 'utf8'));
    if (typeof holder === 'object' && holder !== null && 'pid' in holder && typeof holder.pid === 'number') {
      return holder.pid;
    }
  } catch {
    // The file is only there to name the holder; without it the message is less specific.
  }
  return null;
}

function lockedBy(pid: number | null, dataFolder: string, cause: unknown): OpusError {
  const who = pid === null ? 'Another opus process' : `Another opus process (pid ${pid})`;
  return new OpusError('registry.locked', `${who} already runs jobs in ${dataFolder}.`, {
    hint: 'Wait until that process ends, or name another data folder in opus.yml.',
    details: { pid, dataFolder },
    cause,
  });
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && 'errcode' in thrown && thrown.errcode === 5;
}

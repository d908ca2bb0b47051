import type { Dirent } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes the logs of jobs that the registry no longer knows once nothing was written there since `olderThan`
 * (milliseconds since the epoch), and returns whose they were. A file among the folders, the runner's own log, stays.
 */
export async function pruneLogs(
  dataFolder: string,
  options: { readonly keepJobs: ReadonlySet<string>; readonly olderThan: number },
): Promise<string[]> {
  const logs = join(dataFolder, 'logs');
  const entries = await readdir(logs, { withFileTypes: true }).catch(noneWhereMissing);
  const removed: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || options.keepJobs.has(entry.name)) continue;
    const folder = join(logs, entry.name);
    if ((await lastChange(folder)) >= options.olderThan) continue;
    await rm(folder, { recursive: true, force: true });
    removed.push(entry.name);
  }
  return removed;
}

/** Of the folder and all that is in it: a file that grows does not change its folder. */
async function lastChange(folder: string): Promise<number> {
  const inside = await readdir(folder, { recursive: true }).catch(() => []);
  let last = 0;
  for (const path of [folder, ...inside.map((name) => join(folder, name))]) {
    const stat = await lstat(path).catch(() => null);
    last = Math.max(last, stat?.mtimeMs ?? 0);
  }
  return last;
}

function noneWhereMissing(thrown: unknown): Dirent[] {
  if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw thrown;
}

import { copyFile, link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { OpusError } from '#shared/domain/errors.ts';
import { hasCode } from './vault-git-files.ts';
import { changeIndex, type TreeEntry } from './vault-git-objects.ts';
import type { VaultRepository } from './vault-git-repository.ts';

/** Tells a lock of a killed runner from a lock of somebody's git. */
const lockText = 'opus vault sync\n';
const patienceMs = 2000;

/** Holds the lock that every git command takes that changes the index, so that nobody adds, commits or switches meanwhile. */
export async function withIndexLocked<T>(repository: VaultRepository, action: () => Promise<T>): Promise<T> {
  const lock = join(repository.gitDir, 'index.lock');
  const ready = join(repository.own, 'index-lock');
  await writeFile(ready, lockText);
  for (let waited = 0; !(await taken(ready, lock)); waited += 100) {
    if (waited >= patienceMs) {
      throw new OpusError('vault.git-failed', 'Another git command is at work in the vault.', {
        hint: `When none is, delete ${lock}, which a killed one left.`,
      });
    }
    await pause(100);
  }
  try {
    return await action();
  } finally {
    await rm(lock, { force: true });
  }
}

async function taken(ready: string, lock: string): Promise<boolean> {
  try {
    await link(ready, lock);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code))) throw error;
  }
  // A file system without hard links.
  return writeFile(lock, lockText, { flag: 'wx' }).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    },
  );
}

/** Removes the lock that a killed runner left; nobody else's. */
export async function releaseOwnLock({ gitDir }: VaultRepository): Promise<void> {
  const lock = join(gitDir, 'index.lock');
  const text = await readFile(lock, 'utf8').catch(() => null);
  if (text === lockText) await rm(lock, { force: true });
}

/** Changes entries of the person's index in one step; all others stay as they are. To be called with the lock held. */
export async function replaceIndex(
  repository: VaultRepository,
  entries: ReadonlyMap<string, TreeEntry | null>,
): Promise<void> {
  const index = join(repository.gitDir, 'index');
  const next = join(repository.own, 'next-index');
  await rm(next, { force: true });
  const before = await stat(index).catch(() => null);
  if (before !== null) await copyFile(index, next);
  await changeIndex(repository, next, entries);
  // Git looks again at files that are not older than the index, and must go on doing so for those it knew.
  if (before !== null) await utimes(next, before.atime, new Date(before.mtimeMs - 10));
  await rename(next, index);
}

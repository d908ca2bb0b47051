import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';

/**
 * The absolute path of a vault-relative path whose folder really lies inside the vault. Refuses paths that leave it,
 * by `..` or through a symbolic link, and paths into hidden folders. Rejects with ENOENT where the folder is missing.
 */
export async function confinedPath(
  root: string,
  path: string,
  folders: 'must-exist' | 'create' = 'must-exist',
): Promise<string> {
  const parts = path.split('/');
  const unsafe = parts.some((part) => part === '' || part.startsWith('.') || /[\\\p{Cc}]/u.test(part));
  if (unsafe) throw refused(path, 'it is not a plain path inside the vault');
  const target = join(root, ...parts);
  const folder = dirname(target);
  if (folders === 'create') {
    await assertInside(root, await nearestExisting(folder, root), path);
    await mkdir(folder, { recursive: true });
  }
  await assertInside(root, folder, path);
  const entry = await lstat(target).catch(() => null);
  if (entry?.isSymbolicLink()) throw refused(path, 'it is a symbolic link');
  return target;
}

/** Whether a path, with every link followed, lies in the root, which has been resolved already. */
export async function liesInside(root: string, path: string): Promise<boolean> {
  const real = await realpath(path);
  return real === root || real.startsWith(root + sep);
}

async function assertInside(root: string, folder: string, path: string): Promise<void> {
  if (!(await liesInside(root, folder))) throw refused(path, 'a symbolic link leads out of the vault');
}

async function nearestExisting(folder: string, root: string): Promise<string> {
  let current = folder;
  while (current !== root && !(await lstat(current).catch(() => null))) current = dirname(current);
  return current;
}

function refused(path: string, reason: string): OpusError {
  return new OpusError('vault.note-unreadable', `${JSON.stringify(path)} is not touched: ${reason}.`, {
    hint: 'Only plain files inside the vault are read and written.',
    details: { path },
  });
}

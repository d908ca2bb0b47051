import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { VaultFiles } from '../../core/ports/vault-files.ts';
import { hasCode, writeAtomically } from './atomic-write.ts';
import { confinedPath, liesInside } from './confined-path.ts';
import { listNotes, statOf } from './note-scan.ts';

export interface VaultFilesOptions {
  /** The vault's folder. */
  readonly root: string;
  readonly maxNoteBytes?: number;
}

/** Where Obsidian, too, moves what is deleted in it, so that a person finds it there. */
const trashFolder = '.trash';

export function createVaultFiles(options: VaultFilesOptions): VaultFiles {
  const maxNoteBytes = options.maxNoteBytes ?? 2 * 1024 * 1024;

  async function rootFolder(): Promise<string> {
    try {
      return await realpath(options.root);
    } catch (error) {
      throw new OpusError('vault.not-found', `The vault ${options.root} cannot be found.`, {
        hint: 'Check `vault.path` in opus.yml.',
        cause: error,
      });
    }
  }

  async function read(path: string): Promise<Buffer | null> {
    try {
      return await readPlain(await confinedPath(await rootFolder(), path), maxNoteBytes);
    } catch (error) {
      if (hasCode(error, ['ENOENT', 'ENOTDIR', 'ELOOP'])) return null;
      if (error instanceof OpusError && error.code === 'vault.note-unreadable') return null;
      throw error;
    }
  }

  return {
    async list(folders) {
      const root = await rootFolder();
      const lists = folders.map(async (folder) => {
        try {
          // Behind a link that leads out of the vault there is nothing of the vault's.
          return (await liesInside(root, join(root, folder))) ? await listNotes(root, folder) : [];
        } catch (error) {
          if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return [];
          throw error;
        }
      });
      return [...new Set((await Promise.all(lists)).flat())].sort();
    },
    read,
    replace: (path, expected, next) =>
      writing(path, async () => {
        const root = await rootFolder();
        const target = await confinedPath(root, path);
        const mode = statOf(target)?.mode;
        if (mode === undefined || !(await holds(target, expected))) return null;
        const kept = await freeTrashName(root, path);
        await writeAtomically(kept.absolute, expected, { mode: mode & 0o777 });
        const written = await writeAtomically(target, next, {
          mode: mode & 0o777,
          stillWanted: () => holds(target, expected),
        });
        if (written) return kept.path;
        await rm(kept.absolute, { force: true });
        return null;
      }),
    trash: (path, expected) =>
      writing(path, async () => {
        const root = await rootFolder();
        const target = await confinedPath(root, path);
        if (!(await holds(target, expected))) return null;
        const kept = await freeTrashName(root, path);
        try {
          await rename(target, kept.absolute);
        } catch (error) {
          await rm(kept.absolute, { force: true });
          throw error;
        }
        if (await holds(kept.absolute, expected)) return kept.path;
        // Written at the very last moment: it goes back, unless there is a file again; then both stay.
        await link(kept.absolute, target).then(
          () => rm(kept.absolute),
          () => undefined,
        );
        return null;
      }),
  };
}

async function readPlain(file: string, maxBytes: number): Promise<Buffer | null> {
  const stats = statOf(file);
  if (!stats?.isFile() || stats.size > maxBytes) return null;
  return await readFile(file, { flag: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK });
}

async function holds(file: string, expected: Uint8Array): Promise<boolean> {
  try {
    return (await readPlain(file, Number.MAX_SAFE_INTEGER))?.equals(expected) ?? false;
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR', 'ELOOP'])) return false;
    throw error;
  }
}

/** A name in `.trash` that is taken with this call, numbered as Obsidian does it where there is one of that name. */
async function freeTrashName(
  root: string,
  path: string,
): Promise<{ readonly path: string; readonly absolute: string }> {
  const folder = join(root, trashFolder);
  await mkdir(folder, { recursive: true });
  if (!(await lstat(folder)).isDirectory()) {
    throw new OpusError(
      'vault.write-failed',
      `${trashFolder} in the vault is no folder, so nothing can be kept in it.`,
      {
        hint: `Move ${folder} away.`,
      },
    );
  }
  const name = basename(path).replace(/\.md$/i, '');
  for (let number = 0; ; number += 1) {
    const file = `${name}${number === 0 ? '' : ` ${number}`}.md`;
    try {
      await (await open(join(folder, file), 'wx')).close();
      return { path: `${trashFolder}/${file}`, absolute: join(folder, file) };
    } catch (error) {
      if (!hasCode(error, ['EEXIST'])) throw error;
    }
  }
}

async function writing(path: string, work: () => Promise<string | null>): Promise<string | null> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return null;
    if (error instanceof OpusError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OpusError('vault.write-failed', `${path} could not be settled: ${reason}.`, {
      hint: 'Nothing was lost; mend that and call it again.',
      details: { path },
      cause: error,
    });
  }
}

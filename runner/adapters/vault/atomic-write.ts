import { createHash, randomUUID } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AtomicWrite {
  /** Permission bits of the new file. */
  readonly mode?: number;
  /** Asked right before the new file takes the place of the old; `false` gives up and leaves the old one. */
  readonly stillWanted?: () => Promise<boolean>;
  /** Fails with EEXIST instead of replacing a file. */
  readonly exclusive?: boolean;
}

/**
 * Writes beside the target, under a hidden name, and puts the file in place in one step, durably: a reader sees the old
 * bytes or the new, also after a power cut. False when `stillWanted` said no.
 */
export async function writeAtomically(target: string, bytes: Uint8Array, options: AtomicWrite = {}): Promise<boolean> {
  const folder = dirname(target);
  const temporary = join(folder, options.exclusive ? newName() : temporaryName(basename(target)));
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await file.writeFile(bytes);
      if (options.mode !== undefined) await file.chmod(options.mode);
      await file.sync();
    } finally {
      await file.close();
    }
    if (options.stillWanted && !(await options.stillWanted())) return false;
    if (options.exclusive) await placeNew(temporary, target);
    else await rename(temporary, target);
    await syncFolder(folder);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * The same for each write of a note: what a killed runner left is replaced when it writes the note anew, which it does at its
 * next start. Writes of one note must follow each other.
 */
function temporaryName(name: string): string {
  return `.opus-${name.slice(0, 40)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}.tmp`;
}

/** Several may try to make the same note at once. */
function newName(): string {
  return `.opus-${randomUUID()}.tmp`;
}

async function placeNew(temporary: string, target: string): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (!hasCode(error, ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])) throw error;
    // A file system without hard links: the name is taken first, so that two creators still cannot both win.
    await (await open(target, 'wx')).close();
    await rename(temporary, target);
  }
}

/** Some systems cannot open or sync a folder; the file itself is safe there all the same. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!hasCode(error, ['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP'])) throw error;
  }
}

export function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}

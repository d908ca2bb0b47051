import { createHash, randomUUID } from 'node:crypto';
import { fstatSync, readSync, renameSync, statSync } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export interface AtomicWrite {
  /** Permission bits of the new file. */
  readonly mode?: number;
  /** Asked right before the new file takes the place of the old; `false` gives up and leaves the old one. */
  readonly stillWanted?: () => boolean | Promise<boolean>;
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
    if (options.exclusive) {
      if (options.stillWanted && !(await options.stillWanted())) return false;
      await placeNew(temporary, target);
    } else if (options.stillWanted) {
      const wanted = options.stillWanted();
      if (!(typeof wanted === 'boolean' ? wanted : await wanted)) return false;
      // At once: while this process did something else, somebody could write what would be lost.
      renameSync(temporary, target);
    } else await rename(temporary, target);
    await syncFolder(folder);
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

export type Replacement =
  | { readonly kind: 'replaced' }
  /** The file holds something else than expected, and was left as it is. */
  | { readonly kind: 'changed' }
  /** It was replaced while somebody was writing into it in place: `late` is what the old file came to hold, which nobody can reach any more. */
  | { readonly kind: 'overtaken'; readonly late: Buffer };

/**
 * Puts new bytes in the place of a file that holds `expected`. Between the last look and the replacement nothing else
 * runs in this process, but other processes do: the old file is looked at once more when it is out of reach.
 */
export async function replaceAtomically(
  target: string,
  bytes: Uint8Array,
  expected: Buffer,
  mode: number,
): Promise<Replacement> {
  const old = await open(target, 'r');
  try {
    const written = await writeAtomically(target, bytes, {
      mode,
      stillWanted: () => isSameFile(old.fd, target) && expected.equals(readAll(old.fd)),
    });
    if (!written) return { kind: 'changed' };
    const late = readAll(old.fd);
    return late.equals(expected) ? { kind: 'replaced' } : { kind: 'overtaken', late };
  } finally {
    await old.close();
  }
}

function isSameFile(descriptor: number, path: string): boolean {
  const [held, named] = [fstatSync(descriptor), statSync(path, { throwIfNoEntry: false })];
  return named !== undefined && held.ino === named.ino && held.dev === named.dev;
}

function readAll(descriptor: number): Buffer {
  const { size } = fstatSync(descriptor);
  const buffer = Buffer.alloc(size);
  const length = readSync(descriptor, buffer, 0, size, 0);
  return buffer.subarray(0, length);
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

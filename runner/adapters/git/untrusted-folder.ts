import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';

/** Everything here works by `lstat` and names only: nothing is opened, and no link is followed. */
export interface FolderMeasure {
  readonly files: number;
  readonly bytes: number;
  readonly largest: { readonly path: string; readonly bytes: number } | null;
  /** Folders other than the top with an entry called `.git`, relative to the top; bounded. */
  readonly nestedRepositories: readonly string[];
}

export interface MeasureLimits {
  readonly files: number;
  readonly bytes: number;
}

const parallel = 32;

/** Counts what is in the folder besides its own `.git`; stops as soon as a limit is exceeded. Rejects when the folder is not a folder. */
export async function measureUntrusted(top: string, limits: MeasureLimits): Promise<FolderMeasure> {
  const topStat = await lstat(top).catch(() => null);
  if (topStat?.isDirectory() !== true) throw new OpusError('git.tree-gone', 'The job’s tree is gone.');
  let files = 0;
  let bytes = 0;
  let largest: FolderMeasure['largest'] = null;
  const nestedRepositories: string[] = [];
  const waiting: string[] = [''];
  const exceeded = (): boolean => files > limits.files || bytes > limits.bytes;

  async function count(relative: string): Promise<void> {
    const found = await lstat(join(top, relative)).catch(() => null);
    if (found === null) return;
    files += 1;
    if (!found.isFile()) return;
    bytes += found.size;
    if (found.size > (largest?.bytes ?? -1)) largest = { path: relative, bytes: found.size };
    if ((found.mode & 0o400) === 0) await chmod(join(top, relative), (found.mode & 0o777) | 0o600);
  }

  async function visit(folder: string): Promise<void> {
    for (const entry of await listUntrusted(join(top, folder))) {
      const relative = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name === '.git') {
        if (folder === '') continue;
        if (nestedRepositories.length < 100) nestedRepositories.push(folder);
      }
      if (entry.isDirectory()) {
        files += 1;
        waiting.push(relative);
      } else await count(relative);
      if (exceeded()) return;
    }
  }

  while (waiting.length > 0 && !exceeded()) await Promise.all(waiting.splice(-parallel).map(visit));
  return { files, bytes, largest, nestedRepositories };
}

/** A folder its owner shut (mode 000) is opened again first. */
async function listUntrusted(folder: string): ReturnType<typeof readOpened> {
  try {
    return await readOpened(folder);
  } catch (error) {
    if (!isDenied(error)) throw error;
    await chmod(folder, 0o700);
    return readOpened(folder);
  }
}

function readOpened(folder: string) {
  return readdir(folder, { withFileTypes: true });
}

/** Removes a folder whatever an agent made of it. */
export async function removeUntrusted(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isDenied(error)) throw error;
    await openUp(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function openUp(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => null);
  if (found?.isDirectory() !== true) return;
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(folder, entry.name));
  }
}

function isDenied(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'EACCES' || code === 'EPERM' || code === 'ENOTEMPTY';
}

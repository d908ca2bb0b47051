import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import { execa } from 'execa';
import { OpusError } from '#shared/domain/errors.ts';

/** Everything here works by `lstat` and names only: nothing is opened, and no link is followed. */
export interface FolderMeasure {
  readonly files: number;
  readonly bytes: number;
  readonly largest: { readonly path: string; readonly bytes: number } | null;
  /** Folders other than the top with an entry called `.git`, relative to the top; at most 100. */
  readonly nestedRepositories: readonly string[];
}

export interface MeasureLimits {
  readonly files: number;
  readonly bytes: number;
}

const parallel = 32;

/** Counts what is in the folder besides its own `.git`; stops as soon as a limit is exceeded. */
export async function measureUntrusted(top: string, limits: MeasureLimits): Promise<FolderMeasure> {
  const topStat = await lstat(top).catch(() => null);
  if (topStat?.isDirectory() !== true) throw new OpusError('git.tree-gone', 'The folder the agent worked in is gone.');
  let files = 0;
  let bytes = 0;
  let largest: FolderMeasure['largest'] = null;
  const nestedRepositories: string[] = [];
  const waiting: string[] = [''];
  const exceeded = (): boolean => files > limits.files || bytes > limits.bytes;

  async function count(name: string): Promise<void> {
    const found = await lstat(pathOf(top, name)).catch(() => null);
    files += 1;
    if (found?.isFile() !== true) return;
    bytes += found.size;
    if (found.size > (largest?.bytes ?? -1)) largest = { path: readable(name), bytes: found.size };
    if ((found.mode & 0o400) === 0) await chmod(pathOf(top, name), (found.mode & 0o777) | 0o600);
  }

  async function visit(folder: string): Promise<void> {
    for (const entry of await list(top, folder)) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name === '.git') {
        if (folder === '') continue;
        if (nestedRepositories.length < 100) nestedRepositories.push(readable(folder));
      }
      if (entry.isDirectory()) {
        files += 1;
        waiting.push(name);
      } else await count(name);
      if (exceeded()) return;
    }
  }

  while (waiting.length > 0 && !exceeded()) await Promise.all(waiting.splice(-parallel).map(visit));
  return { files, bytes, largest, nestedRepositories };
}

/** Names are kept byte by byte (latin1), for a name need not be UTF-8. */
function pathOf(top: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(top), Buffer.from('/'), Buffer.from(name, 'latin1')]);
}

function readable(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}

/** Opens a folder its owner shut: the runner as root would see into it, and the sandbox would silently leave it out. */
async function list(top: string, folder: string) {
  const path = pathOf(top, folder);
  try {
    const { mode } = await lstat(path);
    if ((mode & 0o500) !== 0o500) await chmod(path, (mode & 0o777) | 0o700);
    return await readdir(path, { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'ENAMETOOLONG') throw error;
    throw new OpusError(
      'git.tree-too-large',
      `The agent nested folders too deeply: ${readable(folder).slice(0, 80)}…`,
      {
        cause: error,
      },
    );
  }
}

/** Removes a folder whatever an agent made of it: shut folders, names that are no UTF-8, depths beyond a path's length. */
export async function removeUntrusted(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    // Both walk by descriptors and follow no link below the folder named.
    const outside = { reject: false, stdin: 'ignore', maxBuffer: 65_536 } as const;
    await execa('chmod', ['-R', 'u+rwX', '--', folder], outside);
    const removed = await execa('rm', ['-rf', '--one-file-system', '--', folder], outside);
    if (removed.exitCode !== 0) {
      throw new OpusError('git.failed', `Could not remove ${folder}: ${removed.stderr.split('\n')[0] ?? ''}`, {
        hint: 'Remove the folder by hand, then retry.',
      });
    }
  }
}

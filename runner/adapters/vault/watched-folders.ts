import { lstatSync, watch, type Dirent, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './atomic-write.ts';
import { liesInside } from './confined-path.ts';

export interface FolderListener {
  /** A note or a folder may be new, changed or gone. */
  changed(): void;
  /** Some changes cannot be told any more. */
  failed(error: unknown): void;
}

export interface WatchedFolders {
  /** Settles when every folder that is there is watched. Rejects where one cannot be. */
  open(): Promise<void>;
  close(): void;
}

/** A folder that vanished or may not be entered is left alone; its parent tells when that changes. */
const passing = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'];

/**
 * Watches folders and no files, since a folder tells of the files in it: `folders` with everything below, and the way to them
 * from `root`, which must be a real path. A folder is watched before it is read, so that nothing is missed in between.
 * Where the system tells of a name, whatever was watched there is watched anew: another folder may stand in its place.
 */
export function createWatchedFolders(
  root: string,
  folders: readonly string[],
  listener: FolderListener,
): WatchedFolders {
  const watched = new Map<string, FSWatcher>();
  let closed = false;

  const isInside = (path: string): boolean =>
    folders.some((folder) => folder === '' || path === folder || path.startsWith(`${folder}/`));
  const leadsThere = (path: string): boolean =>
    path === '' || folders.some((folder) => path === folder || folder.startsWith(`${path}/`));

  async function add(path: string): Promise<void> {
    if (closed || watched.has(path)) return;
    const absolute = join(root, path);
    let watcher: FSWatcher;
    try {
      watcher = watch(absolute, (event, name) => {
        if (closed || watched.get(path) !== watcher) return;
        try {
          told(path, event, name);
        } catch (error) {
          listener.failed(error);
        }
      });
    } catch (error) {
      if (path !== '' && hasCode(error, passing)) return;
      throw error;
    }
    watched.set(path, watcher);
    watcher.on('error', (error) => {
      if (closed || watched.get(path) !== watcher) return;
      // Some systems tell that a watched folder was removed as an error.
      if (path !== '' && kindOf(absolute) === null) drop(path);
      else listener.failed(error);
    });
    for (const entry of await entriesOf(absolute)) {
      const child = childOf(path, entry.name);
      if (!isWanted(child, entry.name) || !(await isFolder(child, entry))) continue;
      if (watched.get(path) !== watcher) return;
      await add(child);
    }
  }

  function isWanted(child: string, name: string): boolean {
    return !name.startsWith('.') && (isInside(child) || leadsThere(child));
  }

  /** A link counts on the way to a folder only, and within the vault only: linked folders below are not read either. */
  async function isFolder(child: string, entry: Pick<Dirent, 'isDirectory' | 'isSymbolicLink'>): Promise<boolean> {
    if (entry.isDirectory()) return true;
    if (!entry.isSymbolicLink() || !leadsThere(child)) return false;
    return liesInside(root, join(root, child)).catch(() => false);
  }

  function told(path: string, event: string, name: string | null): void {
    if (name === null) {
      listener.changed();
      return;
    }
    const child = childOf(path, name);
    if (!isWanted(child, name)) return;
    const isNote = /\.md$/i.test(name);
    if (isNote && isInside(path)) listener.changed();
    if (event === 'rename' || !(isNote || watched.has(child))) renew(child);
  }

  function renew(path: string): void {
    const wasWatched = drop(path);
    const entry = kindOf(join(root, path));
    if (wasWatched) listener.changed();
    if (!entry) return;
    isFolder(path, entry)
      .then(async (is) => {
        if (!is) return;
        listener.changed();
        await add(path);
        listener.changed();
      })
      .catch((error: unknown) => {
        listener.failed(error);
      });
  }

  /** With everything below. */
  function drop(path: string): boolean {
    if (!watched.has(path)) return false;
    for (const [other, watcher] of watched) {
      if (other !== path && !other.startsWith(`${path}/`)) continue;
      watched.delete(other);
      watcher.close();
    }
    return true;
  }

  return {
    open: () => add(''),
    close() {
      closed = true;
      for (const watcher of watched.values()) watcher.close();
      watched.clear();
    },
  };
}

function childOf(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

function kindOf(path: string): Pick<Dirent, 'isDirectory' | 'isSymbolicLink'> | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasCode(error, passing)) return null;
    throw error;
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, passing)) return [];
    throw error;
  }
}

import { lstat, readdir, readFile, readlink, realpath, stat, statfs, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LeftLock } from '../../core/ports/worktrees.ts';

/** A push takes a moment. */
const staleAfterMs = 10 * 60_000;
const looks = 4;
const betweenLooksMs = 500;

/** NFS, SMB, CIFS, FUSE and 9P: who works on such a folder may do so on another machine. */
const sharedFileSystems = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997]);

/**
 * Removes the locks of references in a git directory that a killed process left. One that may still be held, as far as can be
 * known, stays and is told of.
 */
export async function removeStaleLocks(folder: string, now = Date.now()): Promise<LeftLock[]> {
  const gitDir = await realpath(folder).catch(() => null);
  if (gitDir === null) return [];
  const left: LeftLock[] = [];
  for (const path of await locksIn(gitDir)) {
    const seen = await lstat(path).catch(() => null);
    if (seen?.isFile() !== true || now - seen.mtimeMs < staleAfterMs) continue;
    const reason = seen.uid === process.getuid?.() ? await heldForLong(gitDir) : 'it belongs to another user';
    if (reason !== null) {
      left.push({ path, reason });
      continue;
    }
    const again = await lstat(path).catch(() => null);
    if (again?.ino === seen.ino && again.mtimeMs === seen.mtimeMs) await unlink(path).catch(() => undefined);
  }
  return left;
}

async function locksIn(gitDir: string): Promise<string[]> {
  const references = await readdir(join(gitDir, 'refs'), { recursive: true, withFileTypes: true }).catch(() => []);
  return [
    join(gitDir, 'packed-refs.lock'),
    ...references
      .filter((entry) => entry.isFile() && entry.name.endsWith('.lock'))
      .map((entry) => join(entry.parentPath, entry.name)),
  ];
}

/** Whoever only passes through is let pass. */
async function heldForLong(gitDir: string): Promise<string | null> {
  for (let look = 1; ; look += 1) {
    const holder = await heldBy(gitDir);
    if (holder === null || look === looks) return holder;
    await pause(betweenLooksMs);
  }
}

/** Who may hold a lock in there, as the end of "…, because"; null when certainly nobody does. */
async function heldBy(gitDir: string): Promise<string | null> {
  const { type } = await statfs(gitDir);
  if (sharedFileSystems.has(type)) return 'its folder may be in use on another machine';
  if (!(await stat('/proc/self').catch(() => null))) return 'who uses it cannot be told on this system';
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
    const works = await worksIn(pid, gitDir, name.startsWith('git'));
    if (works === 'yes') return `${name} (process ${pid}) works in that repository`;
    if (works === 'unknown') return `${name} (process ${pid}) of another user may work in that repository`;
  }
  return null;
}

/** By its folder and open files; a git may also work from beside it, and have it named in its arguments or environment. */
async function worksIn(pid: string, gitDir: string, isGit: boolean): Promise<'yes' | 'no' | 'unknown'> {
  const place = basename(gitDir) === '.git' ? dirname(gitDir) : gitDir;
  try {
    const folder = await readlink(`/proc/${pid}/cwd`);
    if (isInside(folder, isGit ? place : gitDir)) return 'yes';
    for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (isInside(target, gitDir)) return 'yes';
    }
    if (!isGit) return 'no';
    const told = await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')));
    for (const word of told.join('\0').split('\0')) {
      const named = resolve(folder, word.slice(word.indexOf('=') + 1));
      if (isInside(await realpath(named).catch(() => named), place)) return 'yes';
    }
    return 'no';
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    return isGit && (code === 'EACCES' || code === 'EPERM') ? 'unknown' : 'no';
  }
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

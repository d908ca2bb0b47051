import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  type BigIntStats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { blobId, symbolicLinkMode } from './vault-git-objects.ts';
import type { VaultRepository } from './vault-git-repository.ts';

/** What lies at a path of the work tree. `other` is what git does not keep: a folder, a pipe, or a way through a symbolic link. */
export type WorkFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'other' }
  | { readonly kind: 'file' | 'link'; readonly bytes: Buffer; readonly permissions: number };

/** The files of the work tree. They are read and written here, never by git, so that no filter of a repository runs. */
export interface WorkFiles {
  read(path: string): WorkFile;
  /** The id git would give the file's bytes; null when there is no plain file. Remembered while the file's times and size stay. */
  idOf(path: string): string | null;
  /** Puts bytes in place in one step if the path still holds what was seen; false when it does not. */
  put(path: string, seen: WorkFile, bytes: Buffer, mode: string): boolean;
  remove(path: string, seen: WorkFile): boolean;
}

/** A file written this shortly before it was looked at may change again without its times showing it. */
const unsettledMs = 2000n;
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Synchronous throughout: nothing of this process comes between the last look at a file and its replacement. */
export function openWorkFiles(
  repository: VaultRepository,
  remembered: Map<string, readonly [string, string]>,
): WorkFiles {
  const { top, own } = repository;
  const sameDisk = lstatSync(own).dev === lstatSync(top).dev;

  function read(path: string): WorkFile {
    const target = join(top, path);
    try {
      if (!leadsThroughFolders(top, path)) return { kind: 'other' };
      const stats = lstatSync(target);
      const permissions = stats.mode & 0o777;
      if (stats.isSymbolicLink()) return { kind: 'link', bytes: readlinkSync(target, 'buffer'), permissions };
      return stats.isFile()
        ? { kind: 'file', bytes: readFileSync(target, { flag: readFlags }), permissions }
        : { kind: 'other' };
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return { kind: 'absent' };
      throw error;
    }
  }

  function idOf(path: string): string | null {
    const stats = lstatSync(join(top, path), { bigint: true, throwIfNoEntry: false });
    if (stats?.isFile() !== true) return null;
    const signature = signatureOf(stats);
    const known = remembered.get(path);
    if (known?.[0] === signature) return known[1];
    const file = read(path);
    if (file.kind !== 'file') return null;
    const id = blobId(file.bytes, repository);
    if (BigInt(Date.now()) - stats.ctimeMs > unsettledMs) remembered.set(path, [signature, id]);
    else remembered.delete(path);
    return id;
  }

  /** Inside the git directory, so that nobody who watches the vault sees it; beside the file where that is another disk. */
  function temporaryFor(path: string): string {
    const name = `opus-git-${createHash('sha256').update(path).digest('hex').slice(0, 16)}.tmp`;
    return sameDisk ? join(own, name) : join(dirname(join(top, path)), `.${name}`);
  }

  function put(path: string, seen: WorkFile, bytes: Buffer, mode: string): boolean {
    refuseUnsafe(path);
    const target = join(top, path);
    if (!leadsThroughFolders(top, path)) return false;
    mkdirSync(dirname(target), { recursive: true });
    const temporary = temporaryFor(path);
    rmSync(temporary, { force: true });
    try {
      if (mode === symbolicLinkMode) symlinkSync(bytes, temporary);
      else writeDurably(temporary, bytes, permissionsFor(seen, mode));
      if (!isAlike(read(path), seen)) return false;
      if (seen.kind === 'absent' && mode !== symbolicLinkMode) return placeNew(temporary, target);
      renameSync(temporary, target);
      return true;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  function remove(path: string, seen: WorkFile): boolean {
    refuseUnsafe(path);
    if (!isAlike(read(path), seen)) return false;
    if (seen.kind === 'file' || seen.kind === 'link') unlinkSync(join(top, path));
    return true;
  }

  return { read, idOf, put, remove };
}

function writeDurably(path: string, bytes: Buffer, permissions: number): void {
  const file = openSync(path, 'wx', permissions);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(path, permissions);
}

/** A file that somebody made meanwhile is not replaced. */
function placeNew(temporary: string, target: string): boolean {
  try {
    linkSync(temporary, target);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code))) throw error;
    renameSync(temporary, target);
    return true;
  }
}

function permissionsFor(seen: WorkFile, mode: string): number {
  const before = seen.kind === 'file' ? seen.permissions : 0o644;
  return mode === '100755' ? before | 0o111 : before & ~0o111;
}

export function isAlike(one: WorkFile, other: WorkFile): boolean {
  if (one.kind === 'absent' || one.kind === 'other' || other.kind === 'absent' || other.kind === 'other') {
    return one.kind === other.kind && one.kind !== 'other';
  }
  return one.kind === other.kind && one.bytes.equals(other.bytes);
}

/** Whether every folder on the way is a folder, or not there yet. */
function leadsThroughFolders(top: string, path: string): boolean {
  let folder = top;
  for (const name of path.split('/').slice(0, -1)) {
    folder = join(folder, name);
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return true;
    if (!stats.isDirectory()) return false;
  }
  return true;
}

/** What is fetched names the files: none may reach into the git directory or out of the work tree. */
function refuseUnsafe(path: string): void {
  const unsafe = path
    .split('/')
    .some((name) => name === '' || name === '.' || name === '..' || /^\.git[ .]*$|^git~\d/i.test(name));
  if (!unsafe) return;
  throw new OpusError(
    'vault.git-failed',
    `The remote of the vault has a file with an unsafe name: ${JSON.stringify(path)}.`,
    {
      hint: 'Take it out of the remote’s branch; nothing was taken over.',
    },
  );
}

function signatureOf(stats: BigIntStats): string {
  return [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { AgentRequest, CredentialFile } from '../../core/ports/agent.ts';
import { agentOf } from './command-failures.ts';

/** A login is small; what is larger was named by mistake. */
const largest = 1024 * 1024;

/** A credential file of a person's, as it was when the run began. */
export interface Original {
  readonly name: string;
  /** Where it lies, without links. */
  readonly path: string;
  /** The same place below any HOME. */
  readonly place: string;
  readonly refresh: boolean;
  readonly mode: number;
  readonly text: string;
}

/** Rejects with `agent.credentials`, which says what a person can do. */
export async function readOriginal(home: string, request: AgentRequest, named: CredentialFile): Promise<Original> {
  const { file: name, refresh } = named;
  const { profile, job } = request;
  const refuse = (what: string, cause?: unknown): OpusError =>
    new OpusError(
      'agent.credentials',
      `The ${agentOf(request)} has no login: ${name}, which ${profile.path} names, ${what}.`,
      {
        hint: `Sign in with the agent's own program on this machine, or mend "credentials" in that note; then: opus job retry ${job}`,
        cause,
      },
    );
  const file = name.startsWith('~/') ? join(home, name.slice(2)) : name;
  const place = relative(home, file);
  if (!isBelow(place)) throw refuse(`does not lie below ${home}`);
  let path;
  try {
    path = await realpath(file);
  } catch (thrown) {
    throw refuse((thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be reached', thrown);
  }
  if (!isBelow(relative(await realpath(home), path))) throw refuse('is a link that leads out of the home folder');
  for (const hidden of request.hidden) {
    const real = await realpath(hidden).catch(() => hidden);
    if (path === real || isBelow(relative(real, path))) throw refuse('belongs to the runner or the vault');
  }
  const read = await readSmall(path).catch((thrown: unknown) => {
    throw refuse('cannot be read', thrown);
  });
  if (typeof read === 'string') throw refuse(read);
  return { name, path, place, refresh, mode: read.mode, text: read.text };
}

/** Puts a copy at its place below `root`. No process of the agent may be alive, and what it left there is not followed. */
export async function putCopy(root: string, place: string, text: string): Promise<void> {
  let folder = root;
  for (const name of dirname(place).split(sep)) {
    if (name === '.') break;
    folder = join(folder, name);
    if (await isFolder(folder)) continue;
    await rm(folder, { force: true });
    await mkdir(folder, { mode: 0o700 });
  }
  const path = join(root, place);
  await rm(path, { recursive: true, force: true });
  await writeNew(path, text, 0o600);
}

/** The copy as the agent left it; null when it is gone or has become anything but a small plain file. */
export async function readCopy(root: string, place: string): Promise<string | null> {
  if (!(await hasPlainWay(root, place))) return null;
  const read = await readSmall(join(root, place)).catch(() => null);
  return read === null || typeof read === 'string' || read.links !== 1 ? null : read.text;
}

export async function removeCopy(root: string, place: string): Promise<void> {
  if (await hasPlainWay(root, place)) await rm(join(root, place), { recursive: true, force: true });
}

/** Replaces a person's file by a renewed one, at once or not at all; false when somebody else has changed it meanwhile. */
export async function replaceOriginal(original: Original, text: string): Promise<boolean> {
  const now = await readSmall(original.path);
  if (typeof now === 'string' || now.text !== original.text) return false;
  const beside = `${original.path}.opus-${process.pid}-${Date.now()}`;
  try {
    await writeNew(beside, text, original.mode);
    await rename(beside, original.path);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
  return true;
}

/** Its text, or what is wrong with it. Never follows a link at the end of the path and never blocks. */
async function readSmall(path: string): Promise<{ text: string; mode: number; links: number } | string> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return 'is no plain file';
    if (stat.size > largest) return 'is larger than 1 MB';
    const buffer = Buffer.alloc(stat.size);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, bytesRead));
      return { text, mode: stat.mode & 0o777, links: stat.nlink };
    } catch {
      return 'is no text';
    }
  } finally {
    await handle.close();
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const handle = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether every folder on the way is one, so that nothing leads out of `root`. */
async function hasPlainWay(root: string, place: string): Promise<boolean> {
  let folder = root;
  for (const name of dirname(place).split(sep)) {
    if (name !== '.') folder = join(folder, name);
    if (!(await isFolder(folder))) return false;
  }
  return true;
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() === true;
}

function isBelow(from: string): boolean {
  return from !== '' && from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

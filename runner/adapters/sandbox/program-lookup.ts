import { accessSync, constants } from 'node:fs';
import { isAbsolute, join, normalize, relative, resolve } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { Mount } from '../../core/ports/sandbox.ts';
import { isFolder, isWithin } from './visible-paths.ts';

const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** PATH as it is inside: what of the runner's is visible there, then the system's. */
export function innerPath(folders: readonly string[], isVisible: (folder: string) => boolean): string {
  const system = systemPath.filter((folder) => isFolder(folder));
  return [...new Set([...folders.filter(isVisible), ...system])].join(':');
}

/** Where an outside program lies, by a PATH; null when it is nowhere. */
export function findProgram(name: string, path: string): string | null {
  for (const folder of path.split(':').filter((entry) => isAbsolute(entry))) {
    if (isExecutable(join(folder, name))) return join(folder, name);
  }
  return null;
}

export interface ProgramPlace {
  readonly path: string;
  readonly cwd: string;
  readonly mounts: readonly Mount[];
}

/** Rejects a program that does not exist as `agent.not-found`, before anything is started. */
export function requireProgram(name: string, place: ProgramPlace): void {
  const candidates = name.includes('/')
    ? [normalize(isAbsolute(name) ? name : resolve(place.cwd, name))]
    : place.path.split(':').map((folder) => join(folder, name));
  if (candidates.some((candidate) => isExecutable(outside(candidate, place.mounts)))) return;
  const present = name.includes('/') && candidates.some((candidate) => exists(outside(candidate, place.mounts)));
  const what = present ? 'is not executable' : name.includes('/') ? 'does not exist' : 'is not on PATH';
  throw new OpusError('agent.not-found', `The program ${name} ${what}.`, {
    hint: present ? `chmod +x ${name}` : `Install it, or name it by its absolute path.`,
    details: { path: place.path },
  });
}

/** The path on this machine of a path inside. */
function outside(path: string, mounts: readonly Mount[]): string {
  const mount = mounts.findLast(({ source, target }) => isWithin(path, target ?? source));
  return mount === undefined ? path : join(mount.source, relative(mount.target ?? mount.source, path));
}

function isExecutable(path: string): boolean {
  return !isFolder(path) && can(path, constants.X_OK);
}

function exists(path: string): boolean {
  return can(path, constants.F_OK);
}

function can(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

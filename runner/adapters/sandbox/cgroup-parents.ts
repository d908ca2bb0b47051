import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/**
 * The folder of the control group (version 2) that this process may divide further, or null: most often nothing
 * is delegated to it.
 */
export function findCgroupParent(): string | null {
  try {
    return delegatedFolder();
  } catch {
    return null;
  }
}

function delegatedFolder(): string | null {
  const own = ownFolder();
  if (own === null) return null;
  const leaf = 'opus-runner';
  const parent = basename(own) === leaf ? dirname(own) : own;
  if (!canWrite(parent) || !hasBoth(`${parent}/cgroup.controllers`)) return null;
  if (hasBoth(`${parent}/cgroup.subtree_control`)) return parent;
  // Root may write everywhere: only a service's own group that holds nobody else counts as given to it.
  if (process.getuid?.() === 0 && !parent.endsWith('.service')) return null;
  const members = readFileSync(`${parent}/cgroup.procs`, 'latin1').trim().split('\n');
  if (members.some((pid) => Number(pid) !== process.pid)) return null;
  // A group that is divided further holds no processes itself.
  mkdirSync(`${parent}/${leaf}`, { recursive: true });
  writeFileSync(`${parent}/${leaf}/cgroup.procs`, String(process.pid));
  writeFileSync(`${parent}/cgroup.subtree_control`, '+memory +pids');
  return parent;
}

function ownFolder(): string | null {
  const mount = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '));
  const [, , , root = '/', point] = mount?.split(' ') ?? [];
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1];
  if (point === undefined || path === undefined) return null;
  const below = root !== '/' && path.startsWith(root) ? path.slice(root.length) : path;
  return below === '/' || below === '' ? point : point + below;
}

function hasBoth(file: string): boolean {
  const controllers = readFileSync(file, 'latin1').trim().split(' ');
  return controllers.includes('memory') && controllers.includes('pids');
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

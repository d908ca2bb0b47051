import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { Mount } from '../../core/ports/sandbox.ts';
import { isFolder, isWithin, realPathOf, systemFolders, withRealPaths } from './visible-paths.ts';

export interface MountPlan {
  /** The home folder inside, an empty one. */
  readonly home: string;
  /** Bytes of each of /tmp and home. */
  readonly scratchBytes: number;
  readonly sharedMemoryBytes: number;
  /** Shown read-only at their own place, before the mounts. */
  readonly readable: readonly string[];
  readonly mounts: readonly Mount[];
  readonly hidden: readonly string[];
}

const etcNames = [
  ...['passwd', 'group', 'nsswitch.conf', 'hosts', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ld.so.preload'],
  ...['alternatives', 'ssl', 'pki', 'ca-certificates', 'ca-certificates.conf', 'localtime', 'mime.types'],
];

/** Private keys that lie among the public certificates, which a caller who is root could read. */
const etcPrivateFolders = ['/etc/ssl/private', '/etc/pki/tls/private', '/etc/pki/CA/private', '/etc/ssl/keys'];

/** A caller who is root owns these, so dropping capabilities leaves them readable or writable. */
const procFiles = [
  'kcore',
  'sysrq-trigger',
  'keys',
  'key-users',
  'timer_list',
  'mtrr',
  'latency_stats',
  'sched_debug',
  'kmsg',
];
const procFolders = ['sys', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'driver', 'pressure', 'dynamic_debug'];

/** What is visible inside, as bubblewrap arguments; later ones lie over earlier ones. */
export function mountArguments(plan: MountPlan): string[] {
  refuseLinksOfEarlierRuns(plan.mounts);
  const hidden = withRealPaths(plan.hidden).filter((path) => existsSync(path));
  const readable = plan.readable.map((path): Mount => ({ source: path, mode: 'read-only' }));
  return [
    ...systemArguments(),
    ...procArguments(),
    ...['--dev', '/dev'],
    ...tmpfs('/dev/shm', plan.sharedMemoryBytes, '1777'),
    ...tmpfs('/tmp', plan.scratchBytes, '1777'),
    ...['--dir', '/run', '--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
    ...(plan.home === '/tmp' ? [] : tmpfs(plan.home, plan.scratchBytes, '0700')),
    ...[...readable, ...plan.mounts].flatMap((mount) => [...bind(mount), ...masks(mount, hidden)]),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
  ];
}

function systemArguments(): string[] {
  const shown = systemFolders.flatMap((folder) => {
    const entry = lstatSync(folder, { throwIfNoEntry: false });
    if (entry === undefined) return [];
    if (entry.isSymbolicLink()) return ['--symlink', readlinkSync(folder), folder];
    return ['--ro-bind', folder, folder];
  });
  const etc = etcNames.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  const keys = etcPrivateFolders.filter((path) => isFolder(path));
  return [
    ...shown,
    ...etc.flatMap((path) => ['--ro-bind', path, path]),
    ...keys.flatMap((path) => tmpfs(path, 4096, '0555')),
  ];
}

function procArguments(): string[] {
  const folders = procFolders.map((name) => `/proc/${name}`).filter((path) => isFolder(path));
  const files = procFiles.map((name) => `/proc/${name}`).filter((path) => existsSync(path));
  return [
    ...['--proc', '/proc'],
    ...folders.flatMap((path) => ['--ro-bind', path, path]),
    ...files.flatMap((path) => ['--ro-bind', '/dev/null', path]),
  ];
}

function tmpfs(path: string, bytes: number, permissions: string): string[] {
  return ['--perms', permissions, '--size', String(Math.floor(bytes)), '--tmpfs', path];
}

function bind(mount: Mount): string[] {
  return [mount.mode === 'read-write' ? '--bind' : '--ro-bind', mount.source, mount.target ?? mount.source];
}

/** Covers what must stay hidden below a mount. A mount that itself lies in something hidden was meant. */
function masks(mount: Mount, hidden: readonly string[]): string[] {
  const source = realPathOf(mount.source) ?? mount.source;
  const target = mount.target ?? mount.source;
  const covered = hidden.filter((path) => path !== source && isWithin(path, source));
  return [...new Set(covered.map((path) => join(target, relative(source, path))))].flatMap((path) =>
    isFolder(join(source, relative(target, path))) ? tmpfs(path, 4096, '0555') : ['--ro-bind', '/dev/null', path],
  );
}

/** An agent that ran here before may have left a link where something is to be mounted, or mounted from. */
function refuseLinksOfEarlierRuns(mounts: readonly Mount[]): void {
  for (const mount of mounts) {
    const target = mount.target ?? mount.source;
    for (const writable of mounts) {
      if (writable.mode !== 'read-write' || writable === mount) continue;
      const link =
        firstLink(writable.source, writable.target ?? writable.source, target) ??
        firstLink(writable.source, writable.source, mount.source);
      if (link === null) continue;
      throw new OpusError('sandbox.start-failed', `${link} is a link, and nothing is mounted through a link.`, {
        hint: 'Remove it: it lies in a folder that an agent can write to.',
      });
    }
  }
}

/** The first link between `shown` (which is `folder` on this machine) and `path`. */
function firstLink(folder: string, shown: string, path: string): string | null {
  if (path === shown || !isWithin(path, shown)) return null;
  let at = folder;
  for (const name of relative(shown, path).split(sep)) {
    at = join(at, name);
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) return at;
  }
  return null;
}

import { realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** `path` is `folder` or lies below it. Both absolute and normalized. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The path without links, or null when there is nothing at it. */
export function realPathOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

/** False as well for what this user cannot look at, e.g. a folder of PATH in another's home. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** The path as given and, where links lead elsewhere, where they lead: both have to be protected. */
export function withRealPaths(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => [path, realPathOf(path) ?? path]))];
}

/** What a sandbox shows of /usr and beside it anyway. */
export const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt'] as const;

const systemRoots = [
  ...[
    '/',
    '/boot',
    '/dev',
    '/etc',
    '/home',
    '/media',
    '/mnt',
    '/proc',
    '/root',
    '/run',
    '/srv',
    '/sys',
    '/tmp',
    '/var',
  ],
  ...['/var/lib', '/var/tmp', '/var/run', '/nix', '/snap', '/Users', '/home/linuxbrew', ...systemFolders],
];

const kernelFolders = ['/proc', '/sys', '/dev', '/run', '/var/run'];

const systemSecrets = [
  ...['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers', '/etc/sudoers.d', '/etc/ssh'],
  ...['/etc/security', '/etc/ssl/private', '/etc/krb5.keytab', '/etc/machine-id'],
];

/** Below home: never shown, whoever asks, because what lies there is a person's credentials. */
const credentialFolders = [
  ...[
    '.ssh',
    '.gnupg',
    '.aws',
    '.azure',
    '.kube',
    '.docker',
    '.netrc',
    '.password-store',
    '.mozilla',
    '.git-credentials',
  ],
  ...[
    '.config/gh',
    '.config/gcloud',
    '.config/op',
    '.config/hub',
    '.npmrc',
    '.pypirc',
    '.pgpass',
    '.local/share/keyrings',
  ],
];

export interface Privacy {
  readonly home: string;
  /** Vault, data folder, repositories. */
  readonly hidden: readonly string[];
}

/** Whether a folder can be shown as a whole: it is, contains and lies in nothing private, and is no system root. */
export function mayShowFolder(folder: string, privacy: Privacy): boolean {
  if (systemRoots.includes(folder) || /^\/(home|Users)\/[^/]+$/.test(folder)) return false;
  if ([...kernelFolders, '/etc', '/boot', '/var/log'].some((root) => isWithin(folder, root))) return false;
  const { homes, hidden } = protectedPaths(privacy);
  if (homes.some((home) => isWithin(home, folder))) return false;
  if (hidden.some((path) => isWithin(path, folder) || isWithin(folder, path))) return false;
  return !credentialPaths(homes).some((path) => isWithin(path, folder) || isWithin(folder, path));
}

/** Whether one file can be shown that a command names. */
export function mayShowFile(file: string, privacy: Privacy): boolean {
  const { homes } = protectedPaths(privacy);
  const secret = [...kernelFolders, ...systemSecrets, ...credentialPaths(homes)];
  return !secret.some((path) => isWithin(file, path));
}

function protectedPaths({ home, hidden }: Privacy): { homes: string[]; hidden: string[] } {
  return { homes: withRealPaths([home]), hidden: withRealPaths(hidden) };
}

function credentialPaths(homes: readonly string[]): string[] {
  return homes.flatMap((home) => credentialFolders.map((name) => join(home, name)));
}

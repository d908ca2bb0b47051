import { readdirSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import {
  isFolder,
  isWithin,
  mayShowFile,
  mayShowFolder,
  realPathOf,
  systemFolders,
  type Privacy,
} from './visible-paths.ts';

/** Below home: where a program found in the first is only complete with the others. */
const knownToolchains: readonly { readonly within: RegExp; readonly show: readonly string[] }[] = [
  { within: /^\.nvm\/versions\/node\/[^/]+/, show: ['$&'] },
  { within: /^\.cargo\/bin/, show: ['.cargo/bin', '.rustup/toolchains', '.rustup/settings.toml'] },
  { within: /^\.rustup\/toolchains/, show: ['.rustup/toolchains', '.rustup/settings.toml'] },
  { within: /^\.local\/share\/(uv|mise|fnm|pnpm|pipx|virtualenvs)/, show: ['$&'] },
  { within: /^\.(pyenv|rbenv|nodenv|goenv|asdf|sdkman|bun|deno|volta|fnm)(?=\/|$)/, show: ['$&'] },
  { within: /^go\/bin/, show: ['go/bin'] },
  { within: /^sdk\/go[^/]*/, show: ['$&'] },
];

/** The runner's PATH as absolute folders that exist, each once, in order. */
export function pathFolders(path: string): string[] {
  const folders = path.split(':').filter((entry) => isAbsolute(entry));
  return [...new Set(folders.map((entry) => trimSlash(normalize(entry))))].filter((entry) => isFolder(entry));
}

export interface ToolchainSources {
  readonly path: string;
  readonly execPath: string;
  readonly goRoot: string | undefined;
}

/** Folders and files beyond the system's that programs on PATH need, as PATH names them and as links lead to them. */
export function toolchainPaths(sources: ToolchainSources, privacy: Privacy): string[] {
  const found = new Set<string>();
  const add = (path: string): void => {
    for (const shown of wholeToolchain(path, privacy)) found.add(shown);
  };
  for (const folder of pathFolders(sources.path)) {
    if (!isSystemPath(folder) && !mayShowFolder(folder, privacy)) continue;
    if (!isSystemPath(folder)) {
      add(folder);
      add(realPathOf(folder) ?? folder);
    }
    if (!isSystemPath(folder) || isWithin(folder, '/usr/local')) {
      for (const target of linkTargets(folder)) add(target);
    }
  }
  add(dirname(sources.execPath));
  // The file at least, even from inside a repository: without Node nothing of the runner's own works in there.
  if (![...found].some((folder) => isWithin(sources.execPath, folder))) add(sources.execPath);
  if (sources.goRoot !== undefined && isAbsolute(sources.goRoot)) add(normalize(sources.goRoot));
  return withoutNested([...found]);
}

/**
 * What of the file system a command's own arguments make readable: the folder of each absolute argument, or that
 * file alone where the folder is or contains something private. Arguments that name nothing are skipped.
 */
export function readablePathsForCommand(argv: readonly string[], privacy: Privacy): string[] {
  const found = new Set<string>();
  for (const argument of argv) {
    if (!isAbsolute(argument) || argument.length > 4096 || argument.includes('\0')) continue;
    const path = trimSlash(normalize(argument));
    const real = realPathOf(path);
    if (real === null) continue;
    for (const named of [path, real]) {
      if (isSystemPath(named)) continue;
      for (const shown of folderOrFile(named, privacy)) found.add(shown);
    }
  }
  return withoutNested([...found]);
}

function folderOrFile(path: string, privacy: Privacy): string[] {
  const modules = outermostNodeModules(path);
  if (modules !== null && mayShowFolder(modules, privacy)) return [modules];
  const known = knownToolchain(path, privacy);
  if (known.length > 0) return known;
  if (isFolder(path)) return mayShowFolder(path, privacy) ? [path] : [];
  if (mayShowFolder(dirname(path), privacy)) return [dirname(path)];
  return mayShowFile(path, privacy) ? [path] : [];
}

function wholeToolchain(path: string, privacy: Privacy): string[] {
  if (isSystemPath(path)) return [];
  return folderOrFile(path, privacy);
}

function knownToolchain(path: string, privacy: Privacy): string[] {
  for (const home of new Set([privacy.home, realPathOf(privacy.home) ?? privacy.home])) {
    if (!isWithin(path, home) || path === home) continue;
    const below = path.slice(home.length + 1);
    for (const { within, show } of knownToolchains) {
      const match = within.exec(below);
      if (match === null) continue;
      const shown = show.map((name) =>
        join(
          home,
          name.replace('$&', () => match[0]),
        ),
      );
      return shown.filter((name) => realPathOf(name) !== null && (!isFolder(name) || mayShowFolder(name, privacy)));
    }
  }
  return [];
}

/** Packages find their dependencies beside themselves, so the outermost folder is what makes one complete. */
function outermostNodeModules(path: string): string | null {
  const parts = path.split(sep);
  const at = parts.indexOf('node_modules');
  return at <= 0 ? null : parts.slice(0, at + 1).join(sep);
}

function linkTargets(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map((entry) => realPathOf(join(folder, entry.name)))
      .filter((target) => target !== null && !isWithin(target, folder)) as string[];
  } catch {
    return [];
  }
}

function isSystemPath(path: string): boolean {
  return systemFolders.some((folder) => isWithin(path, folder));
}

/** Sorted so that a folder comes before what lies in it, which is then left out. */
function withoutNested(paths: readonly string[]): string[] {
  const kept: string[] = [];
  for (const path of [...paths].sort()) {
    if (!kept.some((folder) => isWithin(path, folder))) kept.push(path);
  }
  return kept;
}

function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path;
}

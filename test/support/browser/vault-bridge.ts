import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Bridge, Entry, OutsideRequest, OutsideResponse } from '../../browser/host/bridge.ts';

interface VaultBridgeOptions {
  readonly vault: string;
  /** Called with each request that Obsidian itself makes; it throws for one that is not allowed. */
  readonly check: (url: string) => void;
  readonly report: (problem: string) => void;
  readonly openedOutside: (url: string) => void;
}

/** The vault's folder for a page. All of it at once, so that no answer is older than what was told before. */
export function createVaultBridge({ vault, check, report, openedOutside }: VaultBridgeOptions): Bridge {
  const inVault = (path: string): string => {
    const full = join(vault, path);
    if (relative(vault, full).startsWith('..')) throw new Error(`${path} is outside the vault.`);
    return full;
  };
  const sync =
    <Parameters extends unknown[], Result>(action: (...parameters: Parameters) => Result) =>
    (...parameters: Parameters): Promise<Result> =>
      new Promise((resolve) => {
        resolve(action(...parameters));
      });
  return {
    list: sync(() => listVault(vault)),
    read: sync((path: string) => readFileSync(inVault(path), 'utf8')),
    readBytes: sync((path: string) => readFileSync(inVault(path)).toString('base64')),
    write: sync((path: string, text: string, expect?: string) => {
      const full = inVault(path);
      if (expect !== undefined && readFileSync(full, 'utf8') !== expect) return null;
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, text);
      return entryOf(vault, path);
    }),
    makeFolder: sync((path: string) => {
      mkdirSync(inVault(path), { recursive: true });
      return entryOf(vault, path);
    }),
    remove: sync((path: string) => {
      rmSync(inVault(path), { recursive: true });
    }),
    move: sync((from: string, to: string) => {
      renameSync(inVault(from), inVault(to));
    }),
    exists: sync((path: string) => existsSync(inVault(path))),
    async request(request: OutsideRequest): Promise<OutsideResponse> {
      check(request.url);
      const { url, method, headers, body } = request;
      const response = await fetch(url, { method, headers, ...(body !== null && { body }) });
      return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
    },
    openOutside: sync(openedOutside),
    report: sync(report),
  };
}

/** Without the configuration folder and others with a dot, which Obsidian does not show either. */
function listVault(vault: string): Entry[] {
  return readdirSync(vault, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')))
    .flatMap((path) => {
      try {
        return [entryOf(vault, path)];
      } catch {
        // Gone since it was listed.
        return [];
      }
    });
}

function entryOf(vault: string, path: string): Entry {
  const { ctimeMs, mtimeMs, size } = statSync(join(vault, path));
  const isFolder = statSync(join(vault, path)).isDirectory();
  return { path, isFolder, ctime: ctimeMs, mtime: mtimeMs, size };
}

/**
 * Calls back soon after something in the vault changed, or in the file beside it. Looks again and again: a watch on folders
 * misses what happens in a new one before it is watched, too. Returns how to stop.
 */
export function watchVault(vault: string, file: string, changed: (entries: Entry[]) => void): () => void {
  const look = (): { entries: Entry[]; mark: string } => {
    const entries = listVault(vault);
    const beside = existsSync(join(vault, file)) ? [entryOf(vault, file)] : [];
    return { entries, mark: JSON.stringify([...entries, ...beside]) };
  };
  let mark = '';
  const timer = setInterval(() => {
    const now = look();
    if (now.mark === mark) return;
    mark = now.mark;
    changed(now.entries);
  }, 50);
  return () => {
    clearInterval(timer);
  };
}

import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './atomic-write.ts';

/** Every Markdown file below a folder, as paths from `root`, sorted; hidden folders and linked folders are left out. */
export async function listNotes(root: string, folder: string): Promise<string[]> {
  const found: string[] = [];
  const open: string[] = [folder];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    for (const entry of await entriesOf(join(root, current), current === folder)) {
      if (entry.name.startsWith('.')) continue;
      const path = `${current}/${entry.name}`;
      if (entry.isDirectory()) open.push(path);
      else if (/\.md$/i.test(entry.name)) found.push(path);
    }
  }
  return found.sort();
}

/** A subfolder may vanish while it is listed; one that cannot be read must not look like one without notes. */
async function entriesOf(folder: string, isTop: boolean): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (!isTop && hasCode(error, ['ENOENT', 'ENOTDIR'])) return [];
    throw error;
  }
}

/** A file changed this recently may change again without a new time stamp, so what was read of it is not trusted. */
const settledAfterMs = 2_000;

/** Remembers what was made of each file for as long as the file is the same. */
export class FileCache<Value> {
  private entries = new Map<string, { readonly stamp: string; readonly settled: boolean; readonly value: Value }>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  get(path: string, stats: Stats): Value | undefined {
    const entry = this.entries.get(path);
    return entry?.settled && entry.stamp === stampOf(stats) ? entry.value : undefined;
  }

  set(path: string, stats: Stats, value: Value): void {
    const settled = this.now() - Math.max(stats.mtimeMs, stats.ctimeMs) > settledAfterMs;
    this.entries.set(path, { stamp: stampOf(stats), settled, value });
  }

  /** Forgets every file that is not among these. */
  keepOnly(paths: readonly string[]): void {
    if (paths.length === this.entries.size) return;
    const kept = new Set(paths);
    for (const path of this.entries.keys()) if (!kept.has(path)) this.entries.delete(path);
  }

  values(): Value[] {
    return [...this.entries.values()].map((entry) => entry.value);
  }
}

function stampOf(stats: Stats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

export async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return null;
    throw error;
  }
}

/** Runs `work` on every item, at most `limit` at a time, and keeps the order. */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next; index < items.length; index = next) {
      next += 1;
      results[index] = await work(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

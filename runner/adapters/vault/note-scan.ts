import { lstatSync, type Dirent, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

export function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return null;
    throw error;
  }
}

const sliceMs = 8;

/** Does quick work on every item, and lets everything else have its turn again and again in between. */
export async function inSlices<Item, Result>(items: readonly Item[], work: (item: Item) => Result): Promise<Result[]> {
  const results: Result[] = [];
  let sliceEnd = performance.now() + sliceMs;
  for (const item of items) {
    results.push(work(item));
    if (performance.now() < sliceEnd) continue;
    await setImmediate();
    sliceEnd = performance.now() + sliceMs;
  }
  return results;
}

import { statfsSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { heldOpenBytes } from './held-files.ts';
import type { ProcessEntry } from './process-table.ts';

/** An empty file takes a place in the file system's tables: without this, millions of them would cost nothing. */
const leastBytesPerFile = 4096;

/**
 * How much the writable folders grew since the start. Asking the file system for its free space is cheap but
 * says nothing about who took it, so it only decides when the folders are looked through: what changed
 * since the start counts, by its blocks.
 */
export class DiskGrowth {
  readonly #folders: readonly string[];
  readonly #limit: number;
  /** Coarse file system clocks may lag behind by some milliseconds. */
  readonly #since = Date.now() - 20;
  readonly #freeAtStart: number;
  #lookAgainBelow: number;

  constructor(folders: readonly string[], limit: number) {
    this.#folders = folders;
    this.#limit = limit;
    this.#freeAtStart = this.#free();
    this.#lookAgainBelow = this.#freeAtStart - limit / 4;
  }

  async exceeded(processes: readonly ProcessEntry[], phase: 'running' | 'exited'): Promise<boolean> {
    const free = this.#free();
    const suspicious = phase === 'exited' ? this.#freeAtStart - free > this.#limit : free < this.#lookAgainBelow;
    if (!suspicious) return false;
    this.#lookAgainBelow = free - this.#limit / 8;
    let bytes = heldOpenBytes(processes, 'disk');
    for (const folder of this.#folders) {
      bytes = await this.#addChanged(folder, bytes);
      if (bytes > this.#limit) return true;
    }
    return false;
  }

  async #addChanged(path: string, sum: number): Promise<number> {
    let bytes = sum;
    const entry = await lstat(path).catch(() => null);
    if (entry === null) return bytes;
    if (entry.ctimeMs >= this.#since)
      bytes += Math.max(leastBytesPerFile, (entry.blocks * 512) / Math.max(1, entry.nlink));
    if (!entry.isDirectory()) return bytes;
    const folder = await opendir(path).catch(() => null);
    if (folder === null) return bytes;
    try {
      for await (const child of folder) {
        bytes = await this.#addChanged(join(path, child.name), bytes);
        if (bytes > this.#limit) return bytes;
      }
    } catch {
      // Removed while it was read: what is gone takes no space.
    }
    return bytes;
  }

  /** Bytes, and files as bytes, that the writable folders' file systems have left. */
  #free(): number {
    let free = 0;
    for (const folder of this.#folders) {
      try {
        const { bavail, bsize, ffree } = statfsSync(folder);
        free += bavail * bsize + ffree * leastBytesPerFile;
      } catch {
        // Gone: nothing grows there.
      }
    }
    return free;
  }
}

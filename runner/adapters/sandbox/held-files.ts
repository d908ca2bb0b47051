import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessEntry } from './process-table.ts';

/** Bytes of files in memory on this machine: tmpfs, memfd, shared anonymous mappings. */
export function sharedMemoryBytes(): number {
  try {
    return Number(/^Shmem:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Bytes that unlinked files and memfds take while a process holds them open; no walk over folders finds these. */
export function heldOpenBytes(processes: readonly ProcessEntry[], kind: 'memory' | 'disk'): number {
  const seen = new Map<string, number>();
  for (const { pid } of processes) {
    for (const descriptor of openDescriptors(pid)) {
      const path = `/proc/${pid}/fd/${descriptor}`;
      try {
        const inMemory = readlinkSync(path).startsWith('/memfd:');
        if (inMemory !== (kind === 'memory')) continue;
        const file = statSync(path);
        if (file.isFile() && file.nlink === 0) seen.set(`${file.dev}:${file.ino}`, file.blocks * 512);
      } catch {
        // Closed meanwhile.
      }
    }
  }
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function openDescriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

import { statfsSync } from 'node:fs';
import type { Disk } from '../../core/ports/disk.ts';

export function createDisk(): Disk {
  return {
    freeBytes(folder) {
      try {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize;
      } catch {
        return null;
      }
    },
  };
}

import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDisk } from '../../runner/adapters/files/disk-space.ts';

it('tells the bytes that are free for a folder, as the system counts them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opus-disk-'));
  const { blocks, bsize } = statfsSync(folder);
  const free = createDisk().freeBytes(folder);
  rmSync(folder, { recursive: true });
  expect(free).toBeGreaterThan(1024 * 1024);
  expect(free).toBeLessThanOrEqual(blocks * bsize);
});

it('tells nothing of a folder that is not there', () => {
  expect(createDisk().freeBytes(join(tmpdir(), 'nowhere'))).toBeNull();
});

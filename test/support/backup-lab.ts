import { closeSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { createBackups } from '../../runner/adapters/registry/backups.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { Clock } from '../../runner/core/ports/clock.ts';
import type { Backups } from '../../runner/core/ports/backups.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { aJob } from './records.ts';

export interface BackupLab {
  /** The data folder. */
  readonly folder: string;
  /** The registry's. */
  readonly file: string;
  /** It stands still until it is put on. */
  readonly clock: Clock & { at: number };
  readonly backups: Backups;
  /** FR-1-NUMBER. */
  addJob(number: number): void;
  /** The ids of the jobs in the registry, or in another file that was one. */
  jobs(file?: string): string[];
  /** Some megabytes of events, ten each, so that copying the registry takes many steps. */
  fill(megabytes: number): void;
}

export function makeBackupLab(): BackupLab {
  const folder = mkdtempSync(join(tmpdir(), 'backup-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'registry.db');
  const clock = { at: Date.parse('2026-01-31T23:59:00Z'), now: () => clock.at };
  function withRegistry<Result>(path: string, use: (registry: JobRegistry) => Result): Result {
    const registry = openRegistry({ file: path, clock });
    try {
      return use(registry);
    } finally {
      registry.close();
    }
  }
  return {
    folder,
    file,
    clock,
    backups: createBackups({ dataFolder: folder, keep: 3, clock, packageVersion: '1.2.3' }),
    addJob(number) {
      withRegistry(file, (registry) => {
        registry.commit(null, null, { insertJob: aJob({ id: `FR-1-${number}`, number }) });
      });
    },
    jobs: (path = file) => withRegistry(path, (registry) => registry.jobs({ finished: true }).map(({ id }) => id)),
    fill(megabytes) {
      withRegistry(file, (registry) => {
        const event = { type: 'test.filled', jobId: null, data: { text: 'x'.repeat(100_000) } };
        for (let each = 0; each < megabytes; each += 1) {
          registry.commit(null, null, { events: Array.from({ length: 10 }, () => event) });
        }
      });
    },
  };
}

export type Damage = 'garbage' | 'truncated' | 'empty' | 'wrecked page' | 'another schema';

export function damage(path: string, kind: Damage): void {
  switch (kind) {
    case 'garbage':
      writeFileSync(path, 'This is no database. '.repeat(1_000));
      return;
    case 'truncated':
      truncateSync(path, Math.floor(statSync(path).size / 8_192) * 4_096);
      return;
    case 'empty':
      truncateSync(path, 0);
      return;
    case 'wrecked page':
      wreckPage(path, 40);
      return;
    case 'another schema': {
      const database = new DatabaseSync(path);
      database.exec('PRAGMA user_version = 1');
      database.close();
    }
  }
}

function wreckPage(path: string, page: number): void {
  const descriptor = openSync(path, 'r+');
  try {
    writeSync(descriptor, Buffer.alloc(4_096, 0xa5), 0, 4_096, (page - 1) * 4_096);
  } finally {
    closeSync(descriptor);
  }
}

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBackups } from '../../runner/adapters/registry/backups.ts';
import { openRegistrySafely, type SafelyOpened } from '../../runner/adapters/registry/open-registry-safely.ts';
import { aResponse } from '../support/records.ts';
import { writeVersion1Registry } from '../support/version-1-registry.ts';

let folder: string;
let file: string;
const clock = { now: () => 1_000_000 };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migration-'));
  file = join(folder, 'registry.db');
  writeVersion1Registry(file);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const backups = () => createBackups({ dataFolder: folder, keep: 2, clock, packageVersion: '2.0.0' });
const open = (): Promise<SafelyOpened> => openRegistrySafely({ file, clock, backups: backups() });

/** What a database says, whatever its files look like. */
function dump(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`)
      .all()
      .map(({ name }) => String(name));
    return [
      database.prepare('PRAGMA user_version').get(),
      ...tables.map((table) => [table, database.prepare(`SELECT * FROM ${table}`).all()]),
    ];
  } finally {
    database.close();
  }
}

describe('a registry of the first version', () => {
  it('keeps every field of every job, and what belongs to it', async () => {
    const { registry, restoredFrom, notices } = await open();
    const added = {
      slot: null,
      pausedBy: null,
      agent: null,
      holdUntil: null,
      missingSince: null,
      checkout: null,
      reverts: null,
    };
    expect(registry.jobs({ finished: true })).toEqual([
      {
        id: 'FR-1-1',
        featureRequestId: 'FR-1',
        number: 1,
        title: 'One “click”',
        notePath: '10_features/FR-1.md',
        repository: 'app',
        priority: 'P1',
        status: 'waiting',
        waitingFor: 'approval',
        runState: 'waiting',
        base: 'main',
        baseCommit: 'ba5e',
        branch: 'opus/FR-1-1-one-click',
        headCommit: 'c0ffee',
        gate: { kind: 'merge', hash: 'c0ffee' },
        pullRequest: { number: 7, url: 'https://example.com/7', state: 'open' },
        mergeCommit: null,
        error: null,
        noteStatus: 'in-review',
        run: 2,
        createdAt: 1_000,
        updatedAt: 2_000,
        queuedAt: 1_000,
        // It has an attempt, so that it had been admitted.
        admittedAt: 1_000,
        ...added,
      },
      expect.objectContaining({
        id: 'FR-2-3',
        status: 'failed',
        error: { code: 'agent.failed', message: 'It broke.', hint: null },
        queuedAt: 1_500,
        admittedAt: null,
        ...added,
      }),
    ]);
    expect(registry.attempts('FR-1-1')).toMatchObject([
      {
        id: 'FR-1-1/code/0/1',
        status: 'passed',
        result: { summary: 'done' },
        refusedHosts: ['a.example'],
        leaseUntil: null,
      },
    ]);
    expect(registry.decisions('FR-1-1')).toMatchObject([{ gate: { kind: 'plan', hash: 'abcdef01' }, comment: 'good' }]);
    expect(registry.retries('FR-2-3')).toMatchObject([{ from: 'code', rounds: 2 }]);
    expect(registry.events({ afterSeq: 0, limit: 9 })).toMatchObject([{ seq: 1, type: 'job.queued', data: { a: 1 } }]);
    expect(registry.effect('FR-1-1/code/0/1')).toEqual({ result: { summary: 'done' } });
    expect(registry.trustedNotes()).toMatchObject([{ path: 'agents/coder.md', text: 'text' }]);
    expect(registry.highestNumber('FR-2')).toBe(3);
    registry.close();
    expect({ restoredFrom, notices }).toEqual({ restoredFrom: null, notices: [] });
  });

  it('is backed up as it was before it is migrated, once', async () => {
    const before = dump(file);
    (await open()).registry.close();
    (await open()).registry.close();
    const made = backups().list();
    expect(made).toMatchObject([{ reason: 'migration', schema: 1 }]);
    expect(dump(made[0]?.path ?? '')).toEqual(before);
  });

  it('is in the old state again after its backup was restored, and migrates anew', async () => {
    const before = dump(file);
    (await open()).registry.close();
    const made = backups().list()[0]?.name ?? '';
    await backups().restore(made);
    expect(dump(file)).toEqual(before);
    const { registry } = await open();
    expect(registry.job('FR-1-1')?.queuedAt).toBe(1_000);
    registry.close();
  });

  it('stays as it was when the migration fails, and says so', async () => {
    const database = new DatabaseSync(file);
    // The last table that the second version adds, so that all before it has to be undone.
    database.exec('CREATE TABLE job_numbers (mine TEXT)');
    database.close();
    const before = dump(file);
    await expect(open()).rejects.toMatchObject({
      code: 'registry.incompatible',
      message: expect.stringContaining('from schema 1 to') as string,
      hint: 'Go back to the version of opus that wrote it.',
    });
    expect(dump(file)).toEqual(before);
    expect(backups().list()).toMatchObject([{ reason: 'migration', schema: 1 }]);
  });

  it('does not fill the disk with backups when it is tried again and again', async () => {
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE job_numbers (mine TEXT)');
    database.close();
    for (let time = 0; time < 4; time += 1) await expect(open()).rejects.toThrow('already exists');
    expect(backups().list()).toHaveLength(2);
  });

  it('is not migrated when it cannot be backed up', async () => {
    const failing = { ...backups(), create: () => Promise.reject(new Error('no space')) };
    const before = dump(file);
    await expect(openRegistrySafely({ file, clock, backups: failing })).rejects.toThrow('no space');
    expect(dump(file)).toEqual(before);
  });
});

describe('a registry of the third version', () => {
  it('keeps what models took, as told by their providers, and goes on with it', async () => {
    rmSync(file);
    const database = new DatabaseSync(file);
    database.exec(readFileSync(new URL('../fixtures/registry/schema-3.sql', import.meta.url), 'utf8'));
    const columns = 'job_id, agent, endpoint, model, at, input, cache_read, cache_write, output, cost, subscription';
    database.exec(`INSERT INTO usage (${columns}) VALUES
      ('FR-1-1', 'coder', 'anthropic', 'm-1', 1, 100, 30, 0, 10, 0.5, 0),
      ('FR-1-1', 'coder', 'anthropic', 'm-1', 2, 100, 30, 0, 10, 0.5, 1)`);
    database.close();
    const { registry } = await open();
    registry.recordUsage(aResponse({ at: 3 }));
    expect(registry.usage({ jobId: 'FR-1-1' })).toEqual([
      {
        ...{ agent: 'coder', model: 'm-1', responses: 3, estimated: 0, cost: 1, unpriced: 0, subscription: 110 },
        ...{ usage: { input: 300, cacheRead: 90, cacheWrite: 0, output: 30 }, shares: [] },
      },
    ]);
    expect(registry.closeUsage()).toBe(0);
    registry.close();
    expect(backups().list()).toMatchObject([{ reason: 'migration', schema: 3 }]);
  });
});

describe('a registry of a newer version', () => {
  it('is refused and not touched', async () => {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 999');
    database.close();
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({ code: 'registry.incompatible' });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(backups().list()).toEqual([]);
  });
});

import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { schemaVersion } from '../../runner/adapters/registry/migrations.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { Backup, Backups } from '../../runner/core/ports/backups.ts';
import { damage, makeBackupLab, type BackupLab } from '../support/backup-lab.ts';
import { startScript } from '../support/child-process.ts';

let lab: BackupLab;
let folder: string;
let file: string;
let backups: Backups;
beforeEach(() => {
  lab = makeBackupLab();
  ({ folder, file, backups } = lab);
});

const mode = (path: string): number => statSync(path).mode & 0o777;
const names = (): string[] => backups.list().map(({ name }) => name);

function eventsIn(path: string): { readonly count: number; readonly last: number } {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare('SELECT count(*) AS count, coalesce(max(seq), 0) AS last FROM events').get();
    return { count: Number(row?.['count']), last: Number(row?.['last']) };
  } finally {
    database.close();
  }
}

describe('a backup', () => {
  it('is one file that says when, why and by whom it was made, readable for its owner alone', async () => {
    lab.addJob(1);
    const made = await backups.create('asked');
    expect(made).toEqual({
      name: `registry-20260131T235900000Z-schema${schemaVersion}-asked-1.2.3.db`,
      path: join(folder, 'backups', made.name),
      bytes: statSync(made.path).size,
      at: lab.clock.at,
      reason: 'asked',
      schema: schemaVersion,
      version: '1.2.3',
    });
    expect(backups.newestGood()).toEqual(made);
    expect(readdirSync(join(folder, 'backups'))).toEqual([made.name]);
    expect([mode(join(folder, 'backups')), mode(made.path)]).toEqual([0o700, 0o600]);
    expect(backups.list()).toEqual([made]);
  });

  it('closes a folder that others could look into', async () => {
    lab.addJob(1);
    mkdirSync(join(folder, 'backups'));
    chmodSync(join(folder, 'backups'), 0o755);
    await backups.create('asked');
    expect(mode(join(folder, 'backups'))).toBe(0o700);
  });

  it('has what a runner committed that was killed before it could tidy up', async () => {
    lab.addJob(1);
    const writer = startScript('write-registry.ts', file, 'a', '100000');
    await writer.line((line) => line === 'a-50');
    await writer.kill();
    const { path } = await backups.create('asked');
    expect(eventsIn(path).count).toBeGreaterThan(50);
  });

  it('is of one moment while another process writes all the time, and keeps neither from going on', async () => {
    lab.fill(20);
    const filled = eventsIn(file).count;
    const writer = startScript('write-registry.ts', file, 'a', '1000000');
    await writer.line((line) => line === 'a-10');
    const before = writer.lines.length;
    let turns = 0;
    let counting = setImmediate(function count() {
      turns += 1;
      counting = setImmediate(count);
    });
    const made = await backups.create('scheduled');
    clearImmediate(counting);
    const after = writer.lines.length;
    await writer.line((line) => line === `a-${after + 10}`);
    await writer.kill();
    const found = eventsIn(made.path);
    expect(found.count).toBe(found.last);
    expect(found.count).toBeGreaterThanOrEqual(filled + before);
    expect(found.count).toBeLessThan(eventsIn(file).count);
    // It copies 20 times a megabyte.
    expect(turns).toBeGreaterThan(10);
  });

  it('is of the moment at which it was asked for, whatever is committed until it is done', async () => {
    lab.fill(20);
    const registry = openRegistry({ file, clock: lab.clock });
    const event = { type: 'test.late', jobId: null, data: {} };
    let late = 0;
    let isDone = false;
    const making = backups.create('scheduled').finally(() => {
      isDone = true;
    });
    const commit = (): void => {
      if (isDone) return;
      registry.commit(null, null, { events: [event] });
      late += 1;
      setImmediate(commit);
    };
    commit();
    const made = await making;
    registry.close();
    expect(late).toBeGreaterThan(1);
    expect(eventsIn(made.path).count).toBe(200);
    expect(eventsIn(file).count).toBe(200 + late);
  });

  it('leaves nothing that counts when it is killed in the middle, and what it leaves is removed later', async () => {
    lab.fill(20);
    const left = (): string[] => readdirSync(join(folder, 'backups')).filter((name) => name.includes('.partial'));
    const partials = (): number => left().filter((name) => name.endsWith('.partial')).length;
    let kills = 0;
    for (let round = 0; round < 20 && kills < 2; round += 1) {
      const maker = startScript('make-backups.ts', folder);
      await maker.line(() => true);
      await vi.waitUntil(() => partials() > kills, { interval: 0, timeout: 10_000 });
      await maker.kill();
      kills = partials();
    }
    expect(kills).toBe(2);
    for (const { path } of backups.list()) expect(eventsIn(path).count).toBe(200);
    const { name } = await backups.create('asked');
    expect(names()[0]).toBe(name);
    expect(partials()).toBe(2);
    for (const name of left()) utimesSync(join(folder, 'backups', name), new Date(0), new Date(0));
    backups.prune();
    expect(left()).toEqual([]);
  });

  it('is not made of a damaged registry', async () => {
    lab.fill(2);
    damage(file, 'wrecked page');
    await expect(backups.create('asked')).rejects.toMatchObject({ code: 'registry.corrupt' });
    expect(readdirSync(join(folder, 'backups'))).toEqual([]);
  });

  it('needs a registry', async () => {
    await expect(backups.create('asked')).rejects.toMatchObject({
      code: 'registry.no-backup',
      message: `There is no registry at ${file} yet, so nothing to back up.`,
    });
    expect(backups.list()).toEqual([]);
  });

  it('says what stands in its way', async () => {
    lab.addJob(1);
    writeFileSync(join(folder, 'backups'), 'a file');
    await expect(backups.create('asked')).rejects.toMatchObject({ code: 'registry.backup-failed' });
  });
});

describe('old backups', () => {
  const make = async (...reasons: Backup['reason'][]): Promise<void> => {
    for (const reason of reasons) {
      await backups.create(reason);
      lab.clock.at += 1_000;
    }
  };
  const kept = (): string[] =>
    backups.list().map(({ at, reason }) => `${reason} ${(at - Date.parse('2026-01-31T23:59:00Z')) / 1_000}`);

  it('are removed by count, those of migrations apart from all others', async () => {
    lab.addJob(1);
    await make('migration', 'migration', 'migration', 'asked', 'scheduled', 'scheduled', 'restore', 'scheduled');
    const removed = backups.prune();
    expect(kept()).toEqual(['scheduled 7', 'restore 6', 'scheduled 5', 'migration 2', 'migration 1']);
    expect(removed).toHaveLength(3);
  });

  it('are told from other files by their names', async () => {
    lab.addJob(1);
    await make('asked');
    for (const name of ['registry.db', 'registry-20269931T000000000Z-schema2-asked-1.db', 'note.txt']) {
      writeFileSync(join(folder, 'backups', name), '');
    }
    expect(kept()).toEqual(['asked 0']);
  });

  it('are older than newer ones even when the clock was put back', async () => {
    lab.addJob(1);
    const first = await backups.create('asked');
    lab.clock.at -= 3_600_000;
    const second = await backups.create('asked');
    expect(names()).toEqual([second.name, first.name]);
  });
});

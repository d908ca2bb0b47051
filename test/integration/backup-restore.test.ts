import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { schemaVersion } from '../../runner/adapters/registry/migrations.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { openRegistrySafely, type SafelyOpened } from '../../runner/adapters/registry/open-registry-safely.ts';
import type { Backups } from '../../runner/core/ports/backups.ts';
import { damage, makeBackupLab, type BackupLab, type Damage } from '../support/backup-lab.ts';
import { startScript } from '../support/child-process.ts';
import { aJob } from '../support/records.ts';

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

describe('a restore', () => {
  it('puts the backup in place and moves what was there aside, whole', async () => {
    lab.addJob(1);
    const made = await backups.create('asked');
    const live = openRegistry({ file, clock: lab.clock });
    live.commit(null, null, { insertJob: aJob({ id: 'FR-1-2', number: 2 }) });
    // As a killed runner leaves it: the second job is in the log beside the database alone.
    for (const companion of ['', '-wal', '-shm']) copyFileSync(`${file}${companion}`, `${file}${companion}.kept`);
    live.close();
    for (const companion of ['', '-wal', '-shm']) renameSync(`${file}${companion}.kept`, `${file}${companion}`);
    writeFileSync(join(folder, 'engine.db'), 'engine');
    const { movedTo } = await backups.restore(made.name);
    const stamp = 'before-restore-20260131T235900000Z';
    expect(movedTo.map((path) => path.slice(folder.length + 1))).toEqual([
      `engine.db.${stamp}`,
      `registry.db.${stamp}`,
      `registry.db.${stamp}-shm`,
      `registry.db.${stamp}-wal`,
    ]);
    expect(lab.jobs()).toEqual(['FR-1-1']);
    expect(existsSync(join(folder, 'engine.db'))).toBe(false);
    expect(mode(file)).toBe(0o600);
    expect(lab.jobs(join(folder, `registry.db.${stamp}`))).toEqual(['FR-1-1', 'FR-1-2']);
  });

  it('makes what was restored the newest backup, so that no later one brings back what was given up', async () => {
    lab.addJob(1);
    const first = await backups.create('asked');
    lab.addJob(2);
    lab.clock.at += 1_000;
    await backups.create('scheduled');
    await backups.restore(first.name);
    const newest = backups.newestGood();
    expect(newest).toMatchObject({ reason: 'restore' });
    await backups.restore(newest?.name ?? '');
    expect(lab.jobs()).toEqual(['FR-1-1']);
  });

  it.each<Damage>(['garbage', 'truncated', 'empty', 'another schema'])(
    'refuses a backup that is damaged: %s',
    async (kind) => {
      lab.fill(1);
      const made = await backups.create('asked');
      lab.addJob(1);
      damage(made.path, kind);
      await expect(backups.restore(made.name)).rejects.toMatchObject({
        code: 'registry.corrupt',
        message: expect.stringContaining(`The backup ${made.name} is damaged: `) as string,
      });
      expect(lab.jobs()).toEqual(['FR-1-1']);
      expect(backups.newestGood()).toBeNull();
    },
  );

  it('refuses a name that is unknown, also one with a way out of the folder', async () => {
    lab.addJob(1);
    await backups.create('asked');
    for (const name of ['nothing.db', '../registry.db']) {
      await expect(backups.restore(name)).rejects.toMatchObject({ code: 'registry.no-backup' });
    }
  });

  it('refuses what a newer version has made', async () => {
    lab.addJob(1);
    const made = await backups.create('asked');
    const newer = made.path.replace(`schema${schemaVersion}`, 'schema999');
    renameSync(made.path, newer);
    const database = new DatabaseSync(newer);
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expect(backups.restore(names()[0] ?? '')).rejects.toMatchObject({ code: 'registry.incompatible' });
    expect(() => backups.newestGood()).toThrow('newer opus');
  });

  it.each([0, 1, 2, 3, 4])('that was killed after %i moves is completed at the next start', async (moves) => {
    lab.addJob(1);
    const made = await backups.create('asked');
    lab.addJob(2);
    for (const companion of ['-wal', '-shm']) writeFileSync(`${file}${companion}`, '');
    writeFileSync(join(folder, 'engine.db'), 'engine');
    // What a restore does, in its order; the copy's last name is the decision.
    copyFileSync(made.path, join(folder, 'registry.db.restoring-X'));
    const steps = ['registry.db', 'registry.db-wal', 'registry.db-shm', 'engine.db'];
    for (const name of steps.slice(0, moves)) {
      const aside = name.replace(/^(\w+\.db)/, '$1.before-restore-X');
      renameSync(join(folder, name), join(folder, aside));
    }
    const { registry, notices } = await openRegistrySafely({ file, clock: lab.clock, backups });
    expect(registry.jobs({ finished: true }).map(({ id }) => id)).toEqual(['FR-1-1']);
    registry.close();
    expect(notices).toEqual([expect.stringContaining('cut short')]);
    expect(readdirSync(folder).sort()).toEqual([
      'backups',
      'engine.db.before-restore-X',
      'registry.db',
      'registry.db.before-restore-X',
      'registry.db.before-restore-X-shm',
      'registry.db.before-restore-X-wal',
    ]);
    expect(lab.jobs(join(folder, 'registry.db.before-restore-X'))).toEqual(['FR-1-1', 'FR-1-2']);
  });

  it('that was killed while copying is forgotten', async () => {
    lab.addJob(1);
    const made = await backups.create('asked');
    writeFileSync(join(folder, 'registry.db.partial-X'), 'half');
    expect(backups.finishRestore()).toBe(false);
    expect(lab.jobs()).toEqual(['FR-1-1']);
    await backups.restore(made.name);
    expect(readdirSync(folder)).not.toContain('registry.db.partial-X');
  });
});

describe('a runner that starts on a damaged registry', () => {
  const start = (): Promise<SafelyOpened> => openRegistrySafely({ file, clock: lab.clock, backups });

  it.each<Damage>(['garbage', 'truncated', 'empty', 'wrecked page'])(
    'takes the newest good backup by itself and keeps the damaged file: %s',
    async (kind) => {
      lab.fill(2);
      lab.addJob(1);
      const older = await backups.create('scheduled');
      lab.clock.at += 1_000;
      const broken = await backups.create('scheduled');
      damage(broken.path, 'garbage');
      lab.addJob(2);
      damage(file, kind);
      const damaged = readFileSync(file);
      const said: string[] = [];
      const log = {
        debug: vi.fn(),
        info: vi.fn(),
        warn: vi.fn(),
        error: (_: unknown, text: string) => said.push(text),
      };
      const { registry, restoredFrom, notices } = await openRegistrySafely({ file, clock: lab.clock, backups, log });
      expect(registry.jobs({ finished: true }).map(({ id }) => id)).toEqual(['FR-1-1']);
      registry.close();
      expect(restoredFrom).toBe(older.name);
      const aside = join(folder, 'registry.db.before-restore-20260131T235901000Z');
      expect(readFileSync(aside).equals(damaged)).toBe(true);
      expect(notices).toEqual([
        expect.stringMatching(/^The registry .+ is damaged: .+ the backup of 2026-01-31T23:59:00\.000Z: .+/),
      ]);
      expect(notices[0]).toContain(aside);
      expect(said).toEqual(notices);
    },
  );

  it('goes on with every job, whichever byte of the header is wrong', async () => {
    lab.addJob(1);
    const { name } = await backups.create('scheduled');
    const sound = readFileSync(file);
    const restored: number[] = [];
    for (let at = 0; at < 100; at += 1) {
      // The upper bytes of the schema's version make it one of a newer opus, which is refused.
      if (at >= 60 && at < 63) continue;
      const bytes = Buffer.from(sound);
      // Another version that there was would be migrated again; none at all is damage.
      bytes[at] = at === 63 ? 0 : (bytes[at] ?? 0) ^ 2;
      writeFileSync(file, bytes);
      const opened = await start();
      expect(opened.registry.jobs({ finished: true }).map(({ id }) => id)).toEqual(['FR-1-1']);
      opened.registry.close();
      if (opened.restoredFrom !== null) restored.push(at);
    }
    expect(restored).toEqual(expect.arrayContaining([0, 15, 63]));
    expect(readdirSync(join(folder, 'backups'))).toContain(name);
  });

  it('ends with the command that begins anew when there is no good backup', async () => {
    lab.addJob(1);
    damage(file, 'garbage');
    await expect(start()).rejects.toMatchObject({
      code: 'registry.corrupt',
      hint: expect.stringContaining(`mv '${folder}'/registry.db* '${folder}/damaged'`) as string,
    });
    expect(readdirSync(folder)).toEqual(['registry.db']);
  });

  it('opens a sound one as it is', async () => {
    lab.addJob(1);
    await backups.create('scheduled');
    lab.addJob(2);
    const { registry, restoredFrom, notices } = await start();
    registry.close();
    expect({ restoredFrom, notices }).toEqual({ restoredFrom: null, notices: [] });
    expect(lab.jobs()).toEqual(['FR-1-1', 'FR-1-2']);
  });

  it('opens what a killed runner has left, with all that it had committed', async () => {
    lab.addJob(1);
    await backups.create('scheduled');
    const writer = startScript('write-registry.ts', file, 'a', '100000');
    await writer.line((line) => line === 'a-50');
    await writer.kill();
    const { registry, restoredFrom } = await start();
    const committed = writer.lines.filter((line) => registry.effect(line) === undefined);
    registry.close();
    expect({ restoredFrom, committed }).toEqual({ restoredFrom: null, committed: [] });
  });

  it('begins a new one where there was none, and says so only when there are backups', async () => {
    const first = await start();
    first.registry.close();
    expect(first.notices).toEqual([]);
    lab.addJob(1);
    await backups.create('scheduled');
    rmSync(file);
    const second = await start();
    expect(second.registry.jobs({ finished: true })).toEqual([]);
    second.registry.close();
    expect(second).toMatchObject({ restoredFrom: null, notices: [expect.stringContaining('is missing')] });
  });
});

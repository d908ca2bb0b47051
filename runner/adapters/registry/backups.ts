import { OpusError } from '#shared/domain/errors.ts';
import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { backup as copyOnline, DatabaseSync } from 'node:sqlite';
import type { Backup, BackupReason, Backups } from '../../core/ports/backups.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { backupName, readBackupName, timeStamp } from './backup-names.ts';
import { carryOutRestore, prepareRestore, synchronize } from './backup-restore.ts';
import { inspectDatabase, type Inspection } from './backup-soundness.ts';
import { asOpusError } from './connection.ts';
import { makeFolder } from './make-folder.ts';
import { refuseNewerSchema } from './migrations.ts';

/** Of those made before a migration, for each schema that was migrated from. */
const migrationBackupsKept = 2;
/** SQLite pages that are copied before the loop goes on: about a megabyte. */
const pagesAtOnce = 256;
/** A file that nothing was written to for so long belongs to a backup that was killed. */
const abandonedMs = 10 * 60_000;
const partialName = '.partial';

export interface BackupsOptions {
  readonly dataFolder: string;
  /** How many, not counting those made before a migration. */
  readonly keep: number;
  readonly clock: Clock;
  readonly packageVersion: string;
}

/** Backups of `<data>/registry.db` in `<data>/backups`: each a database of its own in one file. */
export function createBackups(options: BackupsOptions): Backups {
  const { dataFolder, clock } = options;
  const registry = join(dataFolder, 'registry.db');
  const folder = join(dataFolder, 'backups');

  function list(): Backup[] {
    return filesIn(folder)
      .flatMap((name) => {
        const named = readBackupName(name);
        const path = join(folder, name);
        const stat = named && statSync(path, { throwIfNoEntry: false });
        return named && stat?.isFile() === true ? [{ name, path, bytes: stat.size, ...named }] : [];
      })
      .sort((left, right) => right.at - left.at);
  }

  async function create(reason: BackupReason): Promise<Backup> {
    if (!existsSync(registry)) {
      throw new OpusError('registry.no-backup', `There is no registry at ${registry} yet, so nothing to back up.`, {
        hint: 'The first job, or `opus serve`, makes one.',
      });
    }
    const partial = join(folder, `${randomUUID()}${partialName}`);
    try {
      makeFolder(folder, 0o700);
      chmodSync(folder, 0o700);
      removeAbandoned(folder);
      // SQLite would make it readable for everybody.
      closeSync(openSync(partial, 'wx', 0o600));
      await copySnapshot(registry, partial);
      const { schema, damage } = makeSingleFile(partial);
      if (damage !== null) throw damagedRegistry(registry, damage);
      synchronize(partial);
      // No older than the newest, whatever the clock says: the order of backups is the order of their making.
      const at = Math.max(clock.now(), ...list().map((other) => other.at + 1));
      const name = backupName({ at, schema, reason, version: options.packageVersion });
      renameSync(partial, join(folder, name));
      synchronize(folder);
      return requireBackup(name);
    } catch (thrown) {
      throw backupFailure(registry, folder, thrown);
    } finally {
      for (const name of filesIn(folder))
        if (name.startsWith(basename(partial))) rmSync(join(folder, name), { force: true });
    }
  }

  function prune(): string[] {
    const seen = new Map<string, number>();
    const removed: string[] = [];
    for (const { name, path, reason, schema } of list()) {
      const [kind, keep] =
        reason === 'migration' ? [`migration from ${schema}`, migrationBackupsKept] : ['others', options.keep];
      const count = (seen.get(kind) ?? 0) + 1;
      seen.set(kind, count);
      if (count <= keep) continue;
      rmSync(path, { force: true });
      removed.push(name);
    }
    removeAbandoned(folder);
    return removed;
  }

  function requireBackup(name: string): Backup {
    const found = list().find((backup) => backup.name === name);
    if (found) return found;
    throw new OpusError('registry.no-backup', `There is no backup ${name} in ${folder}.`, {
      hint: '`opus backup list` names those there are.',
    });
  }

  return {
    list,
    create,
    prune,
    newestGood() {
      for (const backup of list()) {
        refuseNewerSchema(backup.schema, backup.path);
        if (inspectBackup(backup).damage === null) return backup;
      }
      return null;
    },
    async restore(name) {
      const backup = requireBackup(name);
      const { schema, damage } = inspectBackup(backup);
      refuseNewerSchema(schema, backup.path);
      if (damage !== null) {
        throw new OpusError('registry.corrupt', `The backup ${name} is damaged: ${damage}.`, {
          hint: 'Take another one: `opus backup list` names them. Nothing was changed.',
        });
      }
      const before = carryOutRestore(dataFolder) ?? [];
      try {
        prepareRestore(dataFolder, backup.path, timeStamp(clock.now()));
      } catch (thrown) {
        throw restoreFailure(name, dataFolder, thrown);
      }
      const movedTo = [...before, ...(carryOutRestore(dataFolder) ?? [])];
      // Newer backups are of what was just given up: the newest must be of what is in force.
      await create('restore').catch(() => undefined);
      return { backup, movedTo };
    },
    finishRestore: () => carryOutRestore(dataFolder) !== null,
  };
}

/**
 * The copy is of one moment, however long it takes and whoever writes meanwhile: a read transaction holds the snapshot.
 * Without it SQLite begins anew at each commit of another connection, and beside a busy writer never ends.
 */
async function copySnapshot(source: string, target: string): Promise<void> {
  const database = new DatabaseSync(source, { readOnly: true, timeout: 5_000 });
  try {
    database.exec('BEGIN; SELECT count(*) FROM sqlite_schema;');
    await copyOnline(database, target, { rate: pagesAtOnce });
  } finally {
    database.close();
  }
}

/**
 * The copy says of itself that it has a write-ahead log; as a backup it shall be one file, and looking at it make no others.
 * The epoch of its events is not kept: what is recorded after a restore has numbers that others had before.
 */
function makeSingleFile(file: string): Inspection {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode = DELETE');
    const states = `SELECT 1 FROM sqlite_schema WHERE name = 'runner_state'`;
    if (database.prepare(states).get()) database.exec(`DELETE FROM runner_state WHERE key = 'epoch'`);
  } finally {
    database.close();
  }
  return inspectDatabase(file, { readOnly: true, thoroughly: true });
}

function inspectBackup(backup: Backup): Inspection {
  try {
    const inspection = inspectDatabase(backup.path, { readOnly: true, thoroughly: true });
    const { schema, damage } = inspection;
    if (damage !== null || schema === backup.schema) return inspection;
    return { schema, damage: `it has schema ${schema} and not ${backup.schema}` };
  } catch (thrown) {
    return { schema: backup.schema, damage: `it cannot be read (${messageOf(thrown)})` };
  }
}

function filesIn(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
}

function removeAbandoned(folder: string): void {
  for (const name of filesIn(folder)) {
    if (!/\.partial(?:-journal|-wal|-shm)?$/.test(name)) continue;
    const stat = statSync(join(folder, name), { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > abandonedMs) rmSync(join(folder, name), { force: true });
  }
}

/** The way out when there is nothing to restore. */
export function beginAnewHint(dataFolder: string): string {
  const aside = `'${dataFolder}/damaged'`;
  return `To begin with an empty one, keeping the damaged: mkdir -p ${aside} && mv '${dataFolder}'/registry.db* ${aside}`;
}

export function damagedRegistry(file: string, damage: string): OpusError {
  return new OpusError('registry.corrupt', `The registry ${file} is damaged: ${damage}.`, {
    hint: '`opus backup restore latest` puts the newest good backup in its place.',
  });
}

function backupFailure(registry: string, folder: string, thrown: unknown): OpusError {
  const failure = asOpusError(registry, thrown);
  if (failure instanceof OpusError && failure.code !== 'registry.disk-full') return failure;
  return new OpusError(
    'registry.backup-failed',
    `The registry ${registry} could not be backed up: ${messageOf(thrown)}.`,
    {
      hint: `${folder} must be a folder that opus may write in, with space for a copy of the registry.`,
      cause: thrown,
    },
  );
}

function restoreFailure(name: string, dataFolder: string, thrown: unknown): OpusError {
  return new OpusError(
    'registry.backup-failed',
    `The backup ${name} could not be put in place: ${messageOf(thrown)}.`,
    {
      hint: `${dataFolder} must have space for another copy of the registry. Nothing was changed.`,
      cause: thrown,
    },
  );
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

import { OpusError } from '#shared/domain/errors.ts';
import { BackendSqlite } from 'openworkflow/sqlite';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface EngineDatabase {
  readonly backend: BackendSqlite;
  /** The backend's own handle. */
  readonly handle: DatabaseSync;
}

/**
 * The registry holds every effect, so this database may be lost: one that cannot be read is moved aside and a new one begun.
 * Must be called by the one runner of the data folder: it takes back the runs that a runner before it had claimed.
 */
export function openEngineDatabase(file: string, workflowVersion: string): EngineDatabase {
  mkdirSync(dirname(file), { recursive: true });
  let database: EngineDatabase;
  try {
    database = connect(file);
  } catch (thrown) {
    if (!isDamage(thrown)) throw cannotOpen(file, thrown);
    moveAside(file);
    database = connect(file);
  }
  prepareForOneRunner(database.handle, workflowVersion);
  return database;
}

function connect(file: string): EngineDatabase {
  const backend = BackendSqlite.connect(file);
  const handle = handleOf(backend);
  handle.exec('PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL;');
  const check = handle.prepare('PRAGMA quick_check(1)').get();
  if (check?.['quick_check'] === 'ok') return { backend, handle };
  handle.close();
  throw new DamagedDatabase(String(check?.['quick_check']));
}

/** OpenWorkflow neither sets a busy timeout nor lets one be set, hence the look at its private field. */
function handleOf(backend: BackendSqlite): DatabaseSync {
  const handle: unknown = Reflect.get(backend, 'db');
  if (handle instanceof DatabaseSync) return handle;
  throw new OpusError('internal.unexpected', 'This version of openworkflow keeps its database handle elsewhere.');
}

function prepareForOneRunner(handle: DatabaseSync, workflowVersion: string): void {
  const now = new Date().toISOString();
  handle.exec('BEGIN IMMEDIATE');
  try {
    // A run of another version would wait for ever for its code; without it, the job's run starts anew over the registry's effects.
    const outdated = `SELECT id FROM workflow_runs WHERE version IS NOT ? AND status IN ('pending', 'running', 'sleeping')`;
    for (const table of ['workflow_signals', 'step_attempts']) {
      handle.prepare(`DELETE FROM ${table} WHERE workflow_run_id IN (${outdated})`).run(workflowVersion);
      handle.exec(
        `DELETE FROM ${table} WHERE workflow_run_id IN (SELECT id FROM workflow_runs WHERE status IN ('completed', 'succeeded', 'failed', 'canceled'))`,
      );
    }
    handle.prepare(`DELETE FROM workflow_runs WHERE id IN (${outdated})`).run(workflowVersion);
    handle
      .prepare(
        `UPDATE workflow_runs SET worker_id = NULL, available_at = ? WHERE status = 'running' AND worker_id IS NOT NULL`,
      )
      .run(now);
    handle.prepare(`UPDATE workflow_runs SET available_at = ? WHERE status = 'pending'`).run(now);
    handle.exec('COMMIT');
  } catch (thrown) {
    handle.exec('ROLLBACK');
    throw thrown;
  }
}

/** `before` in ISO 8601. What a run did and waited for goes with it. */
export function forgetEndedRuns(handle: DatabaseSync, before: string): void {
  const ended = `SELECT id FROM workflow_runs WHERE status IN ('completed', 'succeeded', 'failed', 'canceled') AND finished_at < ?`;
  handle.exec('BEGIN IMMEDIATE');
  try {
    for (const table of ['workflow_signals', 'step_attempts']) {
      handle.prepare(`DELETE FROM ${table} WHERE workflow_run_id IN (${ended})`).run(before);
    }
    handle.prepare(`DELETE FROM workflow_runs WHERE id IN (${ended})`).run(before);
    handle.exec('COMMIT');
  } catch (thrown) {
    handle.exec('ROLLBACK');
    throw thrown;
  }
}

function moveAside(file: string): void {
  const suffix = `.damaged-${Date.now()}`;
  // A write-ahead log left in place would be replayed into the new database.
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(file + part)) renameSync(file + part, `${file}${suffix}${part}`);
  }
}

class DamagedDatabase extends Error {}

const sqliteError = 1;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/** A plain SQL error counts as damage: the file is a database, but not one with the engine's tables. */
function isDamage(thrown: unknown): boolean {
  if (thrown instanceof DamagedDatabase) return true;
  const cause: unknown = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  if (!(cause instanceof Error) || !('errcode' in cause) || typeof cause.errcode !== 'number') return false;
  return [sqliteError, sqliteCorrupt, sqliteNotADatabase].includes(cause.errcode & 0xff);
}

function cannotOpen(file: string, thrown: unknown): OpusError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new OpusError('registry.busy', `The engine's database ${file} cannot be opened: ${reason}`, {
    hint: 'It holds nothing that the registry does not: with no runner active it may be deleted.',
    cause: thrown,
  });
}

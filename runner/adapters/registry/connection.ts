import { OpusError } from '#shared/domain/errors.ts';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

const busyTimeoutMs = 5_000;

/** A database handle whose failures are OpusErrors and whose statements are prepared once. */
export interface Connection {
  /** Several statements, none with parameters. */
  exec(sql: string): void;
  all(sql: string, parameters?: readonly unknown[]): unknown[];
  get(sql: string, parameters?: readonly unknown[]): unknown;
  /** Returns the number of rows changed. */
  run(sql: string, parameters?: readonly unknown[]): number;
  /** Takes the write lock at the start: a transaction that turns from reading to writing fails at once when another one writes. */
  transaction<Result>(body: () => Result): Result;
  close(): void;
}

export function connect(file: string, options: { readonly readOnly: boolean }): Connection {
  const database = translated(file, () => openDatabase(file, options.readOnly));
  const statements = new Map<string, StatementSync>();

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  return {
    exec: (sql) => {
      translated(file, () => {
        database.exec(sql);
      });
    },
    all: (sql, parameters = []) => translated(file, () => prepared(sql).all(...(parameters as SQLInputValue[]))),
    get: (sql, parameters = []) => translated(file, () => prepared(sql).get(...(parameters as SQLInputValue[]))),
    run: (sql, parameters = []) =>
      translated(file, () => Number(prepared(sql).run(...(parameters as SQLInputValue[])).changes)),
    transaction: (body) =>
      translated(file, () => {
        database.exec('BEGIN IMMEDIATE');
        try {
          const result = body();
          database.exec('COMMIT');
          return result;
        } catch (thrown) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw thrown;
        }
      }),
    close: () => {
      statements.clear();
      if (database.isOpen) database.close();
    },
  };
}

function openDatabase(file: string, readOnly: boolean): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  try {
    if (!readOnly) database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;

function translated<Result>(file: string, action: () => Result): Result {
  try {
    return action();
  } catch (thrown) {
    throw asOpusError(file, thrown);
  }
}

/** What SQLite says of the registry, as an OpusError where a person can do something about it. */
export function asOpusError(file: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return thrown;
  // The low byte is the primary result code; the rest tells a variant of it.
  switch (thrown.errcode & 0xff) {
    case sqliteBusy:
      return new OpusError(
        'registry.busy',
        `The registry ${file} stayed locked by another process for ${busyTimeoutMs / 1000} s.`,
        {
          hint: 'Another opus process is writing for a long time; `opus status` names it.',
          cause: thrown,
        },
      );
    case sqliteCorrupt:
    case sqliteNotADatabase:
      return new OpusError('registry.corrupt', `The registry ${file} is damaged: ${thrown.message}.`, {
        hint: '`opus backup restore latest` puts the newest good backup in its place.',
        cause: thrown,
      });
    case sqliteFull:
      return new OpusError('registry.disk-full', `The registry ${file} cannot grow: the disk is full.`, {
        hint: 'Free some space on the disk of the data folder.',
        cause: thrown,
      });
    default:
      return thrown;
  }
}

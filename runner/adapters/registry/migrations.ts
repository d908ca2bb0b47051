import { OpusError } from '#shared/domain/errors.ts';
import type { Connection } from './connection.ts';

/** Entry n brings the schema from version n to n + 1. An entry that has shipped is never edited. */
const migrations: readonly string[] = [
  `
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    feature_request_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    note_path TEXT NOT NULL,
    repository TEXT NOT NULL,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    waiting_for TEXT,
    run_state TEXT NOT NULL,
    base TEXT NOT NULL,
    base_commit TEXT,
    branch TEXT NOT NULL,
    head_commit TEXT,
    gate TEXT CHECK (gate IS NULL OR json_valid(gate)),
    pull_request TEXT CHECK (pull_request IS NULL OR json_valid(pull_request)),
    merge_commit TEXT,
    error TEXT CHECK (error IS NULL OR json_valid(error)),
    note_status TEXT NOT NULL,
    run INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (feature_request_id, number)
  );
  CREATE INDEX jobs_by_age ON jobs (created_at, feature_request_id, number);
  CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE status NOT IN ('succeeded', 'failed', 'canceled');

  CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    stage TEXT NOT NULL,
    round INTEGER NOT NULL,
    number INTEGER NOT NULL,
    agent TEXT,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    commit_hash TEXT,
    result TEXT CHECK (result IS NULL OR json_valid(result)),
    evidence TEXT NOT NULL CHECK (json_valid(evidence)),
    error TEXT CHECK (error IS NULL OR json_valid(error)),
    refused_hosts TEXT NOT NULL CHECK (json_valid(refused_hosts)),
    generation INTEGER NOT NULL
  );
  CREATE INDEX attempts_of_job ON attempts (job_id);

  CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    gate_kind TEXT NOT NULL,
    gate_hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    comment TEXT NOT NULL,
    person TEXT NOT NULL,
    channel TEXT NOT NULL,
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL
  );
  CREATE INDEX decisions_of_job ON decisions (job_id);

  CREATE TABLE retries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    from_stage TEXT,
    rounds INTEGER,
    comment TEXT NOT NULL,
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL
  );
  CREATE INDEX retries_of_job ON retries (job_id);

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    job_id TEXT,
    data TEXT NOT NULL CHECK (json_valid(data))
  );
  CREATE INDEX events_of_job ON events (job_id, seq);

  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    acknowledged_at INTEGER,
    outcome TEXT
  );
  CREATE INDEX outbox_waiting ON outbox (seq) WHERE acknowledged_at IS NULL;

  CREATE TABLE effects (
    key TEXT PRIMARY KEY,
    result TEXT NOT NULL CHECK (json_valid(result)),
    at INTEGER NOT NULL
  );

  CREATE TABLE trusted_notes (
    path TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
  );
  `,
  `
  ALTER TABLE jobs ADD COLUMN slot TEXT;
  ALTER TABLE jobs ADD COLUMN paused_by TEXT;
  ALTER TABLE jobs ADD COLUMN agent TEXT;
  ALTER TABLE jobs ADD COLUMN hold_until INTEGER;
  ALTER TABLE jobs ADD COLUMN admitted_at INTEGER;
  ALTER TABLE jobs ADD COLUMN queued_at INTEGER;
  ALTER TABLE jobs ADD COLUMN missing_since INTEGER;
  ALTER TABLE jobs ADD COLUMN checkout TEXT;
  UPDATE jobs SET queued_at = created_at;
  UPDATE jobs SET admitted_at = created_at WHERE EXISTS (SELECT 1 FROM attempts WHERE job_id = jobs.id);

  ALTER TABLE attempts ADD COLUMN lease_until INTEGER;

  CREATE TABLE runner_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    at INTEGER NOT NULL
  );

  CREATE TABLE notifications (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_seq INTEGER NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    job_id TEXT,
    message TEXT NOT NULL CHECK (json_valid(message)),
    created_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    settled_at INTEGER,
    outcome TEXT,
    UNIQUE (event_seq, channel, kind)
  );
  CREATE INDEX notifications_waiting ON notifications (next_at) WHERE settled_at IS NULL;

  CREATE TABLE job_numbers (
    feature_request_id TEXT PRIMARY KEY,
    highest INTEGER NOT NULL
  );
  `,
  `
  ALTER TABLE attempts ADD COLUMN session TEXT;

  CREATE TABLE usage (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT,
    attempt_id TEXT,
    agent TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    at INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cost REAL,
    subscription INTEGER NOT NULL
  );
  CREATE INDEX usage_of_job ON usage (job_id);
  CREATE INDEX usage_by_time ON usage (at);
  `,
  `
  ALTER TABLE usage ADD COLUMN response TEXT;
  ALTER TABLE usage ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE usage ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE usage ADD COLUMN shares TEXT CHECK (shares IS NULL OR json_valid(shares));
  CREATE UNIQUE INDEX usage_of_response ON usage (response);
  CREATE INDEX usage_open ON usage (seq) WHERE open = 1;
  `,
  `
  ALTER TABLE decisions ADD COLUMN device TEXT;
  ALTER TABLE jobs ADD COLUMN reverts TEXT;
  CREATE TABLE happenings (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    key TEXT NOT NULL,
    happening TEXT NOT NULL CHECK (json_valid(happening)),
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX happenings_of_job ON happenings (job_id, key);
  `,
  `
  CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    paired_at INTEGER NOT NULL,
    last_seen_at INTEGER
  );
  CREATE TABLE pairings (
    code_hash TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    person TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  );
  `,
];

export const schemaVersion = migrations.length;

export function readSchemaVersion(connection: Connection): number {
  return (connection.get('PRAGMA user_version') as { readonly user_version: number }).user_version;
}

/** Two processes may open a new database at once: the version is read again once the write lock is held. */
export function migrate(connection: Connection, file: string): void {
  if (readSchemaVersion(connection) === schemaVersion) return;
  connection.transaction(() => {
    const found = readSchemaVersion(connection);
    refuseNewerSchema(found, file);
    try {
      for (const statements of migrations.slice(found)) connection.exec(statements);
      connection.exec(`PRAGMA user_version = ${schemaVersion}`);
    } catch (thrown) {
      throw migrationFailure(found, file, thrown);
    }
  });
}

function migrationFailure(found: number, file: string, thrown: unknown): unknown {
  if (thrown instanceof OpusError || !(thrown instanceof Error)) return thrown;
  return new OpusError(
    'registry.incompatible',
    `The registry ${file} could not be brought from schema ${found} to ${schemaVersion}: ${thrown.message}. It is as it was.`,
    { hint: 'Go back to the version of opus that wrote it.', details: { found, known: schemaVersion }, cause: thrown },
  );
}

export function refuseNewerSchema(found: number, file: string): void {
  if (found <= schemaVersion) return;
  throw new OpusError(
    'registry.incompatible',
    `The registry ${file} was written by a newer opus (schema ${found}, this one knows ${schemaVersion}).`,
    { hint: 'Update opus, or name another data folder in opus.yml.', details: { found, known: schemaVersion } },
  );
}

import { OpusError } from '#shared/domain/errors.ts';
import type { Job, RegistryReader, TrustedNote } from '../../core/ports/job-registry.ts';
import { connect, type Connection } from './connection.ts';
import { figuresOf } from './figures.ts';
import { readSchemaVersion, refuseNewerSchema, schemaVersion } from './migrations.ts';
import {
  attemptFromRow,
  decisionFromRow,
  eventFromRow,
  happeningFromRow,
  jobFromRow,
  notificationFromRow,
  outboxFromRow,
  parseJson,
  retryFromRow,
} from './rows.ts';
import type {
  AttemptRow,
  DecisionRow,
  EffectRow,
  EventRow,
  HappeningRow,
  JobRow,
  NotificationRow,
  OutboxRow,
  RetryRow,
  RunnerStateRow,
} from './tables.ts';
import { usageTotalsOf } from './usage-totals.ts';

// This file and what it imports stay free of Kysely and zod: loading them takes longer than all of `opus status` may.

/** For looking while another process may write. The file must exist. */
export function openRegistryReader(options: { readonly file: string }): RegistryReader {
  const connection = connect(options.file, { readOnly: true });
  try {
    const found = readSchemaVersion(connection);
    refuseNewerSchema(found, options.file);
    if (found < schemaVersion) {
      throw new OpusError(
        'registry.incompatible',
        `The registry ${options.file} was written by an older opus and has not been brought up to date.`,
        { hint: 'Start `opus serve` once; it migrates the registry.', details: { found, known: schemaVersion } },
      );
    }
    return readerOf(connection);
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
}

const unfinished = `status NOT IN ('succeeded', 'failed', 'canceled')`;
const newestFirst = 'ORDER BY created_at DESC, feature_request_id DESC, number DESC';

export function readerOf(connection: Connection): RegistryReader {
  function rows<Row>(sql: string, ...parameters: unknown[]): Row[] {
    return connection.all(sql, parameters) as Row[];
  }
  function row(sql: string, ...parameters: unknown[]): unknown {
    return connection.get(sql, parameters);
  }
  function oneJob(sql: string, ...parameters: unknown[]): Job | null {
    const found = row(sql, ...parameters) as JobRow | undefined;
    return found ? jobFromRow(found) : null;
  }

  return {
    effect(key) {
      const found = row('SELECT result FROM effects WHERE key = ?', key) as Pick<EffectRow, 'result'> | undefined;
      return found && { result: parseJson('effects.result', found.result) };
    },
    highestNumber(featureRequestId) {
      const sql = `SELECT max(coalesce((SELECT max(number) FROM jobs WHERE feature_request_id = ?1), 0),
        coalesce((SELECT highest FROM job_numbers WHERE feature_request_id = ?1), 0)) AS highest`;
      return (row(sql, featureRequestId) as { readonly highest: number }).highest;
    },
    job: (id) => oneJob('SELECT * FROM jobs WHERE id = ?', id),
    newestJobOf: (featureRequestId) =>
      oneJob('SELECT * FROM jobs WHERE feature_request_id = ? ORDER BY number DESC LIMIT 1', featureRequestId),
    jobs: ({ finished, limit }) =>
      rows<JobRow>(`SELECT * FROM jobs ${finished ? '' : `WHERE ${unfinished}`} ${newestFirst} LIMIT ?`, limit ?? -1)
        .reverse()
        .map(jobFromRow),
    attempts: (jobId) =>
      rows<AttemptRow>('SELECT * FROM attempts WHERE job_id = ? ORDER BY rowid', jobId).map(attemptFromRow),
    decisions: (jobId) =>
      rows<DecisionRow>('SELECT * FROM decisions WHERE job_id = ? ORDER BY seq', jobId).map(decisionFromRow),
    retries: (jobId) => rows<RetryRow>('SELECT * FROM retries WHERE job_id = ? ORDER BY seq', jobId).map(retryFromRow),
    happenings: (jobId) =>
      rows<HappeningRow>('SELECT * FROM happenings WHERE job_id = ? ORDER BY seq', jobId).map(happeningFromRow),
    events: ({ afterSeq, jobId, limit }) =>
      (jobId === undefined
        ? rows<EventRow>('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?', afterSeq, limit)
        : rows<EventRow>(
            'SELECT * FROM events WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?',
            jobId,
            afterSeq,
            limit,
          )
      ).map(eventFromRow),
    outbox: () => rows<OutboxRow>('SELECT * FROM outbox WHERE acknowledged_at IS NULL ORDER BY seq').map(outboxFromRow),
    trustedNote: (path) => (row('SELECT * FROM trusted_notes WHERE path = ?', path) as TrustedNote | undefined) ?? null,
    trustedNotes: () => rows<TrustedNote>('SELECT * FROM trusted_notes ORDER BY path'),
    ...usageTotalsOf(connection),
    state(key) {
      const found = row('SELECT value, at FROM runner_state WHERE key = ?', key) as
        Pick<RunnerStateRow, 'value' | 'at'> | undefined;
      return found ? { value: parseJson('runner_state.value', found.value), at: found.at } : null;
    },
    notifications: ({ dueBy, limit }) =>
      rows<NotificationRow>(
        'SELECT * FROM notifications WHERE settled_at IS NULL AND next_at <= ? ORDER BY seq LIMIT ?',
        dueBy,
        limit,
      ).map(notificationFromRow),
    lastEventSeq() {
      const sql = `SELECT coalesce(max(seq), 0) AS seq FROM sqlite_sequence WHERE name = 'events'`;
      return (row(sql) as { readonly seq: number }).seq;
    },
    figures: figuresOf(connection),
    close: () => {
      connection.close();
    },
  };
}

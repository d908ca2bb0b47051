import { OpusError } from '#shared/domain/errors.ts';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, type Compilable } from 'kysely';
import { dirname } from 'node:path';
import type { Clock } from '../../core/ports/clock.ts';
import type { JobRegistry, RegistryChange, RunnerStateKey } from '../../core/ports/job-registry.ts';
import { makeFolder } from './make-folder.ts';
import { connect } from './connection.ts';
import { devicesOf } from './devices.ts';
import { migrate } from './migrations.ts';
import { readerOf } from './registry-reader.ts';
import { attemptToColumns, jobToColumns } from './rows.ts';
import { sharesToColumn } from './usage-totals.ts';
import type { AttemptRow, JobRow, Tables } from './tables.ts';

/**
 * Kysely only builds the SQL here. Running it through Kysely would make every transaction asynchronous,
 * and a commit that can interleave with another one of this process is no longer one commit.
 */
const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export function openRegistry(options: { readonly file: string; readonly clock: Clock }): JobRegistry {
  const { file, clock } = options;
  makeFolder(dirname(file));
  const connection = connect(file, { readOnly: false });
  try {
    migrate(connection, file);
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
  const reader = readerOf(connection);

  function execute(query: Compilable): number {
    const { sql, parameters } = query.compile();
    return connection.run(sql, parameters);
  }

  function apply(change: RegistryChange): void {
    const at = clock.now();
    if (change.insertJob) execute(build.insertInto('jobs').values(jobToColumns(change.insertJob) as JobRow));
    if (change.updateJob) updateJob(change.updateJob, at);
    if (change.interruptAttempts) {
      const { jobId, exceptOwner } = change.interruptAttempts;
      execute(
        build
          .updateTable('attempts')
          .set({ status: 'interrupted', ended_at: at })
          .where('job_id', '=', jobId)
          .where('status', '=', 'running')
          .where('owner', '!=', exceptOwner),
      );
    }
    if (change.insertAttempt) {
      execute(build.insertInto('attempts').values(attemptToColumns(change.insertAttempt) as AttemptRow));
    }
    if (change.updateAttempt) updateAttempt(change.updateAttempt);
    if (change.decision) {
      const { jobId, gate, ...decision } = change.decision;
      execute(
        build
          .insertInto('decisions')
          .values({ job_id: jobId, gate_kind: gate.kind, gate_hash: gate.hash, ...decision }),
      );
    }
    if (change.happening) {
      const { jobId, happening, ...recorded } = change.happening;
      execute(
        build.insertInto('happenings').values({ job_id: jobId, happening: JSON.stringify(happening), ...recorded }),
      );
    }
    if (change.retry) {
      const { jobId, from, ...retry } = change.retry;
      execute(build.insertInto('retries').values({ job_id: jobId, from_stage: from, ...retry }));
    }
    for (const event of change.events ?? []) {
      const row = { at, type: event.type, job_id: event.jobId, data: JSON.stringify(event.data) };
      execute(build.insertInto('events').values(row));
    }
    for (const entry of change.outbox ?? []) {
      execute(build.insertInto('outbox').values({ job_id: entry.jobId, payload: JSON.stringify(entry.payload) }));
    }
  }

  function updateJob({ id, fields }: NonNullable<RegistryChange['updateJob']>, at: number): void {
    const columns = jobToColumns({ updatedAt: at, ...fields });
    if (execute(build.updateTable('jobs').set(columns).where('id', '=', id)) === 0) {
      throw new OpusError('registry.job-not-found', `There is no job ${id}.`, {
        hint: '`opus job list` shows the jobs there are.',
      });
    }
  }

  function updateAttempt({ id, owner, fields }: NonNullable<RegistryChange['updateAttempt']>): void {
    const changed = execute(
      build
        .updateTable('attempts')
        .set(attemptToColumns(fields))
        .where('id', '=', id)
        .where('owner', '=', owner)
        .where('status', '=', 'running'),
    );
    if (changed === 1) return;
    throw new OpusError(
      'registry.lost',
      `Attempt ${id} is no longer held by ${owner}, so its outcome was not recorded.`,
      {
        details: { attempt: id, owner },
      },
    );
  }

  function setState(key: RunnerStateKey, value: unknown): void {
    const row = { value: JSON.stringify(value), at: clock.now() };
    execute(
      build
        .insertInto('runner_state')
        .values({ key, ...row })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(row)),
    );
  }

  return {
    ...reader,
    devices: devicesOf(connection),
    commit<Result>(key: string | null, result: Result, change: RegistryChange): Result {
      return connection.transaction(() => {
        if (key === null) {
          apply(change);
          return result;
        }
        const recorded = reader.effect(key);
        if (recorded) return recorded.result as Result;
        const json = JSON.stringify(result ?? null);
        execute(build.insertInto('effects').values({ key, result: json, at: clock.now() }));
        apply(change);
        // The first caller gets what a later one will read.
        return JSON.parse(json) as Result;
      });
    },
    acknowledge(seq, outcome) {
      execute(
        build
          .updateTable('outbox')
          .set({ acknowledged_at: clock.now(), outcome })
          .where('seq', '=', seq)
          .where('acknowledged_at', 'is', null),
      );
    },
    trust(notes) {
      connection.transaction(() => {
        for (const { path, hash, text, at } of notes) {
          execute(
            build
              .insertInto('trusted_notes')
              .values({ path, hash, text, at })
              .onConflict((conflict) => conflict.column('path').doUpdateSet({ hash, text, at })),
          );
        }
      });
    },
    untrust(paths) {
      connection.transaction(() => {
        for (const path of paths) execute(build.deleteFrom('trusted_notes').where('path', '=', path));
      });
    },
    setState: (key, value) => {
      setState(key, value);
    },
    recordUsage({ id, jobId, attemptId, agent, endpoint, model, at, usage, cost, ...entry }) {
      const { input, cacheRead, cacheWrite, output } = usage;
      const known = {
        ...{ model, cost, input, output, cache_read: cacheRead, cache_write: cacheWrite },
        subscription: entry.subscription ? 1 : 0,
        open: entry.open ? 1 : 0,
        estimated: entry.estimated ? 1 : 0,
        shares: entry.shares.length === 0 ? null : sharesToColumn(entry.shares),
      };
      execute(
        build
          .insertInto('usage')
          .values({ response: id, job_id: jobId, attempt_id: attemptId, agent, endpoint, at, ...known })
          .onConflict((conflict) => conflict.column('response').doUpdateSet(known)),
      );
    },
    dropUsage(id) {
      connection.run('DELETE FROM usage WHERE response = ?', [id]);
    },
    closeUsage: () => connection.run('UPDATE usage SET open = 0, estimated = 1 WHERE open = 1'),
    setSession(attemptId, owner, session) {
      connection.run(`UPDATE attempts SET session = ? WHERE id = ? AND owner = ? AND status = 'running'`, [
        session,
        attemptId,
        owner,
      ]);
    },
    heartbeat(owner, leaseUntil) {
      return connection.transaction(() => {
        const mine = `owner = ? AND status = 'running'`;
        connection.run(`UPDATE attempts SET lease_until = ? WHERE ${mine}`, [leaseUntil, owner]);
        return ids(connection.all(`SELECT id FROM attempts WHERE ${mine}`, [owner]));
      });
    },
    interruptExpired(now, exceptOwner) {
      return connection.transaction(() => {
        const expired = `status = 'running' AND lease_until IS NOT NULL AND lease_until < ? AND owner != ?`;
        const found = ids(connection.all(`SELECT id FROM attempts WHERE ${expired}`, [now, exceptOwner]));
        connection.run(`UPDATE attempts SET status = 'interrupted', ended_at = ? WHERE ${expired}`, [
          now,
          now,
          exceptOwner,
        ]);
        return found;
      });
    },
    queueNotifications(notifications, throughEvent) {
      connection.transaction(() => {
        const at = clock.now();
        for (const { eventSeq, channel, kind, jobId, message } of notifications) {
          execute(
            build
              .insertInto('notifications')
              .values({
                event_seq: eventSeq,
                channel,
                kind,
                job_id: jobId,
                message: JSON.stringify(message),
                created_at: at,
                tries: 0,
                next_at: at,
                settled_at: null,
                outcome: null,
              })
              .onConflict((conflict) => conflict.columns(['event_seq', 'channel', 'kind']).doNothing()),
          );
        }
        setState('notified-through', throughEvent);
      });
    },
    settleNotification(seq, result) {
      const waiting = `WHERE seq = ? AND settled_at IS NULL`;
      if ('outcome' in result) {
        const sql = `UPDATE notifications SET tries = tries + 1, settled_at = ?, outcome = ? ${waiting}`;
        connection.run(sql, [clock.now(), result.outcome, seq]);
      } else {
        connection.run(`UPDATE notifications SET tries = tries + 1, next_at = ? ${waiting}`, [result.nextAt, seq]);
      }
    },
    forgetJob(jobId) {
      connection.transaction(() => {
        connection.run(
          `INSERT INTO job_numbers (feature_request_id, highest) SELECT feature_request_id, number FROM jobs WHERE id = ?
           ON CONFLICT (feature_request_id) DO UPDATE SET highest = max(highest, excluded.highest)`,
          [jobId],
        );
        for (const table of ['attempts', 'decisions', 'retries', 'happenings', 'events', 'outbox', 'notifications']) {
          connection.run(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
        }
        // Effect keys begin with the job's id and a separator.
        connection.run(`DELETE FROM effects WHERE key GLOB ? OR key GLOB ?`, [`${jobId}/*`, `${jobId}.*`]);
        connection.run('DELETE FROM jobs WHERE id = ?', [jobId]);
      });
    },
    prune(before) {
      connection.transaction(() => {
        connection.run('DELETE FROM outbox WHERE acknowledged_at < ?', [before]);
        connection.run('DELETE FROM notifications WHERE settled_at < ?', [before]);
        connection.run('DELETE FROM events WHERE job_id IS NULL AND at < ?', [before]);
      });
    },
  };
}

function ids(rows: readonly unknown[]): string[] {
  return rows.map((row) => (row as { readonly id: string }).id);
}

import type {
  JobEnding,
  NumberedAttempt,
  NumberedUsage,
  RegistryCensus,
  RegistryFigures,
} from '../../core/ports/registry-figures.ts';
import type { Connection } from './connection.ts';

const endings = `('job.succeeded', 'job.failed', 'job.canceled')`;
const attemptColumns = `rowid AS number, stage, status, agent, started_at AS startedAt, ended_at AS endedAt`;
const usageColumns = `seq AS number, open, estimated, agent, model, input, output,
  CASE WHEN subscription = 0 THEN coalesce(cost, 0) ELSE 0 END AS cost`;
const jobsByStatus = `SELECT status, waiting_for AS waitingFor, count(*) AS count FROM jobs GROUP BY status, waiting_for`;
const figuresNow = `SELECT
  (SELECT min(queued_at) FROM jobs WHERE status = 'queued' OR (status = 'waiting' AND waiting_for = 'slot')) AS oldestQueuedAt,
  (SELECT count(*) FROM outbox WHERE acknowledged_at IS NULL) AS outboxDepth,
  (SELECT count(*) FROM jobs WHERE created_at >= ?1) AS dispatched,
  (SELECT count(*) FROM jobs WHERE status = 'succeeded' AND updated_at >= ?1) AS succeeded,
  (SELECT count(*) FROM jobs WHERE status IN ('succeeded', 'failed', 'canceled') AND updated_at >= ?1) AS finished`;
// Through the unfinished jobs, which have an index; attempts have none for their status.
const agentsAtWork = `SELECT agent, count(*) AS count FROM attempts
  WHERE status = 'running' AND agent IS NOT NULL
    AND job_id IN (SELECT id FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'canceled'))
  GROUP BY agent`;

interface EndingRow {
  readonly seq: number;
  readonly at: number;
  readonly outcome: JobEnding['outcome'];
  readonly repository: string | null;
  readonly createdAt: number | null;
}

export function figuresOf(connection: Connection): RegistryFigures {
  return {
    census(since) {
      const now = connection.get(figuresNow, [since]) as RegistryCensus['recent'] &
        Pick<RegistryCensus, 'oldestQueuedAt' | 'outboxDepth'>;
      const { oldestQueuedAt, outboxDepth, dispatched, succeeded, finished } = now;
      return {
        jobs: connection.all(jobsByStatus) as RegistryCensus['jobs'],
        oldestQueuedAt,
        outboxDepth,
        busyAgents: connection.all(agentsAtWork) as RegistryCensus['busyAgents'],
        recent: { dispatched, succeeded, finished },
      };
    },
    endings(afterSeq, limit) {
      const rows = connection.all(
        `SELECT events.seq, events.at, substr(events.type, 5) AS outcome, jobs.repository, jobs.created_at AS createdAt
         FROM events LEFT JOIN jobs ON jobs.id = events.job_id
         WHERE events.seq > ? AND events.type IN ${endings} ORDER BY events.seq LIMIT ?`,
        [afterSeq, limit],
      ) as EndingRow[];
      return rows.map(({ seq, at, outcome, repository, createdAt }) => ({
        seq,
        at,
        outcome,
        job: repository === null || createdAt === null ? null : { repository, createdAt },
      }));
    },
    attemptsAfter: (number, limit) =>
      connection.all(`SELECT ${attemptColumns} FROM attempts WHERE rowid > ? ORDER BY rowid LIMIT ?`, [
        number,
        limit,
      ]) as NumberedAttempt[],
    attemptsNumbered: (numbers) =>
      connection.all(
        `SELECT ${attemptColumns} FROM attempts WHERE rowid IN (SELECT value FROM json_each(?)) ORDER BY rowid`,
        [JSON.stringify(numbers)],
      ) as NumberedAttempt[],
    lastAttemptNumber: () =>
      (connection.get('SELECT coalesce(max(rowid), 0) AS number FROM attempts') as { readonly number: number }).number,
    usageAfter: (number, limit) =>
      connection.all(`SELECT ${usageColumns} FROM usage WHERE seq > ? ORDER BY seq LIMIT ?`, [
        number,
        limit,
      ]) as NumberedUsage[],
    usageNumbered: (numbers) =>
      connection.all(`SELECT ${usageColumns} FROM usage WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`, [
        JSON.stringify(numbers),
      ]) as NumberedUsage[],
  };
}

import { OpusError } from '#shared/domain/errors.ts';
import type {
  Attempt,
  Job,
  OutboxEntry,
  QueuedNotification,
  RecordedDecision,
  RegistryEvent,
  Retry,
} from '../../core/ports/job-registry.ts';
import type { Happening, RecordedHappening } from '../../core/pull-request/happening.ts';
import type {
  AttemptRow,
  DecisionRow,
  EventRow,
  HappeningRow,
  JobRow,
  NotificationRow,
  OutboxRow,
  RetryRow,
} from './tables.ts';

/** Some columns of a row; Kysely leaves out what is undefined. */
type Columns<Row> = { [Column in keyof Row]?: Row[Column] | undefined };

export function jobFromRow(row: JobRow): Job {
  return {
    id: row.id,
    featureRequestId: row.feature_request_id,
    number: row.number,
    title: row.title,
    notePath: row.note_path,
    repository: row.repository,
    priority: row.priority,
    status: row.status,
    waitingFor: row.waiting_for,
    runState: row.run_state,
    base: row.base,
    baseCommit: row.base_commit,
    branch: row.branch,
    headCommit: row.head_commit,
    gate: objectOrNull('jobs.gate', row.gate) as Job['gate'],
    pullRequest: objectOrNull('jobs.pull_request', row.pull_request) as Job['pullRequest'],
    mergeCommit: row.merge_commit,
    error: objectOrNull('jobs.error', row.error) as Job['error'],
    noteStatus: row.note_status,
    run: row.run,
    slot: row.slot,
    pausedBy: row.paused_by,
    agent: row.agent,
    holdUntil: row.hold_until,
    admittedAt: row.admitted_at,
    queuedAt: row.queued_at,
    missingSince: row.missing_since,
    checkout: row.checkout,
    reverts: row.reverts,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function jobToColumns(job: Partial<Job>): Columns<JobRow> {
  return {
    id: job.id,
    feature_request_id: job.featureRequestId,
    number: job.number,
    title: job.title,
    note_path: job.notePath,
    repository: job.repository,
    priority: job.priority,
    status: job.status,
    waiting_for: job.waitingFor,
    run_state: job.runState,
    base: job.base,
    base_commit: job.baseCommit,
    branch: job.branch,
    head_commit: job.headCommit,
    gate: jsonOrNull(job.gate),
    pull_request: jsonOrNull(job.pullRequest),
    merge_commit: job.mergeCommit,
    error: jsonOrNull(job.error),
    note_status: job.noteStatus,
    run: job.run,
    slot: job.slot,
    paused_by: job.pausedBy,
    agent: job.agent,
    hold_until: job.holdUntil,
    admitted_at: job.admittedAt,
    queued_at: job.queuedAt,
    missing_since: job.missingSince,
    checkout: job.checkout,
    reverts: job.reverts,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
  };
}

export function attemptFromRow(row: AttemptRow): Attempt {
  return {
    id: row.id,
    jobId: row.job_id,
    stage: row.stage,
    round: row.round,
    number: row.number,
    agent: row.agent,
    owner: row.owner,
    status: row.status,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    commit: row.commit_hash,
    result: row.result === null ? null : parseJson('attempts.result', row.result),
    evidence: list('attempts.evidence', row.evidence) as Attempt['evidence'],
    error: objectOrNull('attempts.error', row.error) as Attempt['error'],
    refusedHosts: list('attempts.refused_hosts', row.refused_hosts) as Attempt['refusedHosts'],
    generation: row.generation,
    leaseUntil: row.lease_until,
    session: row.session,
  };
}

export function attemptToColumns(attempt: Partial<Attempt>): Columns<AttemptRow> {
  return {
    id: attempt.id,
    job_id: attempt.jobId,
    stage: attempt.stage,
    round: attempt.round,
    number: attempt.number,
    agent: attempt.agent,
    owner: attempt.owner,
    status: attempt.status,
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
    commit_hash: attempt.commit,
    result: jsonOrNull(attempt.result),
    evidence: attempt.evidence && JSON.stringify(attempt.evidence),
    error: jsonOrNull(attempt.error),
    refused_hosts: attempt.refusedHosts && JSON.stringify(attempt.refusedHosts),
    generation: attempt.generation,
    lease_until: attempt.leaseUntil,
    session: attempt.session,
  };
}

export function decisionFromRow(row: DecisionRow): RecordedDecision {
  return {
    jobId: row.job_id,
    gate: { kind: row.gate_kind, hash: row.gate_hash },
    kind: row.kind,
    comment: row.comment,
    person: row.person,
    device: row.device,
    channel: row.channel,
    at: row.at,
    generation: row.generation,
  };
}

export function retryFromRow(row: RetryRow): Retry {
  return {
    jobId: row.job_id,
    from: row.from_stage,
    rounds: row.rounds,
    comment: row.comment,
    at: row.at,
    generation: row.generation,
  };
}

export function happeningFromRow(row: HappeningRow): RecordedHappening {
  return {
    jobId: row.job_id,
    key: row.key,
    happening: parseJson('happenings.happening', row.happening) as Happening,
    at: row.at,
    generation: row.generation,
  };
}

export function notificationFromRow(row: NotificationRow): QueuedNotification {
  return {
    seq: row.seq,
    eventSeq: row.event_seq,
    channel: row.channel,
    kind: row.kind as QueuedNotification['kind'],
    jobId: row.job_id,
    message: objectOrNull('notifications.message', row.message) as QueuedNotification['message'],
    createdAt: row.created_at,
    tries: row.tries,
    nextAt: row.next_at,
  };
}

export function eventFromRow(row: EventRow): RegistryEvent {
  return {
    seq: row.seq,
    at: row.at,
    type: row.type,
    jobId: row.job_id,
    data: objectOrNull('events.data', row.data) as RegistryEvent['data'],
  };
}

export function outboxFromRow(row: Pick<OutboxRow, 'seq' | 'job_id' | 'payload'>): OutboxEntry {
  const payload = objectOrNull('outbox.payload', row.payload);
  if (!payload || !('kind' in payload)) throw damaged('outbox.payload');
  return { seq: row.seq, jobId: row.job_id, payload: payload as OutboxEntry['payload'] };
}

export function parseJson(column: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw damaged(column, thrown);
  }
}

function jsonOrNull(value: unknown): string | null | undefined {
  if (value === undefined) return undefined;
  return value === null ? null : JSON.stringify(value);
}

function objectOrNull(column: string, text: string | null): object | null {
  if (text === null) return null;
  const value = parseJson(column, text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(column);
  return value;
}

function list(column: string, text: string): readonly unknown[] {
  const value = parseJson(column, text);
  if (!Array.isArray(value)) throw damaged(column);
  return value as readonly unknown[];
}

function damaged(column: string, cause?: unknown): OpusError {
  return new OpusError(
    'registry.corrupt',
    `A row of the registry is damaged: ${column} does not hold what it should.`,
    {
      hint: 'Restore the registry from a backup.',
      cause,
    },
  );
}

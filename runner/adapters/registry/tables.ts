import type { GateKind, DecisionKind } from '#shared/domain/gate.ts';
import type { NoteStatus, Priority } from '#shared/domain/feature-request.ts';
import type { JobStatus, RunState, WaitReason } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Role } from '#shared/protocol/roles.ts';
import type { Generated } from 'kysely';
import type { Attempt, Job, RecordedDecision } from '../../core/ports/job-registry.ts';

/** JSON text in a column. */
export type Json = string;

export interface JobRow {
  id: string;
  feature_request_id: string;
  number: number;
  title: string;
  note_path: string;
  repository: string;
  priority: Priority;
  status: JobStatus;
  waiting_for: WaitReason | null;
  run_state: RunState;
  base: string;
  base_commit: string | null;
  branch: string;
  head_commit: string | null;
  gate: Json | null;
  pull_request: Json | null;
  merge_commit: string | null;
  error: Json | null;
  note_status: NoteStatus;
  run: number;
  slot: Job['slot'];
  paused_by: Job['pausedBy'];
  agent: string | null;
  hold_until: number | null;
  admitted_at: number | null;
  queued_at: number;
  missing_since: number | null;
  checkout: string | null;
  reverts: string | null;
  created_at: number;
  updated_at: number;
}

export interface AttemptRow {
  id: string;
  job_id: string;
  stage: Stage;
  round: number;
  number: number;
  agent: string | null;
  owner: string;
  status: Attempt['status'];
  started_at: number;
  ended_at: number | null;
  commit_hash: string | null;
  result: Json | null;
  evidence: Json;
  error: Json | null;
  refused_hosts: Json;
  generation: number;
  lease_until: number | null;
  session: string | null;
}

export interface DecisionRow {
  seq: number;
  job_id: string;
  gate_kind: GateKind;
  gate_hash: string;
  kind: DecisionKind;
  comment: string;
  person: string;
  device: string | null;
  channel: RecordedDecision['channel'];
  at: number;
  generation: number;
}

export interface RetryRow {
  seq: number;
  job_id: string;
  from_stage: Stage | null;
  rounds: number | null;
  comment: string;
  at: number;
  generation: number;
}

export interface EventRow {
  seq: number;
  at: number;
  type: string;
  job_id: string | null;
  data: Json;
}

export interface OutboxRow {
  seq: number;
  job_id: string | null;
  payload: Json;
  acknowledged_at: number | null;
  outcome: string | null;
}

export interface EffectRow {
  key: string;
  result: Json;
  at: number;
}

export interface TrustedNoteRow {
  path: string;
  hash: string;
  text: string;
  at: number;
}

export interface UsageRow {
  seq: number;
  job_id: string | null;
  attempt_id: string | null;
  agent: string;
  endpoint: string;
  model: string;
  at: number;
  input: number;
  cache_read: number;
  cache_write: number;
  output: number;
  cost: number | null;
  /** 0 or 1. */
  subscription: number;
  /** Null before the fourth version. */
  response: string | null;
  /** 0 or 1. */
  open: number;
  /** 0 or 1. */
  estimated: number;
  /** Of windows, by their length in milliseconds. */
  shares: Json | null;
}

export interface HappeningRow {
  seq: number;
  job_id: string;
  key: string;
  happening: Json;
  at: number;
  generation: number;
}

export interface RunnerStateRow {
  key: string;
  value: Json;
  at: number;
}

export interface NotificationRow {
  seq: number;
  event_seq: number;
  channel: string;
  kind: string;
  job_id: string | null;
  message: Json;
  created_at: number;
  tries: number;
  next_at: number;
  settled_at: number | null;
  outcome: string | null;
}

export interface JobNumberRow {
  feature_request_id: string;
  highest: number;
}

export interface DeviceRow {
  id: string;
  name: string;
  person: string;
  role: Role;
  token_hash: string;
  paired_at: number;
  last_seen_at: number | null;
}

export interface PairingRow {
  code_hash: string;
  role: Role;
  person: string;
  expires_at: number;
}

type Numbered<Row> = Omit<Row, 'seq'> & { seq: Generated<number> };

export interface Tables {
  jobs: JobRow;
  attempts: AttemptRow;
  decisions: Numbered<DecisionRow>;
  retries: Numbered<RetryRow>;
  happenings: Numbered<HappeningRow>;
  events: Numbered<EventRow>;
  outbox: Numbered<OutboxRow>;
  effects: EffectRow;
  trusted_notes: TrustedNoteRow;
  runner_state: RunnerStateRow;
  notifications: Numbered<NotificationRow>;
  job_numbers: JobNumberRow;
  usage: Numbered<UsageRow>;
  devices: DeviceRow;
  pairings: PairingRow;
}

import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { NoteStatus, Priority } from '#shared/domain/feature-request.ts';
import type { DecisionKind, Gate } from '#shared/domain/gate.ts';
import type { JobStatus, RunState, StageStatus, WaitReason } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { NotificationKind } from '../configuration.ts';
import type { RecordedHappening } from '../pull-request/happening.ts';
import type { Devices } from './devices.ts';
import type { RegistryFigures } from './registry-figures.ts';
import type { KeyWrite } from './vault.ts';
import type { UsageEntry, UsageFilter, UsageGroup, UsageTotal } from './usage-ledger.ts';

export type { UsageEntry, UsageFilter, UsageGroup, UsageSum, UsageTotal, UsedShare } from './usage-ledger.ts';

/** The reading half; `opus status` opens nothing more. */
export interface RegistryReader {
  /** The recorded result of an effect; undefined when it never finished. */
  effect(key: string): { readonly result: unknown } | undefined;
  /** Highest job number of the FR in the registry; 0 when none. */
  highestNumber(featureRequestId: string): number;
  job(id: string): Job | null;
  /** The newest job of an FR. */
  newestJobOf(featureRequestId: string): Job | null;
  /** Oldest first. `finished: false` leaves out succeeded, failed and canceled ones; `limit` keeps the newest. */
  jobs(filter: { readonly finished: boolean; readonly limit?: number }): Job[];
  /** In the order in which they began. */
  attempts(jobId: string): Attempt[];
  decisions(jobId: string): RecordedDecision[];
  retries(jobId: string): Retry[];
  /** What happened to the job's pull request, in order. */
  happenings(jobId: string): RecordedHappening[];
  events(filter: { readonly afterSeq: number; readonly jobId?: string; readonly limit: number }): RegistryEvent[];
  /** Unacknowledged entries in order. */
  outbox(): OutboxEntry[];
  trustedNote(path: string): TrustedNote | null;
  trustedNotes(): TrustedNote[];
  /** A value that the runner keeps about itself, with when it was written; null when it never was. */
  state(key: RunnerStateKey): { readonly value: unknown; readonly at: number } | null;
  /** Undelivered notifications whose time has come, oldest first. */
  notifications(filter: { readonly dueBy: number; readonly limit: number }): QueuedNotification[];
  /** By agent and model, the most expensive first. */
  usage(filter: UsageFilter): UsageTotal[];
  /** Days in their order, all others the most expensive first. A day is one of the machine's time: `2026-01-31`. */
  usageBy(by: 'agent' | 'model' | 'day' | 'job', filter: UsageFilter): UsageGroup[];
  /** Seq of the newest event there ever was; 0 when there was none. Never less than before, whatever is forgotten. */
  lastEventSeq(): number;
  /** For metrics. */
  readonly figures: RegistryFigures;
  close(): void;
}

/**
 * What is known of every job. `commit` is one synchronous transaction: the effect's result, row changes, events and outbox entries
 * together or not at all. An effect key is recorded once: a second commit under it writes nothing and returns the first result.
 */
export interface JobRegistry extends RegistryReader {
  readonly devices: Devices;
  /** `key` null: no idempotency. Returns the recorded result, as JSON keeps it. */
  commit<Result>(key: string | null, result: Result, change: RegistryChange): Result;
  /** Once; a second acknowledgement changes nothing. */
  acknowledge(seq: number, outcome: string): void;
  /** Confirms notes, replacing what was confirmed under the same paths. */
  trust(notes: readonly TrustedNote[]): void;
  untrust(paths: readonly string[]): void;
  setState(key: RunnerStateKey, value: unknown): void;
  /** At once, so that a killed run's usage is known too. In place of what was recorded of the same response before. */
  recordUsage(entry: UsageEntry): void;
  /** Takes back what was recorded of a response that never was. */
  dropUsage(id: string): void;
  /** What a dead runner left open counts from now on as it is, as estimated; returns how many responses. */
  closeUsage(): number;
  /** The conversation of an attempt that its owner still works on. */
  setSession(attemptId: string, owner: string, session: string): void;
  /** Prolongs the leases of the owner's running attempts and returns the ids of those that it still holds. */
  heartbeat(owner: string, leaseUntil: number): string[];
  /** Marks as interrupted the running attempts of all other owners whose lease ended before `now`; returns their ids. */
  interruptExpired(now: number, exceptOwner: string): string[];
  /** Records notifications, each once for an event, channel and kind, and `throughEvent` as looked at, in one transaction. */
  queueNotifications(notifications: readonly NewNotification[], throughEvent: number): void;
  /** A try at delivering: settled, with an outcome, or to be tried again at `nextAt`. */
  settleNotification(seq: number, result: { readonly outcome: string } | { readonly nextAt: number }): void;
  /** Takes a finished job and everything known of it out of the registry; its number is never given out again. */
  forgetJob(jobId: string): void;
  /** Removes what is older than `before` and serves nothing any more: acknowledged outbox entries, settled notifications, events of no job. */
  prune(before: number): void;
}

export type RunnerStateKey =
  | 'backlog'
  | 'circuits'
  | 'paused'
  | 'health'
  | 'usage-holds'
  | 'notified-through'
  | 'clash'
  | 'last-backup'
  | 'vault-git'
  | 'leftovers'
  | 'metrics'
  | 'webhook-deliveries'
  | 'issues'
  | 'usage-windows'
  | 'epoch';

export interface NewNotification {
  readonly eventSeq: number;
  /** A name under `notify` in opus.yml. */
  readonly channel: string;
  readonly kind: NotificationKind;
  readonly jobId: string | null;
  readonly message: NotificationMessage;
}

export interface NotificationMessage {
  readonly title: string;
  readonly text: string;
  /** Where to look or decide; null when there is no such place. */
  readonly link: string | null;
}

export interface QueuedNotification extends NewNotification {
  readonly seq: number;
  readonly createdAt: number;
  readonly tries: number;
  readonly nextAt: number;
}

export interface Job {
  readonly id: string;
  readonly featureRequestId: string;
  readonly number: number;
  readonly title: string;
  readonly notePath: string;
  readonly repository: string;
  readonly priority: Priority;
  readonly status: JobStatus;
  readonly waitingFor: WaitReason | null;
  readonly runState: RunState;
  readonly base: string;
  /** The base's commit when the job began, and after the base was merged in. */
  readonly baseCommit: string | null;
  readonly branch: string;
  /** The last checkpoint's commit. */
  readonly headCommit: string | null;
  readonly gate: Gate | null;
  readonly pullRequest: {
    readonly number: number;
    readonly url: string;
    readonly state: 'open' | 'merged' | 'closed';
  } | null;
  readonly mergeCommit: string | null;
  readonly error: ErrorSummary | null;
  /** Status the runner last saw or wrote in the note. */
  readonly noteStatus: NoteStatus;
  /** Workflow runs begun so far; a retry begins another. */
  readonly run: number;
  /** What the job may use now: a place among the agents, one for merging alone, or nothing. */
  readonly slot: 'agent' | 'merge' | null;
  /** Why it is paused: a person said so, a more urgent job took its place, a person works in its tree. */
  readonly pausedBy: 'person' | 'preemption' | 'checkout' | null;
  /** The agent of its next stage; null when that stage has none. */
  readonly agent: string | null;
  /** Not to go on before then: a usage limit, a circuit that rests. */
  readonly holdUntil: number | null;
  /** When it was last given a slot. */
  readonly admittedAt: number | null;
  /** Since when it wants a slot; the scheduler ages jobs by it. */
  readonly queuedAt: number;
  /** Since when its note is gone; null while it is there. */
  readonly missingSince: number | null;
  /** The folder in which a person works on it. */
  readonly checkout: string | null;
  /** The job whose merge it takes back; null for one that builds something. */
  readonly reverts: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One try at a stage. The stage's result is kept with it. */
export interface Attempt {
  readonly id: string;
  readonly jobId: string;
  readonly stage: Stage;
  readonly round: number;
  /** Counts from 1 within stage, round and run of retries. */
  readonly number: number;
  readonly agent: string | null;
  /** Names the process that works on it. */
  readonly owner: string;
  readonly status: StageStatus | 'interrupted';
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly commit: string | null;
  readonly result: unknown;
  readonly evidence: readonly Evidence[];
  readonly error: ErrorSummary | null;
  readonly refusedHosts: readonly string[];
  /** Decisions and retries of the job before this attempt began. */
  readonly generation: number;
  /** Until when its owner counts as alive without another heartbeat. */
  readonly leaseUntil: number | null;
  /** The agent's conversation, by which it can be resumed; null when it has none. */
  readonly session: string | null;
}

export interface RecordedDecision {
  readonly jobId: string;
  readonly gate: Gate;
  readonly kind: DecisionKind;
  readonly comment: string;
  readonly person: string;
  /** On which it was made; null where that is not known. */
  readonly device: string | null;
  readonly channel: 'cli' | 'note' | 'plugin' | 'dashboard' | 'forge' | 'policy';
  readonly at: number;
  /** How many decisions and retries the job had before this one: their common order, whatever the clock did. */
  readonly generation: number;
}

export interface Retry {
  readonly jobId: string;
  readonly from: Stage | null;
  readonly rounds: number | null;
  readonly comment: string;
  readonly at: number;
  /** As in RecordedDecision: one common count. */
  readonly generation: number;
}

export interface RegistryEvent {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly jobId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export type OutboxPayload =
  | { readonly kind: 'keys'; readonly write: KeyWrite }
  | { readonly kind: 'note'; readonly path: string; readonly text: string }
  /** The run report is rendered when it is written, from what the registry knows then. */
  | { readonly kind: 'report'; readonly jobId: string };

export interface OutboxEntry {
  readonly seq: number;
  readonly jobId: string | null;
  readonly payload: OutboxPayload;
}

export interface TrustedNote {
  readonly path: string;
  readonly hash: string;
  /** The confirmed text stays in force until a newer one is confirmed. */
  readonly text: string;
  readonly at: number;
}

export interface RegistryChange {
  /** Whole new row, or the fields that change. */
  readonly insertJob?: Job;
  readonly updateJob?: { readonly id: string; readonly fields: Partial<Omit<Job, 'id' | 'createdAt'>> };
  readonly insertAttempt?: Attempt;
  /** Compare-and-set on owner and status `running`: when it does not match, the whole commit rejects with `registry.lost`. */
  readonly updateAttempt?: {
    readonly id: string;
    readonly owner: string;
    readonly fields: Partial<Omit<Attempt, 'id' | 'jobId'>>;
  };
  /** Marks running attempts of the job that another owner left as interrupted. */
  readonly interruptAttempts?: { readonly jobId: string; readonly exceptOwner: string };
  readonly decision?: RecordedDecision;
  /** Recorded once under its key; a second time the whole commit changes nothing. */
  readonly happening?: RecordedHappening;
  readonly retry?: Retry;
  readonly events?: readonly {
    readonly type: string;
    readonly jobId: string | null;
    readonly data: Readonly<Record<string, unknown>>;
  }[];
  readonly outbox?: readonly { readonly jobId: string | null; readonly payload: OutboxPayload }[];
}

/**
 * The one error type and the one table of codes. A code's disposition says what the engine does about it:
 * `retry` tries the stage again, `hold` waits for something outside, `needs-human` asks a person,
 * `fail` ends the job, `fatal` ends the process.
 */
export type Disposition = 'retry' | 'hold' | 'needs-human' | 'fail' | 'fatal';

// Spelled once: the plugin carries this table, too, and every byte of it counts.
const retry = 'retry';
const hold = 'hold';
const person = 'needs-human';
const fail = 'fail';
const fatal = 'fatal';

const dispositions = {
  'config.invalid': fatal,
  'config.not-found': fatal,
  'config.secret-missing': fatal,
  'config.usage': fatal,
  'config.untrusted': person,
  'config.init-conflict': fatal,
  'vault.not-found': fatal,
  'vault.fr-not-found': fail,
  'vault.fr-invalid': person,
  'vault.fr-not-dispatchable': person,
  'vault.note-unreadable': person,
  'vault.clash': person,
  'vault.agent-missing': person,
  'vault.agent-invalid': person,
  'vault.template-invalid': person,
  'vault.write-failed': retry,
  'vault.nobody-writes': retry,
  'vault.bundle-refused': fail,
  'vault.watch-failed': retry,
  'vault.dependency-cycle': person,
  'vault.dependency-reverted': person,
  'vault.git-failed': retry,
  'vault.git-unreachable': retry,
  'vault.git-conflict': person,
  'vault.git-rewritten': person,
  'vault.git-detached': person,
  'vault.git-staged': person,
  'vault.git-merging': person,
  'vault.git-wrong-branch': person,
  'registry.job-not-found': fail,
  'registry.locked': hold,
  'registry.busy': retry,
  'registry.incompatible': fatal,
  'registry.corrupt': fatal,
  'registry.disk-full': hold,
  'registry.gate-stale': person,
  'registry.no-gate': person,
  'registry.not-approver': person,
  'registry.approval-missing': person,
  'registry.not-retryable': person,
  'registry.lost': person,
  'registry.not-revertable': person,
  'registry.not-pausable': person,
  'registry.no-backup': fatal,
  'registry.backup-failed': retry,
  'registry.lease-expired': retry,
  'git.failed': retry,
  'git.repository-missing': fail,
  'git.base-missing': person,
  'git.submodule-refused': person,
  'git.lfs-refused': person,
  'git.nested-repository': person,
  'git.tree-too-large': person,
  'git.tree-gone': retry,
  'git.branch-moved': person,
  'git.conflict': person,
  'git.checkout-refused': person,
  'git.checkout-gone': person,
  'git.tree-kept': person,
  'git.lock-left': person,
  'sandbox.unavailable': person,
  'sandbox.start-failed': retry,
  'sandbox.memory': person,
  'sandbox.disk': person,
  'sandbox.processes': person,
  'agent.failed': retry,
  'agent.not-found': person,
  'agent.timeout': retry,
  'agent.stalled': retry,
  'agent.no-change': person,
  'agent.no-result': retry,
  'agent.malformed-result': retry,
  'agent.unsafe-result': retry,
  'agent.canceled': person,
  'agent.usage-limit': hold,
  'agent.question': person,
  'agent.budget': person,
  'agent.daily-budget': hold,
  'agent.credentials': person,
  'agent.circuit-open': hold,
  'stage.setup-failed': person,
  'stage.test-timeout': retry,
  'stage.rounds-exhausted': person,
  'stage.crash-loop': person,
  'forge.pull-request-closed': person,
  'forge.ci-change': person,
  'forge.push-refused': person,
  'forge.not-yet': hold,
  'forge.merge-refused': person,
  'forge.unsupported': fatal,
  'forge.circuit-open': hold,
  'forge.unreachable': retry,
  'forge.rate-limited': hold,
  'forge.unauthorized': person,
  'forge.forbidden': person,
  'forge.repository-missing': person,
  'forge.not-found': person,
  'forge.archived': person,
  'forge.branch-taken': person,
  'forge.refused': person,
  'forge.merge-unseen': retry,
  'notify.refused': person,
  'notify.unreachable': retry,
  'service.unsupported': fatal,
  'service.failed': fatal,
  'protocol.invalid': fail,
  'protocol.unauthorized': fail,
  'protocol.forbidden': fail,
  'protocol.too-many': retry,
  'protocol.unreachable': retry,
  'internal.unexpected': person,
} as const satisfies Record<string, Disposition>;

export type ErrorCode = keyof typeof dispositions;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(dispositions, code);
}

export function dispositionOf(code: ErrorCode): Disposition {
  return dispositions[code];
}

/** What a person is shown and what the registry keeps of an error: plain data, no stack. */
export interface ErrorSummary {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  /** For what holds a job: when to try again, in milliseconds since the epoch. */
  readonly until?: number;
}

export interface OpusErrorOptions {
  /** What to do next, as a sentence or a command. */
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** When to try again, in milliseconds since the epoch. */
  readonly until?: number;
  readonly cause?: unknown;
}

/** The message is one sentence that tells the most specific truth: what failed, where, for which job. */
export class OpusError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  readonly until: number | null;

  constructor(code: ErrorCode, message: string, options: OpusErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'OpusError';
    this.code = code;
    this.hint = options.hint ?? null;
    this.details = options.details ?? {};
    this.until = options.until ?? null;
  }

  summary(): ErrorSummary {
    const summary = { code: this.code, message: this.message, hint: this.hint };
    return this.until === null ? summary : { ...summary, until: this.until };
  }
}

/** Anything thrown, as an OpusError; what is not one becomes `internal.unexpected` with the original as cause. */
export function toOpusError(thrown: unknown): OpusError {
  if (thrown instanceof OpusError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new OpusError('internal.unexpected', `Something unexpected happened: ${message}`, {
    hint: 'The log has the details; `opus doctor` checks this machine.',
    cause: thrown,
  });
}

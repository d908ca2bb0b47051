/**
 * The one error type and the one table of codes. A code's disposition says what the engine does about it:
 * `retry` tries the stage again, `hold` waits for something outside, `needs-human` asks a person,
 * `fail` ends the job, `fatal` ends the process.
 */
export type Disposition = 'retry' | 'hold' | 'needs-human' | 'fail' | 'fatal';

const dispositions = {
  'config.invalid': 'fatal',
  'config.not-found': 'fatal',
  'config.secret-missing': 'fatal',
  'config.usage': 'fatal',
  'config.untrusted': 'needs-human',
  'config.init-conflict': 'fatal',
  'vault.not-found': 'fatal',
  'vault.fr-not-found': 'fail',
  'vault.fr-invalid': 'needs-human',
  'vault.fr-not-dispatchable': 'needs-human',
  'vault.note-unreadable': 'needs-human',
  'vault.clash': 'needs-human',
  'vault.agent-missing': 'needs-human',
  'vault.agent-invalid': 'needs-human',
  'vault.template-invalid': 'needs-human',
  'vault.write-failed': 'retry',
  'vault.watch-failed': 'retry',
  'vault.dependency-cycle': 'needs-human',
  'vault.dependency-reverted': 'needs-human',
  'vault.git-failed': 'retry',
  'vault.git-unreachable': 'retry',
  'vault.git-conflict': 'needs-human',
  'vault.git-rewritten': 'needs-human',
  'vault.git-detached': 'needs-human',
  'vault.git-staged': 'needs-human',
  'vault.git-merging': 'needs-human',
  'vault.git-wrong-branch': 'needs-human',
  'registry.job-not-found': 'fail',
  'registry.locked': 'hold',
  'registry.busy': 'retry',
  'registry.incompatible': 'fatal',
  'registry.corrupt': 'fatal',
  'registry.disk-full': 'hold',
  'registry.gate-stale': 'needs-human',
  'registry.no-gate': 'needs-human',
  'registry.not-approver': 'needs-human',
  'registry.approval-missing': 'needs-human',
  'registry.not-retryable': 'needs-human',
  'registry.lost': 'needs-human',
  'registry.not-revertable': 'needs-human',
  'registry.not-pausable': 'needs-human',
  'registry.no-backup': 'fatal',
  'registry.backup-failed': 'retry',
  'registry.lease-expired': 'retry',
  'git.failed': 'retry',
  'git.repository-missing': 'fail',
  'git.base-missing': 'needs-human',
  'git.submodule-refused': 'needs-human',
  'git.lfs-refused': 'needs-human',
  'git.nested-repository': 'needs-human',
  'git.tree-too-large': 'needs-human',
  'git.tree-gone': 'retry',
  'git.branch-moved': 'needs-human',
  'git.conflict': 'needs-human',
  'git.checkout-refused': 'needs-human',
  'git.checkout-gone': 'needs-human',
  'git.tree-kept': 'needs-human',
  'git.lock-left': 'needs-human',
  'sandbox.unavailable': 'needs-human',
  'sandbox.start-failed': 'retry',
  'sandbox.memory': 'needs-human',
  'sandbox.disk': 'needs-human',
  'sandbox.processes': 'needs-human',
  'agent.failed': 'retry',
  'agent.not-found': 'needs-human',
  'agent.timeout': 'retry',
  'agent.stalled': 'retry',
  'agent.no-change': 'needs-human',
  'agent.no-result': 'retry',
  'agent.malformed-result': 'retry',
  'agent.unsafe-result': 'retry',
  'agent.canceled': 'needs-human',
  'agent.usage-limit': 'hold',
  'agent.question': 'needs-human',
  'agent.budget': 'needs-human',
  'agent.daily-budget': 'hold',
  'agent.credentials': 'needs-human',
  'agent.circuit-open': 'hold',
  'stage.setup-failed': 'needs-human',
  'stage.test-timeout': 'retry',
  'stage.rounds-exhausted': 'needs-human',
  'stage.crash-loop': 'needs-human',
  'forge.pull-request-closed': 'needs-human',
  'forge.ci-change': 'needs-human',
  'forge.push-refused': 'needs-human',
  'forge.not-yet': 'hold',
  'forge.merge-refused': 'needs-human',
  'forge.unsupported': 'fatal',
  'forge.circuit-open': 'hold',
  'forge.unreachable': 'retry',
  'forge.rate-limited': 'hold',
  'forge.unauthorized': 'needs-human',
  'forge.forbidden': 'needs-human',
  'forge.repository-missing': 'needs-human',
  'forge.not-found': 'needs-human',
  'forge.archived': 'needs-human',
  'forge.branch-taken': 'needs-human',
  'forge.refused': 'needs-human',
  'forge.merge-unseen': 'retry',
  'notify.refused': 'needs-human',
  'notify.unreachable': 'retry',
  'service.unsupported': 'fatal',
  'service.failed': 'fatal',
  'protocol.invalid': 'fail',
  'protocol.unauthorized': 'fail',
  'protocol.unreachable': 'retry',
  'internal.unexpected': 'needs-human',
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

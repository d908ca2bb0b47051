import type { BoardJob } from '#shared/protocol/board.ts';
import type { ProtocolEvent } from '#shared/protocol/method-results.ts';
import type { MethodName, MethodParams, MethodResult } from '#shared/protocol/methods.ts';
import type { Role } from '#shared/protocol/roles.ts';
import type { OutputListener, OutputSubscription } from '../core/live-output.ts';
import type { VaultWriters } from '../core/ports/vault-writers.ts';

/** On whose behalf a call is made. */
export interface Caller {
  readonly role: Role;
  /** Null for the command line of this machine, which may name anybody. */
  readonly person: string | null;
  /** The paired device; null for the command line. */
  readonly device: { readonly id: string; readonly name: string } | null;
  readonly channel: 'cli' | 'plugin' | 'dashboard';
}

export interface CallContext {
  readonly caller: Caller;
  /** Aborts when the caller has gone or the server closes; a call that waits for something gives up then. */
  readonly signal: AbortSignal;
}

/** What of the board no event tells. */
export type BoardState = Pick<MethodResult<'board.get'>, 'runner' | 'featureRequests' | 'spending' | 'untrusted'>;

/** The others concern a connection, which the server alone knows. */
export type ConnectionMethod = 'output.subscribe' | 'output.unsubscribe';
export type ApplicationMethod = Exclude<MethodName, ConnectionMethod>;

export type Performed<Method extends MethodName> = {
  readonly [Name in Method]: (params: MethodParams<Name>, context: CallContext) => Promise<MethodResult<Name>>;
};

/** What the registry records, for whoever follows it. All of it answers at once, from what is known. */
export interface EventFeed {
  /** Of the numbers of events; another one after a restore. */
  epoch(): string;
  /** Seq of the newest event. */
  newest(): number;
  /** In order; fewer than there were where old ones have been forgotten. */
  after(seq: number, limit: number): readonly ProtocolEvent[];
  /** After each time that events were recorded. The listener must not throw. */
  onRecorded(listener: () => void): void;
}

/**
 * What the server may ask of the runner: a function for each method of the protocol, with checked params. They reject with
 * OpusError; anything else counts as a defect. `events.since` is the one that waits, and the one that closing cuts short.
 */
export type ServerApplication = Performed<ApplicationMethod> & {
  /** What happens in a job's attempts, from the last that did; null is every job. Throws `registry.job-not-found`. */
  subscribeOutput(job: string | null, listener: OutputListener): OutputSubscription;
  readonly events: EventFeed;
  /** From what is known already; nothing is read for it but what was spent. */
  boardState(): BoardState;
  /** A job as it is now, for its events; null when it is forgotten. */
  boardJob(id: string): BoardJob | null;
  /** Told of connections that apply writes, and why hellos say `vaultWriter: plugin`; null where the runner writes by itself. */
  readonly vaultWriters: VaultWriters | null;
};

export const healthChecks = ['vault', 'registry', 'sandbox', 'disk'] as const;

/** Ready means that jobs can be started. It is asked often, so it tells what is known and probes nothing. */
export interface Health {
  readonly ready: boolean;
  readonly checks: readonly {
    readonly name: (typeof healthChecks)[number];
    readonly ok: boolean;
    readonly message: string;
  }[];
}

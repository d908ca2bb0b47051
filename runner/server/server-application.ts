import type { MethodName, MethodParams, MethodResult } from '#shared/protocol/methods.ts';
import type { OutputListener, OutputSubscription } from '../core/live-output.ts';

export interface CallContext {
  /** Aborts when the caller has gone or the server closes; a call that waits for something gives up then. */
  readonly signal: AbortSignal;
}

/**
 * What the server may ask of the runner: a function for each method of the protocol, with checked params. They reject with
 * OpusError; anything else counts as a defect. `events.since` is the one that waits, and the one that closing cuts short.
 */
export type ServerApplication = {
  readonly [Method in MethodName]: (
    params: MethodParams<Method>,
    context: CallContext,
  ) => Promise<MethodResult<Method>>;
} & {
  /** What happens in a job's attempts, from the last that did; null is every job. Throws `registry.job-not-found`. */
  subscribeOutput(job: string | null, listener: OutputListener): OutputSubscription;
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

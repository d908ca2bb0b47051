import type { BoardFeatureRequest, BoardJob, Spending } from '../protocol/board.ts';
import type { Role } from '../protocol/roles.ts';
import type { RunnerStatus } from '../protocol/runner-status.ts';

/** How it stands with the connection. Times are milliseconds since the epoch by this device's clock. */
export type ConnectionState =
  /** No runner is known: pair one. */
  | { readonly kind: 'unpaired' }
  | { readonly kind: 'connecting'; readonly since: number }
  | { readonly kind: 'connected'; readonly since: number }
  /** It was there, or never was; the client tries again by itself at `nextTryAt`. */
  | {
      readonly kind: 'lost';
      readonly since: number;
      readonly nextTryAt: number;
      readonly tries: number;
      /** When something was last heard; null when nothing ever was. */
      readonly lastHeardAt: number | null;
    }
  /** Trying again is of no use before somebody does something. */
  | { readonly kind: 'refused'; readonly reason: 'unauthorized' | 'version' | 'address'; readonly sentence: string };

/** All that a view may show of a runner. What was known stays shown while the connection is lost. */
export interface RunnerState {
  readonly connection: ConnectionState;
  /** Null before the first hello. */
  readonly hello: {
    readonly role: Role;
    readonly person: string;
    readonly device: string;
    readonly runnerName: string;
    readonly runnerVersion: string;
    readonly vaultWriter: 'runner' | 'plugin';
  } | null;
  /** Null before the first snapshot. */
  readonly runner: RunnerStatus | null;
  /** By job id. */
  readonly jobs: ReadonlyMap<string, BoardJob>;
  readonly featureRequests: readonly BoardFeatureRequest[];
  readonly spending: Spending | null;
  readonly untrusted: number;
  readonly cursor: { readonly epoch: string; readonly seq: number } | null;
  /** Runner's clock minus this device's, in milliseconds, for elapsed times. */
  readonly clockOffset: number;
}

export const emptyState: RunnerState = {
  connection: { kind: 'unpaired' },
  hello: null,
  runner: null,
  jobs: new Map(),
  featureRequests: [],
  spending: null,
  untrusted: 0,
  cursor: null,
  clockOffset: 0,
};

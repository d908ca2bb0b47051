import type { MethodParams, MethodResult } from '#shared/protocol/methods.ts';
import type { RunnerStatus } from '#shared/protocol/runner-status.ts';
import type { Application } from './engine/application.ts';
import type { EngineDependencies } from './engine/stage-context.ts';
import type { Supervisor } from './engine/supervisor.ts';
import type { ConnectedDevices } from './server/connected-devices.ts';
import type { Trust } from './engine/trust.ts';
import type { VaultDesk } from './engine/vault-desk.ts';

/** A vault that is not on this machine, as far as calls are about it. */
export interface BroughtByPlugins {
  readonly desk: VaultDesk;
  bundle(device: string, params: MethodParams<'vault.bundle'>): Promise<MethodResult<'vault.bundle'>>;
  applied(device: string, params: MethodParams<'vault.applied'>): Promise<void>;
}

/** What the methods of the protocol are made of. */
export interface ServiceCalls {
  readonly dependencies: EngineDependencies;
  readonly application: Application;
  readonly supervisor: Supervisor;
  readonly health: { status(): RunnerStatus };
  readonly trust: Trust;
  /** Null where the vault is on this machine. */
  readonly pluginVault: BroughtByPlugins | null;
  /** How many code notes wait for somebody's word, as far as was looked. */
  unconfirmedNotes(): number;
  reload(): MethodResult<'runner.reload'>;
  backup(): Promise<MethodResult<'backup.create'>>;
  /** Of the numbers of events; another one after a restore. */
  readonly epoch: string;
  readonly connected: Pick<ConnectedDevices, 'isConnected' | 'end'>;
  /** After each time that events were recorded. */
  onEvents(listener: () => void): void;
  /** Settles at the next event, when the signal aborts, or after so many milliseconds. */
  nextEvent(signal: AbortSignal, waitMs: number): Promise<void>;
}

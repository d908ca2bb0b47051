import type { MethodParams } from '#shared/protocol/methods.ts';
import type { VaultWrite } from '#shared/protocol/wire.ts';

/** A connected client that said in its hello that it applies the runner's writes. */
export interface VaultClient {
  /** The id of its paired device, as calls over the same connection have it. */
  readonly device: string;
  /** Sends the write as a `vault.write` notification; false when that cannot be done now. Must not throw. */
  tell(write: VaultWrite): boolean;
}

/** Where the server says who is there to write into a vault that is not on this machine. */
export interface VaultWriters {
  /** Called after a hello with `appliesWrites`. Returns what to call, once, when that connection has ended. */
  arrived(client: VaultClient): () => void;
}

export type AppliedWrite = Omit<MethodParams<'vault.applied'>, 'id'>;

/** Applies writes to a vault that is not on this machine. */
export interface RemoteWriting {
  /**
   * Settles when somebody has applied it: under the same id it is applied once. Rejects with `vault.nobody-writes` when nobody
   * is there who does, so that it has to be asked for again.
   */
  write(write: VaultWrite): Promise<AppliedWrite>;
}

import type { LiveEntry } from '../../domain/live-output.ts';
import type { MethodInput, MethodName, MethodResult } from '../methods.ts';
import type { VaultWrite, WireEvent } from '../wire.ts';
import type { RunnerState } from '../../view-model/runner-state.ts';

/** The live connection to a runner, which keeps itself up until it is closed. Knows no platform: sockets and timers are given to it. */
export interface RunnerClient {
  state(): RunnerState;
  /** Called after each change, at most once a turn of the event loop. Returns how to stop. */
  onChange(listener: (state: RunnerState) => void): () => void;
  /** Each event once and in order, after the state has taken it; not those that only a snapshot brought. */
  onEvent(listener: (event: WireEvent) => void): () => void;
  /** Rejects with OpusError: the runner's, or `protocol.unreachable` when it cannot be asked or the connection ends. */
  call<Method extends MethodName>(method: Method, params: MethodInput<Method>): Promise<MethodResult<Method>>;
  /** What happens in a job as it happens, again after each reconnect. Returns how to stop. */
  followOutput(job: string, listener: OutputFollower): () => void;
  /** Who applies the runner's writes, where it asks for that. It must not reject. */
  onVaultWrite(apply: (write: VaultWrite) => Promise<void>): void;
  /** Tries at once instead of waiting: the machine woke, or the app came to the foreground. */
  wake(): void;
  close(): void;
}

export interface OutputFollower {
  entries(entries: readonly LiveEntry[], dropped: number): void;
  /** The connection is new: what follows begins with what is still kept of the job. */
  restarted(): void;
  rests(): void;
  failed(sentence: string): void;
}

/** A WebSocket, as far as the client needs it. */
export interface ClientSocket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export interface ClientSocketEvents {
  opened(): void;
  received(text: string): void;
  /** Also when it could not be opened. */
  closed(code: number, reason: string): void;
}

export interface ClientPlatform {
  /** Throws for an address that cannot be one. */
  openSocket(url: string, events: ClientSocketEvents): ClientSocket;
  now(): number;
  random(): number;
  /** Returns how to cancel. */
  after(milliseconds: number, action: () => void): () => void;
}

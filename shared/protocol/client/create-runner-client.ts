import { OpusError, toOpusError } from '../../domain/errors.ts';
import { emptyState, type RunnerState } from '../../view-model/runner-state.ts';
import { opusErrorOf } from '../opus-error-of.ts';
import { protocolVersion } from '../version.ts';
import { helloResult, type Cursor, type Hello, type WireEvent } from '../wire.ts';
import { websocketAddress } from './addresses.ts';
import { createConnection } from './connection.ts';
import { readIncoming, type Incoming } from './incoming.ts';
import { createOutputFollowers } from './output-followers.ts';
import { createPendingCalls } from './pending-calls.ts';
import type { ClientPlatform, RunnerClient } from './runner-client.ts';
import { readSnapshot } from './snapshot.ts';
import { createSynchronizer } from './synchronizer.ts';
import { createVaultWrites } from './vault-writes.ts';

export interface RunnerClientOptions {
  /** As a person types it; see `websocketAddress`. */
  readonly address: string;
  readonly token: string;
  readonly client: {
    readonly name: string;
    readonly version: string;
    readonly kind: 'plugin' | 'dashboard' | 'cli' | 'other';
  };
  readonly platform: ClientPlatform;
  readonly appliesWrites: boolean;
  /** Of the last event that was seen in an earlier life: what happened since is told as events, if it can be. */
  readonly cursor?: Cursor | null;
}

/** Clocks that differ by less are taken for equal, so that views need not be drawn anew with each sign of life. */
const clockToleranceMs = 1_000;
/** Those of other calls count from 1. */
const helloId = 0;

/** Connects at once. `rejected` counts what was received and is not what the protocol says. */
export function createRunnerClient(options: RunnerClientOptions): RunnerClient & { readonly rejected: () => number } {
  const { platform } = options;
  let state: RunnerState = { ...emptyState, cursor: options.cursor ?? null };
  let rejected = 0;
  let isClosed = false;
  let isGreeted = false;
  let cancelTold: (() => void) | null = null;
  const changeListeners = new Set<(state: RunnerState) => void>();
  const eventListeners = new Set<(event: WireEvent) => void>();

  function surface(thrown: unknown): void {
    // Where the platform reports what nobody catches; the connection goes on.
    platform.after(0, () => {
      throw thrown;
    });
  }

  function guarded(action: () => void): void {
    try {
      action();
    } catch (thrown) {
      surface(thrown);
    }
  }

  function change(next: RunnerState): void {
    if (next === state) return;
    state = next;
    cancelTold ??= platform.after(0, () => {
      cancelTold = null;
      for (const listener of [...changeListeners]) {
        guarded(() => {
          listener(state);
        });
      }
    });
  }

  const connection = createConnection({
    address: () => websocketAddress(options.address),
    platform,
    change(connectionState) {
      change({ ...state, connection: connectionState });
    },
    onOpen: greet,
    onText(text) {
      take(readIncoming(text));
    },
    onEnd() {
      isGreeted = false;
      synchronizer.stop();
      followers.ended();
      writes.ended();
      calls.ended();
    },
    probe() {
      calls.ask('runner.status', {}).catch(() => undefined);
    },
  });
  const calls = createPendingCalls(platform, (text) => connection.send(text));
  const followers = createOutputFollowers(calls, guarded);
  const writes = createVaultWrites(surface);
  const synchronizer = createSynchronizer({
    platform,
    state: () => state,
    change,
    deliver(event) {
      for (const listener of [...eventListeners]) {
        guarded(() => {
          listener(event);
        });
      }
    },
    async fetchSnapshot() {
      const { snapshot, left } = readSnapshot(await calls.ask('board.get', {}));
      rejected += left;
      return snapshot;
    },
    onCurrent() {
      connection.current();
    },
    onFailure(thrown) {
      const { code, message } = toOpusError(thrown);
      if (code === 'protocol.invalid') connection.refuse('version', message);
      else connection.drop();
    },
  });

  function greet(): void {
    const { token, client, appliesWrites } = options;
    const params: Hello = { protocol: protocolVersion, client, token, since: state.cursor, appliesWrites };
    connection.send(JSON.stringify({ jsonrpc: '2.0', id: helloId, method: 'hello', params }));
  }

  function notGreeted(error: unknown): void {
    const { code, message } = opusErrorOf(error);
    // Any other refusal is followed by a close code that says more.
    if (code === 'protocol.unauthorized') connection.refuse('unauthorized', message);
  }

  function greeted(result: unknown): void {
    const hello = helloResult.safeParse(result);
    if (!hello.success || hello.data.protocol > protocolVersion) {
      connection.refuse('version', 'The runner answers in a way that is not understood here. Update the plugin.');
      return;
    }
    if (hello.data.protocol < protocolVersion - 1) {
      connection.refuse('version', `The runner ${hello.data.runner.version} is too old. Update the runner.`);
      return;
    }
    isGreeted = true;
    connection.greeted();
    synchronizer.greeted(hello.data);
    followers.connected();
  }

  function take(incoming: Incoming): void {
    switch (incoming.kind) {
      case 'answer':
        // What follows in the same turn counts on the greeting; a promise would be too late.
        if (incoming.id === helloId && !isGreeted) greeted(incoming.result);
        else if (!calls.answered(incoming.id, incoming.result)) rejected += 1;
        return;
      case 'failure':
        if (incoming.id === helloId && !isGreeted) notGreeted(incoming.error);
        else if (incoming.id === null || !calls.failed(incoming.id, incoming.error)) rejected += 1;
        return;
      case 'malformed':
        rejected += 1;
        return;
      case 'unknown':
        return;
      case 'event':
        if (incoming.isPartial) rejected += 1;
        if (isGreeted) synchronizer.event(incoming.params);
        return;
      case 'state':
        if (isGreeted) synchronizer.parts(incoming.params);
        return;
      case 'alive': {
        const offset = incoming.params.at - platform.now();
        if (Math.abs(offset - state.clockOffset) > clockToleranceMs) change({ ...state, clockOffset: offset });
        if (isGreeted) synchronizer.newest(incoming.params.seq);
        if (incoming.params.bytes !== undefined) connection.announced(incoming.params.bytes);
        return;
      }
      case 'output':
        followers.output(incoming.params);
        return;
      case 'vault.write':
        if (options.appliesWrites) writes.told(incoming.params);
        return;
    }
  }

  connection.start();

  return {
    state: () => state,
    rejected: () => rejected,
    onChange(listener) {
      changeListeners.add(listener);
      return () => {
        changeListeners.delete(listener);
      };
    },
    onEvent(listener) {
      eventListeners.add(listener);
      return () => {
        eventListeners.delete(listener);
      };
    },
    call(method, params) {
      if (isGreeted) return calls.call(method, params);
      return Promise.reject(
        new OpusError('protocol.unreachable', 'There is no connection to the runner, so nothing was done.', {
          hint: 'Try again when it is connected.',
        }),
      );
    },
    followOutput: (job, follower) => followers.follow(job, follower),
    onVaultWrite(apply) {
      writes.applyBy(apply);
    },
    wake() {
      if (!isClosed) connection.wake();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      changeListeners.clear();
      eventListeners.clear();
      connection.close();
      cancelTold?.();
    },
  };
}

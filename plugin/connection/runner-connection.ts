import type { MethodInput, MethodName, MethodResult } from '../../shared/protocol/methods.ts';
import type { OutputFollower, RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import type { VaultWrite, WireEvent } from '../../shared/protocol/wire.ts';
import { emptyState, type RunnerState } from '../../shared/view-model/runner-state.ts';
import { OpusError } from '../../shared/domain/errors.ts';
import type { Pairing } from './pairing-store.ts';

/** The client of whichever runner this device is paired with: what listens stays when that changes. */
export interface RunnerConnection extends RunnerClient {
  /** Null ends the connection, and nothing is shown any more. */
  use(pairing: Pairing | null): void;
}

interface Follower {
  readonly job: string;
  readonly listener: OutputFollower;
  stop: () => void;
}

export function createRunnerConnection(open: (pairing: Pairing) => RunnerClient): RunnerConnection {
  let client: RunnerClient | null = null;
  let applyWrite: ((write: VaultWrite) => Promise<void>) | null = null;
  const stateListeners = new Set<(state: RunnerState) => void>();
  const eventListeners = new Set<(event: WireEvent) => void>();
  const followers = new Set<Follower>();

  const state = (): RunnerState => client?.state() ?? emptyState;
  const changed = (): void => {
    const now = state();
    for (const listener of stateListeners) listener(now);
  };
  const close = (): void => {
    for (const follower of followers) follower.stop();
    client?.close();
    client = null;
  };
  const follow = (follower: Follower): void => {
    follower.stop = client?.followOutput(follower.job, follower.listener) ?? (() => undefined);
  };
  return {
    use(pairing) {
      close();
      if (pairing) {
        const opened = open(pairing);
        client = opened;
        opened.onChange(() => {
          if (client === opened) changed();
        });
        opened.onEvent((event) => {
          if (client !== opened) return;
          for (const listener of eventListeners) listener(event);
        });
        if (applyWrite) opened.onVaultWrite(applyWrite);
        for (const follower of followers) follow(follower);
      }
      changed();
    },
    state,
    onChange(listener) {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    onEvent(listener) {
      eventListeners.add(listener);
      return () => eventListeners.delete(listener);
    },
    call<Method extends MethodName>(method: Method, params: MethodInput<Method>): Promise<MethodResult<Method>> {
      if (client) return client.call(method, params);
      return Promise.reject(
        new OpusError('protocol.unreachable', 'This device is not paired with a runner.', {
          hint: 'Run `opus pair` on the runner’s machine and open the link it prints.',
        }),
      );
    },
    followOutput(job, listener) {
      const follower: Follower = { job, listener, stop: () => undefined };
      followers.add(follower);
      follow(follower);
      return () => {
        followers.delete(follower);
        follower.stop();
      };
    },
    onVaultWrite(apply) {
      applyWrite = apply;
      client?.onVaultWrite(apply);
    },
    wake() {
      client?.wake();
    },
    close,
  };
}

import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { MethodName } from '../../protocol/methods.ts';
import { mayCall } from '../../protocol/least-role.ts';
import { emptyState, type RunnerState } from '../../view-model/runner-state.ts';
import type { ViewHost } from '../host.ts';

export const HostContext = createContext<ViewHost | null>(null);
export const StateContext = createContext<RunnerState>(emptyState);

export function useHost(): ViewHost {
  const host = useContext(HostContext);
  if (host === null) throw new Error('A component was drawn outside of its frame.');
  return host;
}

export function useRunnerState(): RunnerState {
  return useContext(StateContext);
}

/** The client's state, drawn at most once a frame and not at all while the window is hidden. */
export function useClientState(host: ViewHost): RunnerState {
  const [state, setState] = useState(() => host.client.state());
  useEffect(() => {
    let frame: number | null = null;
    const draw = (): void => {
      frame = null;
      setState(host.client.state());
    };
    const stop = host.client.onChange(() => {
      frame ??= window.requestAnimationFrame(draw);
    });
    draw();
    return () => {
      if (frame !== null) window.cancelAnimationFrame(frame);
      stop();
    };
  }, [host]);
  return state;
}

/** Why nothing can be asked of the runner now; null when it can. */
export function unreachableReason(state: RunnerState): string | null {
  switch (state.connection.kind) {
    case 'connected':
      return null;
    case 'connecting':
      return 'The runner is being connected to.';
    case 'unpaired':
      return 'No runner is paired with this device.';
    case 'refused':
      return state.connection.sentence;
    case 'lost':
      return 'The runner cannot be reached now.';
  }
}

/** What was last heard of the role decides while the connection is lost; unknown means that all is shown as possible. */
export function permits(state: RunnerState, method: MethodName): boolean {
  return state.hello === null || mayCall(state.hello.role, method);
}

/** Milliseconds since the epoch, read again every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => {
      setNow(Date.now());
    }, everyMs);
    return () => {
      window.clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}

/** The runner's clock. It stands still while nothing is heard of the runner, as what it does is not known then. */
export function useRunnerNow(everyMs: number): number {
  const { connection, clockOffset } = useRunnerState();
  const now = useNow(everyMs);
  const heard = connection.kind === 'lost' ? (connection.lastHeardAt ?? connection.since) : now;
  return heard + clockOffset;
}

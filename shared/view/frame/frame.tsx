import type { ComponentChildren } from 'preact';
import type { ViewHost } from '../host.ts';
import { HostContext, StateContext, useClientState } from './host-context.ts';

export interface FrameOptions {
  readonly host: ViewHost;
  /** Names the view in a class, `opus-NAME`. */
  readonly name: string;
  readonly children: ComponentChildren;
}

/** What every view stands in: it hands down the host and the runner's state. */
export function Frame({ host, name, children }: FrameOptions) {
  const state = useClientState(host);
  return (
    <HostContext.Provider value={host}>
      <StateContext.Provider value={state}>
        <div class={`opus-view opus-${name}${host.isMobile ? ' opus-touch' : ''}`}>{children}</div>
      </StateContext.Provider>
    </HostContext.Provider>
  );
}

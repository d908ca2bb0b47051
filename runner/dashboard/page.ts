import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import { createDialogs, type Dialogs } from './dialogs.tsx';
import { followAddress, type Route } from './routes.ts';
import { loadSession, sessionKey, type Session } from './session.ts';
import { createStore, type Store } from './store.ts';
import { createTheme, type Theme } from './theme.ts';
import { createToasts, type Toasts } from './toasts.tsx';

/** What outlives every view. */
export interface Page {
  readonly address: string;
  readonly version: string;
  readonly session: Store<Session | null>;
  readonly route: Store<Route>;
  readonly theme: Store<Theme>;
  readonly dialogs: Dialogs;
  readonly toasts: Toasts;
  readonly connect: (session: Session) => RunnerClient;
}

export function createPage(options: Pick<Page, 'address' | 'version' | 'connect'>): Page {
  const session = createStore(loadSession());
  // Signing in and out counts for every tab.
  window.addEventListener('storage', ({ key }) => {
    if (key === sessionKey || key === null) session.set(loadSession());
  });
  return {
    ...options,
    session,
    route: followAddress(),
    theme: createTheme(),
    dialogs: createDialogs(),
    toasts: createToasts(),
  };
}

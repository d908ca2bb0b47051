import type { ViewName } from '../../shared/view/host.ts';
import { createStore, type Store } from './store.ts';

export type Route =
  | { readonly page: 'overview' | 'board' | 'trust' | 'spending' | 'devices' }
  | { readonly page: 'output' | 'review'; readonly job: string }
  /** What a pairing link opens. */
  | { readonly page: 'pair'; readonly code: string };

const plainPages = ['board', 'trust', 'spending', 'devices'] as const;

export function routeOf(hash: string): Route {
  const code = /^#pair=(.*)$/.exec(hash)?.[1];
  if (code !== undefined) return { page: 'pair', code: decoded(code) };
  const [page, job] = hash.replace(/^#\/?/, '').split('/', 2);
  const plain = plainPages.find((name) => name === page);
  if (plain) return { page: plain };
  if ((page === 'output' || page === 'review') && job) return { page, job: decoded(job) };
  return { page: 'overview' };
}

export function hashOf(view: ViewName | (typeof plainPages)[number], job?: string): string {
  if (view === 'sidebar') return '#/';
  return job === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(job)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Follows the address, so that back and forward work. A code is taken out of the address, and of the history, at once. */
export function followAddress(): Store<Route> {
  const store = createStore<Route>({ page: 'overview' });
  const read = (): void => {
    const route = routeOf(location.hash);
    if (route.page === 'pair') history.replaceState(null, '', location.pathname);
    store.set(route);
  };
  window.addEventListener('hashchange', read);
  read();
  return store;
}

import type { LineComment } from '../../protocol/method-params.ts';
import type { ViewHost } from '../host.ts';

const drafts = new WeakMap<ViewHost['client'], Map<string, readonly LineComment[]>>();

/** Comments that were not sent outlive the pane they were written in, for as long as the connection's client does. */
export function draftsOf(client: ViewHost['client']): Map<string, readonly LineComment[]> {
  const known = drafts.get(client) ?? new Map<string, readonly LineComment[]>();
  drafts.set(client, known);
  return known;
}

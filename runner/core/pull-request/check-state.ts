import type { ObservedCheck } from '../ports/pull-requests.ts';
import type { RegistryEvent } from '../ports/job-registry.ts';

/** How it stands with the forge's checks of a commit; told whenever it has changed. */
export const checkedEvent = 'pr.checked';

export interface CheckState {
  readonly state: 'pending' | 'passing' | 'failing';
  /** Names of those that failed. */
  readonly failed: readonly string[];
}

/** Null where the forge checks nothing, or shows nothing of it yet. */
export function checkStateOf(checks: readonly Pick<ObservedCheck, 'name' | 'state'>[]): CheckState | null {
  if (checks.length === 0) return null;
  const failed = checks.filter(({ state }) => state === 'failed').map(({ name }) => name);
  if (failed.length > 0) return { state: 'failing', failed };
  return { state: checks.some(({ state }) => state === 'pending') ? 'pending' : 'passing', failed };
}

/** What was told last of this commit; null where nothing was. */
export function toldCheckState(events: readonly RegistryEvent[], commit: string | null): CheckState | null {
  const told = events.findLast(({ type, data }) => type === checkedEvent && data['commit'] === commit)?.data;
  const state = (['pending', 'passing', 'failing'] as const).find((known) => known === told?.['state']);
  if (state === undefined) return null;
  const failed = told?.['failed'];
  return { state, failed: Array.isArray(failed) ? failed.filter((name) => typeof name === 'string') : [] };
}

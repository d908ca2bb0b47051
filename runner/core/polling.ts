export interface PollingState {
  /** The interval before this look; null before the first. */
  readonly previous: number | null;
  /** Whether this look found something to do. */
  readonly foundWork: boolean;
  /** Whether changes are told as well; then looking only finds what was missed. */
  readonly watching: boolean;
  /** Milliseconds between looks while there is work. */
  readonly active: number;
  /** Milliseconds between looks when there has been none for long. */
  readonly idle: number;
}

/**
 * Milliseconds until the next look. Work brings it back to `active`; each look that finds none doubles it, up to `idle`.
 * While changes are told, a look that finds nothing is followed by a pause of `idle` at once.
 */
export function nextInterval({ previous, foundWork, watching, active, idle }: PollingState): number {
  if (foundWork) return active;
  const longest = Math.max(active, idle);
  if (watching) return longest;
  return previous === null ? active : Math.min(longest, Math.max(active, previous * 2));
}

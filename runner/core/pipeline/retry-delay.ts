export interface RetryPolicy {
  /** Milliseconds. */
  readonly base: number;
  readonly factor: number;
  /** Milliseconds. */
  readonly max: number;
}

/** Milliseconds before the next try after `failures` in a row: exponential, with up to a quarter taken off by `random` (0 to 1). */
export function retryDelay(failures: number, policy: RetryPolicy, random: number): number {
  if (failures <= 0) return 0;
  const full = Math.min(policy.max, policy.base * policy.factor ** (failures - 1));
  return Math.round(full * (1 - random / 4));
}

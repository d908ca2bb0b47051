/** So many at once, and so many more each second. */
export interface Allowance {
  /** False when none is left. */
  take(): boolean;
}

export function createAllowance(
  { burst, perSecond }: { readonly burst: number; readonly perSecond: number },
  now: () => number,
): Allowance {
  let left = burst;
  let at = now();
  return {
    take() {
      const regained = ((now() - at) / 1_000) * perSecond;
      at = now();
      left = Math.min(burst, left + regained);
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}

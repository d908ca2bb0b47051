import type { TamperFinding } from '../tamper/find-tampering.ts';

/** The result of the deliver stage. */
export interface Delivered {
  readonly number: number;
  readonly tampering: readonly TamperFinding[];
  /** Added and removed together. */
  readonly lines: number;
}

/** Of an attempt's result; null where it says nothing of it, as before this was looked for. */
export function deliveredOf(result: unknown): Delivered | null {
  const found = result as Partial<Delivered> | null;
  return Array.isArray(found?.tampering) && typeof found.lines === 'number' && typeof found.number === 'number'
    ? (found as Delivered)
    : null;
}

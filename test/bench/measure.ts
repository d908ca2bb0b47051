/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly unit: 'ms' | 'kB';
  readonly measured: number;
  readonly reference: { readonly name: string; readonly value: number } | null;
  /** Of the ratio to the reference, or of the measured value itself; null where nothing was promised. */
  readonly limit: { readonly of: 'ratio' | 'value'; readonly at: number } | null;
  readonly note?: string;
}

export function ratioOf(row: Row): number | null {
  return row.reference === null ? null : row.measured / row.reference.value;
}

export function isHeld(row: Row): boolean {
  if (row.limit === null) return true;
  const value = row.limit.of === 'value' ? row.measured : ratioOf(row);
  return value !== null && value <= row.limit.at;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)] ?? NaN;
  return sorted.length % 2 === 0 ? (high + (sorted[middle - 1] ?? NaN)) / 2 : high;
}

export async function timed(action: () => unknown): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

/** A B A B …, so that what else the machine does meets both alike; medians. What `prepare` takes is not counted. */
export async function alternately(
  rounds: number,
  one: (round: number) => unknown,
  other: (round: number) => unknown,
  prepare: (round: number) => unknown = () => undefined,
): Promise<{ readonly one: number; readonly other: number }> {
  const ones: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await prepare(round);
    ones.push(await timed(() => one(round)));
    others.push(await timed(() => other(round)));
  }
  return { one: median(ones), other: median(others) };
}

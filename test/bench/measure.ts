/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly unit: 'ms' | 'kB' | 'MB' | '%' | 'notes';
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

/** A row without a reference; `at` is its limit. */
export function plainRow(what: string, unit: Row['unit'], measured: number, at: number | null, note?: string): Row {
  const limit = at === null ? null : ({ of: 'value', at } as const);
  return { what, unit, measured, reference: null, limit, ...(note === undefined ? {} : { note }) };
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

/** The value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** A straight line by least squares: what is added to y with each x, and the standard error of that. */
export function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): {
  readonly slope: number;
  readonly error: number;
} {
  const count = points.length;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, count - 2) / spread) };
}

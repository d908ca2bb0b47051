import { Counter, type Registry } from 'prom-client';

/** Rows of a counter: label values and how much. */
export type KeptCounts = readonly (readonly [labels: readonly string[], value: number])[];

export interface KeptCounter {
  add(labels: readonly string[], value: number): void;
  rows(): KeptCounts;
}

/** A counter that goes on from rows kept before a restart. With no row at all it shows `atLeast`, as zeros. */
export function createKeptCounter(
  registry: Registry,
  options: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
    readonly kept: KeptCounts;
    readonly atLeast?: readonly (readonly string[])[];
  },
): KeptCounter {
  const { name, help, labelNames } = options;
  const counter = new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const rows = new Map<string, { labels: readonly string[]; value: number }>();

  function add(labels: readonly string[], value: number): void {
    if (!Number.isFinite(value) || value < 0) return;
    const key = JSON.stringify(labels);
    rows.set(key, { labels, value: (rows.get(key)?.value ?? 0) + value });
    counter.labels(...labels).inc(value);
  }

  for (const labels of options.atLeast ?? []) counter.labels(...labels).inc(0);
  for (const [labels, value] of options.kept) if (labels.length === labelNames.length) add(labels, value);
  return { add, rows: () => [...rows.values()].map(({ labels, value }) => [labels, value]) };
}

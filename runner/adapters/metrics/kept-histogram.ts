import type { Metric, Registry } from 'prom-client';

/** Rows of a histogram: label values, observations by bucket (the last one is everything above), and their sum. */
export type KeptRows = readonly (readonly [labels: readonly string[], buckets: readonly number[], sum: number])[];

export interface KeptHistogram {
  observe(labels: readonly string[], value: number): void;
  rows(): KeptRows;
}

/** A histogram that goes on from rows kept before a restart, which prom-client's own cannot. */
export function createKeptHistogram(
  registry: Registry,
  options: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: readonly string[];
    readonly buckets: readonly number[];
    readonly kept: KeptRows;
  },
): KeptHistogram {
  const { name, help, labelNames, buckets } = options;
  const rows = new Map<string, { labels: readonly string[]; counts: number[]; sum: number }>();
  for (const [labels, counts, sum] of options.kept) {
    // Other buckets than now: of another version.
    if (counts.length !== buckets.length + 1 || labels.length !== labelNames.length) continue;
    rows.set(JSON.stringify(labels), { labels, counts: [...counts], sum });
  }

  function values(): { labels: Record<string, string | number>; metricName: string; value: number }[] {
    return [...rows.values()].flatMap(({ labels, counts, sum }) => {
      const named = Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? '']));
      let below = 0;
      const cumulative = counts.map((count, at) => ({
        labels: { ...named, le: buckets[at] ?? '+Inf' },
        metricName: `${name}_bucket`,
        value: (below += count),
      }));
      return [
        ...cumulative,
        { labels: named, metricName: `${name}_sum`, value: sum },
        { labels: named, metricName: `${name}_count`, value: below },
      ];
    });
  }

  // What a registry asks of a metric; the classes of prom-client add ways to fill it.
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: () => Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values: values() }),
  };
  registry.registerMetric(metric as unknown as Metric);

  return {
    observe(labels, value) {
      const key = JSON.stringify(labels);
      const row = rows.get(key) ?? { labels, counts: Array<number>(buckets.length + 1).fill(0), sum: 0 };
      const at = buckets.findIndex((bound) => value <= bound);
      const bucket = at === -1 ? buckets.length : at;
      row.counts[bucket] = (row.counts[bucket] ?? 0) + 1;
      row.sum += value;
      rows.set(key, row);
    },
    rows: () => [...rows.values()].map(({ labels, counts, sum }) => [labels, counts, sum]),
  };
}

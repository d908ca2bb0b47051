import type { UsageTotal } from '../ports/job-registry.ts';

/** `0.42 USD`, `0.42 USD and 1.2M tokens without a known price`, `1.2M tokens`; empty when nothing was used. */
export function costText(totals: readonly UsageTotal[]): string {
  const tokens = totals.reduce((sum, { usage }) => sum + usage.input + usage.output, 0);
  if (tokens === 0) return '';
  const dollars = totals.reduce((sum, { cost }) => sum + cost, 0);
  const unpriced = totals.reduce((sum, total) => sum + total.unpriced, 0);
  if (unpriced === 0) return dollarText(dollars);
  if (unpriced >= tokens) return `${shortCount(tokens)} tokens`;
  return `${dollarText(dollars)} and ${shortCount(unpriced)} tokens without a known price`;
}

export function dollarText(dollars: number): string {
  return `${dollars < 0.01 && dollars > 0 ? '<0.01' : dollars.toFixed(2)} USD`;
}

export function shortCount(count: number): string {
  if (count < 1_000) return String(count);
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

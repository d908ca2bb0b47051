import type { Attempt, RecordedDecision, Retry } from '../ports/job-registry.ts';
import type { RecordedHappening } from '../pull-request/happening.ts';

/** Everything that has happened to a job, in the order in which it happened. */
export type HistoryEntry =
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  | { readonly kind: 'decision'; readonly decision: RecordedDecision }
  | { readonly kind: 'retry'; readonly retry: Retry }
  | { readonly kind: 'happening'; readonly recorded: RecordedHappening };

/**
 * Attempts come in the order in which they were begun; a decision, retry or happening of generation n comes after every
 * attempt of generation n or lower and before those of generation n + 1. No clock is asked.
 */
export function orderHistory(
  attempts: readonly Attempt[],
  decisions: readonly RecordedDecision[],
  retries: readonly Retry[],
  happenings: readonly RecordedHappening[] = [],
): HistoryEntry[] {
  const interventions: HistoryEntry[] = [
    ...decisions.map((decision): HistoryEntry => ({ kind: 'decision', decision })),
    ...retries.map((retry): HistoryEntry => ({ kind: 'retry', retry })),
    ...happenings.map((recorded): HistoryEntry => ({ kind: 'happening', recorded })),
  ].sort((left, right) => generationOf(left) - generationOf(right));
  const entries: HistoryEntry[] = [];
  let index = 0;
  for (const attempt of attempts) {
    for (; index < attempt.generation; index++) {
      const intervention = interventions[index];
      if (intervention) entries.push(intervention);
    }
    entries.push({ kind: 'attempt', attempt });
  }
  entries.push(...interventions.slice(index));
  return entries;
}

function generationOf(entry: HistoryEntry): number {
  switch (entry.kind) {
    case 'attempt':
      return entry.attempt.generation;
    case 'decision':
      return entry.decision.generation;
    case 'retry':
      return entry.retry.generation;
    case 'happening':
      return entry.recorded.generation;
  }
}

import * as z from 'zod/mini';

const labels = z.readonly(z.array(z.string()));
const counts = z.readonly(z.array(z.readonly(z.tuple([labels, z.number()]))));
const rows = z.readonly(z.array(z.readonly(z.tuple([labels, z.readonly(z.array(z.number())), z.number()]))));

/** What was counted up to an event and an attempt, so that each counts once, whatever was restarted or forgotten since. */
const keptTotals = z.object({
  throughEvent: z.int(),
  throughAttempt: z.int(),
  /** Attempts up to there that had not ended. */
  openAttempts: z.readonly(z.array(z.int())),
  throughUsage: z.int(),
  /** Responses up to there that had not ended. */
  openUsage: z.readonly(z.array(z.int())),
  counters: z.record(z.string(), counts),
  histograms: z.record(z.string(), rows),
});
export type KeptTotals = z.infer<typeof keptTotals>;

const nothingCounted: KeptTotals = {
  throughEvent: 0,
  throughAttempt: 0,
  openAttempts: [],
  throughUsage: 0,
  openUsage: [],
  counters: {},
  histograms: {},
};

/** What another version kept in another shape is counted anew from what the registry still has. */
export function readKeptTotals(value: unknown): KeptTotals {
  const totals = keptTotals.safeParse(value);
  return totals.success ? totals.data : nothingCounted;
}

import * as z from 'zod/mini';

const range = z.nullable(z.object({ low: z.number(), high: z.number() }));
const most = z.nullable(z.number());

/** What a job will probably take, by those before it; nothing is promised but the budget. */
export const expectedCost = z.object({
  /** US dollars; null where too few jobs with known prices are known, or a subscription pays. */
  dollars: range,
  tokens: range,
  /** How many finished jobs that is taken from. */
  jobs: z.int(),
  /** At which the job is stopped and a person is asked; null where nothing is named. */
  budget: z.object({ dollars: most, tokens: most }),
  /** What all jobs together may still take today. */
  leftToday: z.object({ dollars: most, tokens: most }),
});
export type ExpectedCost = z.infer<typeof expectedCost>;

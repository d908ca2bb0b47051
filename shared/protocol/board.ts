import * as z from 'zod/mini';
import { noteProblemCodes, noteStatuses, priorities } from '../domain/feature-request.ts';
import { jobDocument } from '../domain/job.ts';
import { stages } from '../domain/stage.ts';

/** A job with what a board shows beside its document, and without what its commands printed. Times are milliseconds since the epoch. */
export const boardJob = z.extend(jobDocument, {
  title: z.string(),
  priority: z.enum(priorities),
  repository: z.string(),
  /** Both relative to the vault. */
  notePath: z.string(),
  reportPath: z.string(),
  /** The agent of its stage, or of the next one. */
  agent: z.nullable(z.string()),
  createdAt: z.number(),
  updatedAt: z.number(),
  /** At work now. */
  stage: z.nullable(z.object({ name: z.enum(stages), round: z.int(), startedAt: z.number() })),
  pausedBy: z.nullable(z.enum(['person', 'preemption', 'checkout'])),
  holdUntil: z.nullable(z.number()),
  /** Why it waits or what it failed of, one sentence; empty while it works. */
  sentence: z.string(),
  /** What an agent asked, while that waits for an answer. */
  question: z.nullable(z.string()),
  /** All of the hash that a decision is bound to. */
  gateHash: z.nullable(z.string()),
  review: z.nullable(
    z.object({ verdict: z.enum(['pass', 'fail']), confidence: z.number(), summary: z.string(), issues: z.int() }),
  ),
  /** The last test stage's; null before there was one, and where the repository names no test. */
  tests: z.nullable(z.object({ passed: z.boolean(), commands: z.int(), commit: z.string() })),
  size: z.nullable(z.object({ files: z.int(), added: z.int(), removed: z.int() })),
  /** Of the forge; null on a local one and before anything is known. */
  checks: z.nullable(z.object({ state: z.enum(['pending', 'passing', 'failing']), failed: z.array(z.string()) })),
  /** US dollars; null where prices are not known. */
  dollars: z.nullable(z.number()),
});
export type BoardJob = z.infer<typeof boardJob>;

export const featureRequestDocument = z.object({
  id: z.string(),
  title: z.string(),
  status: z.nullable(z.enum(noteStatuses)),
  priority: z.enum(priorities),
  path: z.string(),
  dependsOn: z.array(z.string()),
  problems: z.array(z.object({ code: z.enum(noteProblemCodes), message: z.string(), line: z.int() })),
});
export type BoardFeatureRequest = z.infer<typeof featureRequestDocument>;

/** What was spent since the day began on the runner's machine. */
export const spending = z.object({
  /** US dollars; null where a price is not known. */
  dollars: z.nullable(z.number()),
  tokens: z.number(),
  /** At which everything is held until tomorrow; null where there is none. */
  budget: z.nullable(z.object({ dollars: z.nullable(z.number()), tokens: z.nullable(z.number()) })),
});
export type Spending = z.infer<typeof spending>;

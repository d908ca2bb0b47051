import * as z from 'zod/mini';
import { evidence } from '../domain/evidence.ts';
import { reviewIssue } from '../domain/stage.ts';

const diffLine = z.object({
  kind: z.enum(['context', 'added', 'removed']),
  text: z.string(),
  /** Counted from 1; null on the side where the line is not. */
  before: z.nullable(z.int()),
  after: z.nullable(z.int()),
});

const diffFile = z.object({
  path: z.string(),
  /** Where it was before, if it was moved. */
  from: z.nullable(z.string()),
  change: z.enum(['added', 'changed', 'deleted', 'renamed', 'binary']),
  added: z.int(),
  removed: z.int(),
  hunks: z.array(z.object({ header: z.string(), lines: z.array(diffLine) })),
  /** Why not all of it is here; null when it is. */
  cut: z.nullable(z.string()),
});
export type DiffFileDocument = z.infer<typeof diffFile>;

export const diffDocument = z.object({
  job: z.string(),
  base: z.nullable(z.string()),
  head: z.nullable(z.string()),
  /** The gate that a decision about exactly this is bound to; null while none is asked for. */
  gate: z.nullable(z.string()),
  files: z.array(diffFile),
  /** True when whole files are missing. */
  cut: z.boolean(),
  /** Of the last review. */
  issues: z.array(reviewIssue),
  review: z.nullable(
    z.object({ verdict: z.enum(['pass', 'fail']), confidence: z.number(), summary: z.string(), round: z.int() }),
  ),
  tamper: z.array(z.object({ kind: z.string(), file: z.string(), line: z.nullable(z.int()), message: z.string() })),
  evidence: z.array(evidence),
});
export type DiffDocument = z.infer<typeof diffDocument>;

export const codeNote = z.object({
  path: z.string(),
  kind: z.enum(['agent', 'policy', 'review-rule', 'memory']),
  state: z.enum(['new', 'changed', 'gone']),
  /** In force; null when none was confirmed. */
  before: z.nullable(z.string()),
  /** In the vault; null when the note is gone. */
  after: z.nullable(z.string()),
  /** SHA-256 of `after`; null when the note is gone. */
  hash: z.nullable(z.string()),
  problems: z.array(z.object({ line: z.int(), message: z.string(), hint: z.string() })),
});
export type ChangedCodeNote = z.infer<typeof codeNote>;

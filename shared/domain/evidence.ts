import * as z from 'zod/mini';

/** A command that the runner ran itself. `exitCode` is null when a signal or a limit ended it. */
export const evidence = z.object({
  argv: z.array(z.string()),
  exitCode: z.nullable(z.int()),
  commit: z.string(),
  durationMs: z.number(),
  tail: z.string(),
});
export type Evidence = z.infer<typeof evidence>;

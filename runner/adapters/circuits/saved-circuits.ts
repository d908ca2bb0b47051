import * as z from 'zod/mini';

const saved = z.array(
  z.object({
    kind: z.enum(['agent', 'forge']),
    name: z.string(),
    failures: z.int().check(z.gte(0)),
    /** When an open one has rested, in milliseconds since the epoch; null when it was closed. */
    until: z.nullable(z.number()),
  }),
);

export type SavedCircuits = z.output<typeof saved>;

/** What is no saved state, whole and sound, counts as none. */
export function readSavedCircuits(value: unknown): SavedCircuits {
  const read = saved.safeParse(value);
  return read.success ? read.data : [];
}

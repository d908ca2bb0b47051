import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { OpusError } from '#shared/domain/errors.ts';
import { hasCode, writeAtomically } from '../atomic-write.ts';

const note = z.object({
  hash: z.string(),
  /** The size of a note of which only the beginning was brought. */
  bytes: z.optional(z.int()),
});
export type BroughtNote = z.infer<typeof note>;

const state = z.object({
  /** Whether a vault was ever brought. */
  isBrought: z.boolean(),
  /** The device that speaks for the vault. */
  voice: z.nullable(z.string()),
  /** By path. */
  notes: z.record(z.string(), note),
  /** Hashes that notes had before, the newest last, by path. */
  past: z.record(z.string(), z.array(z.string())),
  /** Notes of the runner outside the folders that are brought, as they were written. */
  own: z.record(z.string(), z.object({ hash: z.string(), at: z.number() })),
});
export type BroughtState = z.infer<typeof state>;

const nothing: BroughtState = { isBrought: false, voice: null, notes: {}, past: {}, own: {} };

export const contentsFolder = (folder: string): string => join(folder, 'contents');

/** What was last written: one file, put in place in one step, is the whole state. */
export function readBroughtState(folder: string): BroughtState {
  const file = join(folder, 'state.json');
  try {
    return z.parse(state, JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (hasCode(error, ['ENOENT'])) return nothing;
    throw new OpusError('vault.not-found', `${file} cannot be read.`, {
      hint: 'Remove it: the plugin brings the vault anew when it connects.',
      cause: error,
    });
  }
}

export async function writeBroughtState(folder: string, next: BroughtState): Promise<void> {
  await writeAtomically(join(folder, 'state.json'), Buffer.from(JSON.stringify(next)), { mode: 0o600 });
}

import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceAtomically, writeAtomically } from './atomic-write.ts';

export interface LateEdit {
  readonly target: string;
  readonly mode: number;
  /** What was replaced, as it was looked at. */
  readonly before: Buffer;
  /** What it was replaced by. */
  readonly ours: Buffer;
  /** What somebody wrote into the old file while it was replaced. */
  readonly late: Buffer;
}

const tries = 8;

/**
 * Gives a person's edit back that went into a file which was being replaced: as it is while the new file holds nothing but
 * the runner's own, at the end of the new one where it was added at the end of the old, else as a copy beside it, so that
 * nothing is lost.
 */
export async function bringBack(edit: LateEdit): Promise<void> {
  const { target, mode } = edit;
  let { before, late } = edit;
  let current = edit.ours;
  let placed = edit.ours;
  let next: Buffer | null = late;
  for (let attempt = 0; next !== null && attempt < tries; attempt += 1) {
    const replaced = await replaceAtomically(target, next, current, mode);
    if (replaced.kind === 'replaced') return;
    if (replaced.kind === 'overtaken') {
      // That edit is back; the one to bring back now went into the file that it replaced.
      [before, late, current] = [current, replaced.late, next];
      placed = next;
    } else {
      current = await readFile(target);
    }
    next = withAddition({ current, placed, before, late });
  }
  await writeAtomically(copyName(target), late, { mode, exclusive: true });
}

/** Null where the edit is more than an addition at the end; what others have added since to what was placed comes after it. */
function withAddition(edit: Record<'current' | 'placed' | 'before' | 'late', Buffer>): Buffer | null {
  const { current, placed, before, late } = edit;
  if (!late.subarray(0, before.length).equals(before)) return null;
  const added = late.subarray(before.length);
  const isGrown = current.subarray(0, placed.length).equals(placed);
  return isGrown ? Buffer.concat([placed, added, current.subarray(placed.length)]) : Buffer.concat([current, added]);
}

/** Named as sync tools name such copies, so that it is found where those are looked for. */
function copyName(target: string): string {
  const stamp = new Date().toISOString().replaceAll(':', '-').slice(0, 19);
  return join(dirname(target), `${basename(target, '.md')} (conflict ${stamp}).md`);
}

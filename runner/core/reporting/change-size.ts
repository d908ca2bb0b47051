import type { Attempt } from '../ports/job-registry.ts';
import type { DiffStat } from '../ports/worktrees.ts';

/** Of all that a job changes. Stages keep it with their results, so that nobody has to ask git for it. */
export interface ChangeSize {
  readonly files: number;
  readonly added: number;
  readonly removed: number;
}

export function changeSizeOf({ files, added, removed }: DiffStat): ChangeSize {
  return { files: files.length, added, removed };
}

/** As the last stage found it; null before there was one. */
export function changeSizeIn(attempts: readonly Attempt[]): ChangeSize | null {
  for (const { result } of attempts.toReversed()) {
    const size = (result as { readonly size?: Partial<ChangeSize> } | null)?.size;
    if (typeof size?.files !== 'number' || typeof size.added !== 'number' || typeof size.removed !== 'number') continue;
    return { files: size.files, added: size.added, removed: size.removed };
  }
  return null;
}

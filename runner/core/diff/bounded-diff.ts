import type { DiffFileDocument } from '#shared/protocol/review-documents.ts';
import type { DiffStat } from '../ports/worktrees.ts';
import type { ParsedDiff } from './parse-diff.ts';

const leftOut = 'This file is left out, since the whole change is too long to be shown.';
const cutOff = 'Not all of this file is shown, since the whole change is too long.';

export interface BoundedDiff {
  readonly files: DiffFileDocument[];
  /** Whole files have no line of them here. */
  readonly cut: boolean;
}

/**
 * At most so many lines of a diff; what is left out is named with its file. `stat` is of the whole change, for a diff that was
 * cut before it was read.
 */
export function boundedDiff({ files, isCut }: ParsedDiff, stat: DiffStat | null, mostLines: number): BoundedDiff {
  let left = mostLines;
  const shown = files.map((file): DiffFileDocument => {
    const hunks = file.hunks.map((hunk) => {
      const lines = hunk.lines.slice(0, left);
      left -= lines.length;
      return { header: hunk.header, lines };
    });
    const isWhole = hunks.every(({ lines }, at) => lines.length === file.hunks[at]?.lines.length);
    if (isWhole) return { ...file, hunks };
    const kept = hunks.filter(({ lines }) => lines.length > 0);
    return { ...file, hunks: kept, cut: kept.length === 0 ? leftOut : cutOff };
  });
  if (isCut && stat !== null) {
    const last = shown.at(-1);
    const whole = stat.files.find(({ path }) => path === last?.path);
    if (last !== undefined && last.cut === null && (whole?.added !== last.added || whole.removed !== last.removed)) {
      shown[shown.length - 1] = { ...last, cut: cutOff };
    }
    const known = new Set(shown.map(({ path }) => path));
    for (const { path, added, removed } of stat.files) {
      if (known.has(path)) continue;
      const change = added === null ? 'binary' : 'changed';
      shown.push({ path, from: null, change, added: added ?? 0, removed: removed ?? 0, hunks: [], cut: leftOut });
    }
  }
  return { files: shown, cut: shown.some(({ cut }) => cut === leftOut) };
}

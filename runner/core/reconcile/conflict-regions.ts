export const keeps = ['ours', 'theirs', 'both'] as const;
/** Of two versions: the one above the line of equals signs, the one below it, or one after the other. */
export type Keep = (typeof keeps)[number];

/** What stands between one pair of conflict markers. */
export interface ConflictRegion {
  /** The line of the first marker, counted from 1. */
  readonly line: number;
  /** Characters of the note, markers and the last one's line end included. */
  readonly start: number;
  readonly end: number;
  readonly ours: string;
  readonly theirs: string;
}

export interface ConflictMarkers {
  readonly regions: readonly ConflictRegion[];
  /** Markers that do not come in the order that a merge writes; null when all do. */
  readonly brokenLine: number | null;
}

/** Every conflict in a note; what is shown in a code fence is none. */
export function conflictMarkers(text: string): ConflictMarkers {
  const regions: ConflictRegion[] = [];
  let brokenLine: number | null = null;
  let fence: string | null = null;
  let open: OpenRegion | null = null;
  let number = 0;
  let at = 0;
  for (const line of text.split(/(?<=\n)/)) {
    number += 1;
    const start = at;
    at += line.length;
    const marker = /^(<{7}|\|{7}|={7}|>{7})(?:[ \r\n]|$)/.exec(line)?.[1]?.[0] ?? null;
    if (open) {
      if (marker === '>' && open.part === 'theirs') {
        regions.push({ line: open.line, start: open.start, end: at, ours: open.ours, theirs: open.theirs });
        open = null;
      } else if (!takeLine(open, line, marker)) {
        brokenLine ??= open.line;
        open = null;
      }
      continue;
    }
    const ticks = /^ {0,3}(`{3,}|~{3,})(.*)$/s.exec(line);
    if (fence !== null) {
      if (ticks?.[1]?.startsWith(fence) && ticks[2]?.trim() === '') fence = null;
    } else if (ticks?.[1] !== undefined && !(ticks[1].startsWith('`') && ticks[2]?.includes('`'))) {
      fence = ticks[1];
    } else if (marker === '<') {
      open = { line: number, start, part: 'ours', ours: '', theirs: '' };
    } else if (marker === '>') {
      brokenLine ??= number;
    }
  }
  return { regions, brokenLine: open ? (brokenLine ?? open.line) : brokenLine };
}

interface OpenRegion {
  readonly line: number;
  readonly start: number;
  part: 'ours' | 'base' | 'theirs';
  ours: string;
  theirs: string;
}

/** False for a marker where none can be. A second line of equals signs may be a heading's, so that nobody can tell. */
function takeLine(open: OpenRegion, line: string, marker: string | null): boolean {
  if (marker === '|' && open.part === 'ours') open.part = 'base';
  else if (marker === '=' && open.part !== 'theirs') open.part = 'theirs';
  else if (marker !== null) return false;
  else if (open.part === 'ours') open.ours += line;
  else if (open.part === 'theirs') open.theirs += line;
  return true;
}

/** The text with each of its conflicts settled in one way; everything outside them stays. */
export function settleRegions(text: string, regions: readonly ConflictRegion[], keep: Keep): string {
  return regions
    .toSorted((left, right) => right.start - left.start)
    .reduce((settled, { start, end, ours, theirs }) => {
      const kept = keep === 'ours' ? ours : keep === 'theirs' ? theirs : ours + theirs;
      return settled.slice(0, start) + kept + settled.slice(end);
    }, text);
}

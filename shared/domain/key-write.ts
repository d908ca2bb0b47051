import { textOf } from '../frontmatter/entry.ts';
import { readFrontmatter } from '../frontmatter/read.ts';
import { spliceFrontmatter } from '../frontmatter/splice.ts';
import type { NoteProblem, NoteStatus } from './feature-request.ts';
import { keyName, runnerKeys, userKeys, type NoteKeyNames } from './note-keys.ts';
import { statusFrom } from './note-words.ts';
import { conflictMarkerLine } from './sync-damage.ts';

export interface KeyChanges {
  readonly keys: readonly (readonly [string, string])[];
  /** Moves the status only where it is one of `expect` now. */
  readonly status: { readonly expect: readonly NoteStatus[]; readonly to: NoteStatus } | null;
}

export type PlannedKeyWrite =
  /** `text` is the identical string when nothing is to be written; `clash` is the status found in place of the expected. */
  | { readonly kind: 'planned'; readonly text: string; readonly clash: string | null }
  | { readonly kind: 'refused'; readonly problem: NoteProblem };

/** A note's text with the runner's keys set and its status moved by compare-and-set; whoever writes the file uses this. */
export function planKeyWrite(text: string, changes: KeyChanges, names: NoteKeyNames = {}): PlannedKeyWrite {
  const marker = conflictMarkerLine(text);
  if (marker !== null) {
    const message = 'The note contains a merge conflict that nobody has settled.';
    const hint = 'Keep one of the two versions; the runner writes again after that.';
    return {
      kind: 'refused',
      problem: { code: 'note.conflict-marker', message, hint, line: marker, severity: 'error' },
    };
  }
  const statusName = keyName(names, 'status');
  const keys = changes.keys.map(([key, value]) => [vaultName(names, key), value] as const);
  let clash: string | null = null;
  if (changes.status) {
    const entry = readFrontmatter(text).entries.get(statusName);
    const found = textOf(entry) ?? JSON.stringify(entry?.value);
    const status = statusFrom(found);
    if (status !== changes.status.to) {
      if (status !== null && changes.status.expect.includes(status)) keys.push([statusName, changes.status.to]);
      else clash = found;
    }
  }
  const outcome = spliceFrontmatter(text, keys, { contested: [statusName, keyName(names, 'decision')] });
  return outcome.kind === 'spliced' ? { kind: 'planned', text: outcome.text, clash } : outcome;
}

function vaultName(names: NoteKeyNames, key: string): string {
  const known = [...userKeys, ...runnerKeys].find((candidate) => candidate === key);
  return known === undefined ? key : keyName(names, known);
}

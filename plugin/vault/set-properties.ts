import type { App } from 'obsidian';
import type { NoteStatus, Priority } from '../../shared/domain/feature-request.ts';
import { statusFrom } from '../../shared/domain/note-words.ts';
import { conflictMarkerLine } from '../../shared/domain/sync-damage.ts';
import { textOf } from '../../shared/frontmatter/entry.ts';
import { readFrontmatter } from '../../shared/frontmatter/read.ts';
import { spliceFrontmatter } from '../../shared/frontmatter/splice.ts';
import type { BoardFeatureRequest } from '../../shared/protocol/board.ts';

export interface PropertyChange {
  readonly status?: NoteStatus;
  readonly priority?: Priority;
}

/** Why the note was left alone, as a sentence; null when it says what is wanted. */
export async function setNoteProperties(
  app: Pick<App, 'vault'>,
  shown: Pick<BoardFeatureRequest, 'id' | 'path' | 'status'>,
  change: PropertyChange,
): Promise<string | null> {
  const file = app.vault.getFileByPath(shown.path);
  if (!file) return `${shown.path} is not in this vault on this device. It may not have been synced yet.`;
  let refusal: string | null = null;
  try {
    await app.vault.process(file, (text) => {
      const planned = planChange(text, shown, change);
      refusal = planned.refusal;
      return planned.text;
    });
  } catch (error) {
    return `${shown.path} could not be written: ${error instanceof Error ? error.message : String(error)}.`;
  }
  return refusal;
}

function planChange(
  text: string,
  { id, path, status }: Pick<BoardFeatureRequest, 'id' | 'path' | 'status'>,
  change: PropertyChange,
): { readonly text: string; readonly refusal: string | null } {
  const line = conflictMarkerLine(text);
  if (line !== null) {
    return { text, refusal: `${path} has a merge conflict in line ${line}, and was left alone. Settle it first.` };
  }
  if (change.status !== undefined) {
    const found = textOf(readFrontmatter(text).entries.get('status')) ?? '';
    const now = statusFrom(found);
    if (now !== status && now !== change.status) {
      const says = found === '' ? 'has no status' : `says "${found}"`;
      return { text, refusal: `${id} ${says} by now, and was left alone. Look at it again and decide anew.` };
    }
  }
  const keys = Object.entries(change).filter(
    (entry): entry is [string, NoteStatus | Priority] => entry[1] !== undefined,
  );
  const outcome = spliceFrontmatter(text, keys, { contested: ['status', 'decision'] });
  if (outcome.kind === 'spliced') return { text: outcome.text, refusal: null };
  const { message, hint, line: at } = outcome.problem;
  return { text, refusal: `${path}:${at}: ${message} ${hint}` };
}

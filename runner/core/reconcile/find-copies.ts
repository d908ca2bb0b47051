import { noteName } from '#shared/domain/note-link.ts';
import { originalOfConflictCopy } from '#shared/domain/sync-damage.ts';
import type { Finding, SeenFile } from './finding.ts';
import { compareCopy } from './merge-copy.ts';

/** A file of the vault as it was read; `text` is null where it is no note that can be read. */
export interface ReadFile extends SeenFile {
  readonly text: string | null;
}

/** What a synchronisation made beside notes, each compared with the note it is a copy of. */
export function findCopies(files: readonly ReadFile[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((copy) => {
    if (originalOfConflictCopy(noteName(copy.path)) === null) return [];
    const path = originalPath(copy.path, byPath);
    const original = byPath.get(path);
    return [original ? findingOf(copy, original) : withoutOriginal(copy.path, path)];
  });
}

/** A copy may be a copy of a copy; the nearest of them that is there is what it is compared with. */
function originalPath(path: string, files: ReadonlyMap<string, unknown>): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  let name = originalOfConflictCopy(noteName(path)) ?? noteName(path);
  for (;;) {
    const candidate = `${folder}${name}.md`;
    const next = originalOfConflictCopy(name);
    if (next === null || files.has(candidate)) return candidate;
    name = next;
  }
}

function findingOf(copy: ReadFile, original: ReadFile): Finding {
  const about = { path: copy.path, line: null, choices: [], versions: null, job: null };
  const seen = { copy: seenFile(copy), original: seenFile(original) };
  if (isSame(copy.bytes, original.bytes)) return identical(copy, original);
  if (copy.text === null || original.text === null) {
    const unread = copy.text === null ? copy : original;
    return {
      ...about,
      code: 'copy.unreadable',
      message: `It is a copy of ${original.path}, and ${unread.path} cannot be read as a note.`,
      hint: `Look at both files, keep the one you want as ${original.path} and delete the other.`,
      settles: 'by-hand',
      settlement: null,
    };
  }
  const standing = compareCopy(original.text, copy.text);
  switch (standing.kind) {
    case 'identical':
      return identical(copy, original);
    case 'nothing-new':
      return {
        ...about,
        code: 'copy.nothing-new',
        message: `It is a copy of ${original.path} and has nothing that is not there too.`,
        hint: 'Settling moves it to .trash.',
        settles: 'yes',
        settlement: { kind: 'drop-copy', ...seen },
      };
    case 'adds':
      return {
        ...about,
        code: 'copy.adds',
        message: `It is a copy of ${original.path} with ${standing.lines === 1 ? 'one line' : `${standing.lines} lines`} more and none changed.`,
        hint: `Settling adds ${standing.lines === 1 ? 'it' : 'them'} to ${original.path} and moves the copy to .trash.`,
        settles: 'yes',
        settlement: { kind: 'merge-copy', ...seen, text: standing.text },
      };
    case 'differs':
      return {
        ...about,
        code: 'copy.differs',
        message: `It is a copy of ${original.path}, and each has something the other has not: first in ${standing.what}.`,
        hint: `Take over what you want into ${original.path}, then delete the copy.`,
        settles: 'by-hand',
        settlement: null,
      };
  }
}

export function identical(copy: ReadFile, original: ReadFile): Finding {
  return {
    code: 'copy.identical',
    path: copy.path,
    line: null,
    message: `It is a copy of ${original.path} and the same.`,
    hint: 'Settling moves it to .trash.',
    settles: 'yes',
    choices: [],
    versions: null,
    job: null,
    settlement: { kind: 'drop-copy', copy: seenFile(copy), original: seenFile(original) },
  };
}

function withoutOriginal(path: string, original: string): Finding {
  return {
    code: 'copy.no-original',
    path,
    line: null,
    message: `It is a copy of ${original}, which is not there.`,
    hint: `Rename it to ${original} if it is wanted; else delete it.`,
    settles: 'by-hand',
    choices: [],
    versions: null,
    job: null,
    settlement: null,
  };
}

export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function seenFile({ path, bytes }: ReadFile): SeenFile {
  return { path, bytes };
}

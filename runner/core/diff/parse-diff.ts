import type { DiffFileDocument } from '#shared/protocol/review-documents.ts';
import { pathFromGit } from './quoted-path.ts';

type Hunk = DiffFileDocument['hunks'][number];
type Line = Hunk['lines'][number];

export interface ParsedDiff {
  readonly files: readonly DiffFileDocument[];
  /** What follows was cut off; then the last file may lack some of its lines. */
  readonly isCut: boolean;
}

const cutMark = '… the diff is longer and was cut here';

/** A unified diff as git writes it. Every line of a file's content has a sign before it, so that none is taken for a heading. */
export function parseDiff(diff: string): ParsedDiff {
  // Not by the start of a line as patterns know it: a carriage return within a line is the content's own.
  const whole = `\n${diff}`;
  const parts = whole.split('\ndiff --git ').slice(1);
  return { files: parts.map(fileOf), isCut: whole.includes(`\n${cutMark}`) };
}

function fileOf(part: string): DiffFileDocument {
  const lines = part.split('\n');
  const firstHunk = lines.findIndex((line) => line.startsWith('@@ '));
  const head = firstHunk === -1 ? lines : lines.slice(0, firstHunk);
  const said = (words: string): string | null =>
    head.find((line) => line.startsWith(words))?.slice(words.length) ?? null;
  const names = namesOf(lines[0] ?? '');
  const isNew = said('new file mode ') !== null;
  const isGone = said('deleted file mode ') !== null;
  const movedFrom = said('rename from ') ?? said('copy from ');
  const before = movedFrom ?? sideOf(said('--- ')) ?? names.before;
  const after = said('rename to ') ?? said('copy to ') ?? sideOf(said('+++ ')) ?? names.after;
  const isBinary = head.some((line) => /^(?:Binary files .* differ|GIT binary patch)$/.test(line));
  const hunks = firstHunk === -1 ? [] : hunksOf(lines.slice(firstHunk));
  const all = hunks.flatMap((hunk) => hunk.lines);
  return {
    path: pathFromGit(isGone ? before : after),
    from: movedFrom === null ? null : pathFromGit(before),
    change: isBinary ? 'binary' : isNew ? 'added' : isGone ? 'deleted' : movedFrom === null ? 'changed' : 'renamed',
    added: all.filter(({ kind }) => kind === 'added').length,
    removed: all.filter(({ kind }) => kind === 'removed').length,
    hunks: [...modeChange(said('old mode '), said('new mode ')), ...hunks],
    cut: null,
  };
}

/** That a file may be run now says nothing in its lines, and is worth a look. */
function modeChange(before: string | null, after: string | null): Hunk[] {
  return before === null || after === null ? [] : [{ header: `mode ${before} → ${after}`, lines: [] }];
}

/** Of `--- a/path`; null for the side where the file is not. A path with blanks has a tab behind it. */
function sideOf(written: string | null): string | null {
  if (written === null || written === '/dev/null') return null;
  const path = written.replace(/\t$/, '');
  return path.startsWith('"') ? `"${path.slice(3)}` : path.slice(2);
}

/** Of `a/path b/path`, where both are the same unless something further down says better. */
function namesOf(heading: string): { readonly before: string; readonly after: string } {
  const quoted = /^(?:"a\/((?:[^"\\]|\\.)*)"|a\/(.*)) "b\/((?:[^"\\]|\\.)*)"$/.exec(heading);
  if (quoted) {
    const [, escaped, plain = '', after = ''] = quoted;
    return { before: escaped === undefined ? plain : `"${escaped}"`, after: `"${after}"` };
  }
  const half = (heading.length - 1) / 2;
  return { before: heading.slice(2, half), after: heading.slice(half + 3) };
}

function hunksOf(lines: readonly string[]): Hunk[] {
  const hunks: Hunk[] = [];
  for (let at = 0; at < lines.length;) {
    const header = lines[at] ?? '';
    const counts = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(header);
    at += 1;
    if (!counts) continue;
    const hunk: Line[] = [];
    const [, from = '1', left = '1', to = '1', right = '1'] = counts;
    let before = Number(from);
    let after = Number(to);
    const endBefore = before + Number(left);
    const endAfter = after + Number(right);
    for (; at < lines.length; at += 1) {
      const line = lines[at] ?? '';
      const sign = line.charAt(0);
      const text = line.slice(1);
      if (sign === '\\') hunk.push({ kind: 'context', text: line, before: null, after: null });
      else if (before >= endBefore && after >= endAfter) break;
      else if (sign === '+') hunk.push({ kind: 'added', text, before: null, after: after++ });
      else if (sign === '-') hunk.push({ kind: 'removed', text, before: before++, after: null });
      else if (sign === ' ') hunk.push({ kind: 'context', text, before: before++, after: after++ });
      else break;
    }
    hunks.push({ header, lines: hunk });
  }
  return hunks;
}

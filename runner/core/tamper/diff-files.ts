export interface DiffLine {
  /** Of the new file for added lines, of the old one for removed lines. */
  readonly number: number;
  readonly text: string;
}

export interface DiffFile {
  /** As the change leaves it; where it was when it is gone. */
  readonly path: string;
  readonly before: string | null;
  readonly kind: 'added' | 'changed' | 'deleted' | 'renamed';
  readonly added: readonly DiffLine[];
  readonly removed: readonly DiffLine[];
}

/** The files of a unified diff as git writes it. */
export function diffFiles(diff: string): DiffFile[] {
  return diff.split(lineStart('diff --git ')).slice(1).map(fileOf);
}

/** Where a line begins for git: not after a carriage return, which a line's content may hold. */
function lineStart(pattern: string): RegExp {
  return new RegExp(`(?<![^\\n])${pattern}`);
}

function fileOf(part: string): DiffFile {
  const [head = '', ...hunks] = part.split(lineStart('(?=@@ )'));
  const [first = ''] = head.split('\n', 1);
  const names = /^"?a\/(.*?)"? "?b\/(.*?)"?$/.exec(first);
  const before = /^(?:--- "?a\/|rename from )(.+?)"?\t?$/m.exec(head)?.[1] ?? names?.[1] ?? null;
  const after = /^(?:\+\+\+ "?b\/|rename to )(.+?)"?\t?$/m.exec(head)?.[1] ?? names?.[2] ?? '';
  const added: DiffLine[] = [];
  const removed: DiffLine[] = [];
  for (const hunk of hunks) readHunk(hunk, added, removed);
  const isNew = /^new file mode /m.test(head);
  const kind = isNew
    ? 'added'
    : /^deleted file mode /m.test(head)
      ? 'deleted'
      : /^rename from /m.test(head)
        ? 'renamed'
        : 'changed';
  return { path: kind === 'deleted' ? (before ?? after) : after, before: isNew ? null : before, kind, added, removed };
}

function readHunk(hunk: string, added: DiffLine[], removed: DiffLine[]): void {
  const start = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(hunk);
  let before = Number(start?.[1] ?? 1);
  let after = Number(start?.[2] ?? 1);
  for (const line of hunk.split('\n').slice(1)) {
    const text = line.slice(1);
    if (line.startsWith('+')) added.push({ number: after++, text });
    else if (line.startsWith('-')) removed.push({ number: before++, text });
    else if (line.startsWith(' ')) {
      before++;
      after++;
    }
  }
}

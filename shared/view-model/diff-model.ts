import { isBlocking, type ReviewIssue } from '../domain/stage.ts';
import type { LineComment } from '../protocol/method-params.ts';
import type { DiffDocument, DiffFileDocument } from '../protocol/review-documents.ts';
import { counted } from './formats.ts';

/** A file with more lines is folded until it is asked for. */
const mostOpenLines = 400;
/** When all together are more, only the first files are open. */
const mostOpenInAll = 2_000;

export interface DiffRow {
  readonly kind: 'context' | 'added' | 'removed' | 'hunk';
  readonly text: string;
  readonly before: number | null;
  readonly after: number | null;
  /** Where a comment is placed; null where none can be. */
  readonly commentLine: number | null;
  readonly remarks: readonly Remark[];
}

export type Remark =
  | { readonly kind: 'issue'; readonly issue: ReviewIssue; readonly isBlocking: boolean }
  | { readonly kind: 'tamper'; readonly what: string; readonly message: string; readonly line: number | null }
  /** One's own, not sent yet. */
  | { readonly kind: 'comment'; readonly comment: LineComment };

export interface DiffFileModel {
  readonly path: string;
  /** `was/here.ts → is/there.ts` where it was moved. */
  readonly title: string;
  readonly change: DiffFileDocument['change'];
  readonly added: number;
  readonly removed: number;
  readonly rows: readonly DiffRow[];
  /** Those about the whole file, and those whose line is not in the diff. */
  readonly remarks: readonly Remark[];
  readonly remarkCount: number;
  readonly isFolded: boolean;
  /** Why not all of it is shown; null when it is. */
  readonly cut: string | null;
}

export interface DiffModel {
  readonly files: readonly DiffFileModel[];
  /** About no file, or about one that is not in the diff. */
  readonly elsewhere: readonly Remark[];
  readonly summary: string;
  readonly blocking: number;
}

/** The change file by file, with what is said of it at its lines. `unfolded` and `folded` are what a person chose. */
export function diffModel(
  diff: DiffDocument,
  comments: readonly LineComment[] = [],
  chosen: { readonly unfolded?: ReadonlySet<string>; readonly folded?: ReadonlySet<string> } = {},
): DiffModel {
  const all = [
    ...diff.tamper.map(({ kind, file, line, message }) =>
      placed(file, line, { kind: 'tamper', what: kind, message, line }),
    ),
    ...diff.issues.map((issue) =>
      placed(issue.file ?? null, issue.line ?? null, { kind: 'issue', issue, isBlocking: isBlocking(issue) }),
    ),
    ...comments.map((comment) => placed(comment.file, comment.line, { kind: 'comment', comment })),
  ];
  const names = namesOf(diff.files);
  let openLines = 0;
  const files = diff.files.map((file): DiffFileModel => {
    const own = all.filter(({ place }) => place !== null && names.get(place) === file.path);
    const { rows, remarks } = withRemarks(file, own);
    const isLong = rows.length > mostOpenLines || openLines + rows.length > mostOpenInAll;
    const isFolded = chosen.folded?.has(file.path) === true || (isLong && chosen.unfolded?.has(file.path) !== true);
    if (!isFolded) openLines += rows.length;
    return {
      path: file.path,
      title: file.from === null || file.from === file.path ? file.path : `${file.from} → ${file.path}`,
      change: file.change,
      added: file.added,
      removed: file.removed,
      rows,
      remarks,
      remarkCount: own.length,
      isFolded,
      cut: file.cut,
    };
  });
  return {
    files,
    elsewhere: all.filter(({ place }) => place === null || !names.has(place)).map(({ remark }) => remark),
    summary: summaryOf(diff),
    blocking: diff.issues.filter(isBlocking).length,
  };
}

interface Placed {
  readonly place: string | null;
  readonly line: number | null;
  readonly remark: Remark;
}

function placed(file: string | null, line: number | null, remark: Remark): Placed {
  // Reviewers write paths as they see them.
  return { place: file === null ? null : file.replace(/^(?:\.?\/)+/, ''), line, remark };
}

/** By its path, and by the one it had. */
function namesOf(files: readonly DiffFileDocument[]): ReadonlyMap<string, string> {
  const names = new Map(files.flatMap(({ path, from }): [string, string][] => (from === null ? [] : [[from, path]])));
  for (const { path } of files) names.set(path, path);
  return names;
}

function withRemarks(
  file: DiffFileDocument,
  own: readonly Placed[],
): { readonly rows: readonly DiffRow[]; readonly remarks: readonly Remark[] } {
  const byLine = new Map<number, Remark[]>();
  const unplaced: Remark[] = [];
  const lines = linesOf(file);
  for (const { line, remark } of own) {
    if (line === null || !lines.has(line)) unplaced.push(remark);
    else byLine.set(line, [...(byLine.get(line) ?? []), remark]);
  }
  const rows = file.hunks.flatMap(({ header, lines: inHunk }): DiffRow[] => [
    { kind: 'hunk', text: header, before: null, after: null, commentLine: null, remarks: [] },
    ...inHunk.map(({ kind, text, before, after }) => {
      const commentLine = file.change === 'deleted' ? before : after;
      return {
        kind,
        text,
        before,
        after,
        commentLine,
        remarks: commentLine === null ? [] : (byLine.get(commentLine) ?? []),
      };
    }),
  ]);
  return { rows, remarks: unplaced };
}

/** By the numbers that the file has now, as reviewers count; of one that is gone, by those that it had. */
function linesOf(file: DiffFileDocument): ReadonlySet<number> {
  const side = file.change === 'deleted' ? 'before' : 'after';
  return new Set(file.hunks.flatMap(({ lines }) => lines.flatMap((line) => line[side] ?? [])));
}

function summaryOf({ files, cut }: DiffDocument): string {
  const sum = (of: (file: DiffFileDocument) => number): number => files.reduce((all, file) => all + of(file), 0);
  if (files.length === 0) return cut ? 'The change is too large to be shown.' : 'Nothing is changed.';
  const size = `${counted(files.length, 'file')}, +${sum(({ added }) => added)} −${sum(({ removed }) => removed)}`;
  return cut ? `${size}; more files are not shown` : size;
}

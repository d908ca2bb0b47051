import type { LineComment } from '../../protocol/method-params.ts';

/** No line means the file. */
export type LinePlace = Pick<LineComment, 'file' | 'line'>;

/** The comments that are not sent yet. */
export interface CommentDesk {
  readonly comments: readonly LineComment[];
  /** Null where nobody may comment. */
  readonly write: ((comment: LineComment) => void) | null;
  remove(place: LinePlace): void;
}

export function samePlace(left: LinePlace, right: LinePlace): boolean {
  return left.file === right.file && left.line === right.line;
}

export function placeText({ file, line }: LinePlace): string {
  return line === null ? file : `${file}:${line}`;
}

import type { NoteProblem } from '../domain/feature-request.ts';

/** Where the frontmatter of a note lies; offsets are characters of the note's text. */
export interface FrontmatterBlock {
  /** The first character after the opening fence's line. */
  readonly start: number;
  /** The first character of the closing fence. */
  readonly end: number;
  /** The first character after the closing fence's line. */
  readonly bodyStart: number;
  /** The line end of the opening fence, which new lines take over. */
  readonly lineEnd: '\n' | '\r\n';
}

export type FrontmatterLocation =
  | { readonly kind: 'found'; readonly block: FrontmatterBlock }
  | { readonly kind: 'absent' | 'broken'; readonly problem: NoteProblem };

const byteOrderMark = '\ufeff';
const openingFence = /^---[ \t]*(\r?\n|$)/;
// Without a look behind, which older phones cannot read: then nothing of the plugin would load.
const closingFence = /\n---[ \t]*(?:\r?\n|$)/g;

export function locateFrontmatter(text: string): FrontmatterLocation {
  const begin = text.startsWith(byteOrderMark) ? 1 : 0;
  const head = text.slice(begin, begin + 200);
  if (!head.startsWith('---')) return { kind: 'absent', problem: absence(text, begin) };
  const fence = openingFence.exec(head);
  if (!fence) {
    const rest = head.slice(3).split('\n', 1)[0]?.trim() ?? '';
    if (rest.startsWith('-')) return { kind: 'absent', problem: absence(text, begin) };
    return {
      kind: 'broken',
      problem: {
        code: 'frontmatter.language-tag',
        message: `The frontmatter opens with \`---${rest.slice(0, 40)}\`; only plain YAML is read.`,
        hint: 'Write `---` alone on the first line.',
        line: 1,
        severity: 'error',
      },
    };
  }
  const start = begin + fence[0].length;
  // The line end of the opening fence may be the one before the closing.
  closingFence.lastIndex = start - 1;
  const close = start < text.length ? closingFence.exec(text) : null;
  if (!close) return { kind: 'broken', problem: unterminated };
  return {
    kind: 'found',
    block: {
      start,
      end: close.index + 1,
      bodyStart: close.index + close[0].length,
      lineEnd: fence[1] === '\r\n' ? '\r\n' : '\n',
    },
  };
}

/** The line, counted from 1, on which the character at `offset` stands. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

const unterminated: NoteProblem = {
  code: 'frontmatter.unterminated',
  message: 'The frontmatter opened on line 1 is never closed.',
  hint: 'Write `---` alone on the line after the last property.',
  line: 1,
  severity: 'error',
};

function absence(text: string, begin: number): NoteProblem {
  if (text.slice(begin).trim() === '') {
    return {
      code: 'note.empty',
      message: 'The note is empty.',
      hint: 'Begin it with a frontmatter block that has id, title and status.',
      line: 1,
      severity: 'error',
    };
  }
  const late = /^\s+---[ \t]*\r?$/m.exec(text.slice(begin, begin + 1_000));
  return {
    code: 'frontmatter.missing',
    message: late?.index === 0 ? 'The frontmatter does not begin on the first line.' : 'The note has no frontmatter.',
    hint: 'Begin the file with `---`, then id, title and status, then `---`.',
    line: 1,
    severity: 'error',
  };
}

export const commandNames = ['retry', 'fix', 'explain', 'cancel'] as const;
export type CommandName = (typeof commandNames)[number];

export interface SpokenCommand {
  readonly command: CommandName;
  /** What was said after it; of `fix` alone. */
  readonly text: string;
}

const longestText = 10_000;

/**
 * The first command in a comment: a line that begins with the mention and one of the words. What is quoted, is code, or
 * is not shown to readers does not count. What follows `fix` belongs to it, code included.
 */
export function commandIn(body: string, mention: string): SpokenCommand | null {
  const lines = body.replaceAll(/\r\n?/g, '\n').split('\n');
  const shown = shownLines(lines);
  const pattern = new RegExp(
    String.raw`^ {0,3}@${escaped(mention)}[:,]?[ \t]+(${commandNames.join('|')})(?![\w-])[:,.]?[ \t]*(.*)$`,
    'i',
  );
  for (const [index, line] of shown.entries()) {
    const found = line === null ? null : pattern.exec(line);
    if (found === null) continue;
    const command = (found[1] ?? '').toLowerCase() as CommandName;
    if (command !== 'fix') return { command, text: '' };
    const start = (lines[index] ?? '').length - (found[2] ?? '').length;
    const text = [(lines[index] ?? '').slice(start), ...lines.slice(index + 1)].join('\n').trim();
    return { command, text: text.slice(0, longestText) };
  }
  return null;
}

/** Each line with the same length as it was, or null where it is code or a quotation. */
function shownLines(lines: readonly string[]): (string | null)[] {
  const uncommented = lines
    .join('\n')
    .replaceAll(/<!--[\s\S]*?(?:-->|$)/g, (comment) => comment.replaceAll(/[^\n]/g, '\0'))
    .split('\n');
  let fence: string | null = null;
  let isQuoted = false;
  return uncommented.map((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? null;
    if (fence !== null) {
      if (mark?.startsWith(fence) === true && line.trim() === mark) fence = null;
      return null;
    }
    if (mark !== null) {
      fence = mark;
      return null;
    }
    // A quotation goes on until an empty line, whether or not its lines are marked.
    isQuoted = /^ {0,3}>/.test(line) || (isQuoted && line.trim() !== '');
    if (isQuoted || /^(?: {4}|\t)/.test(line)) return null;
    return line.replaceAll(/(`+)[^`].*?\1/g, (code) => '\0'.repeat(code.length));
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

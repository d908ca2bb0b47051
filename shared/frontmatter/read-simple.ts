import type { FrontmatterEntry, FrontmatterValue } from './entry.ts';

/**
 * Reads the frontmatter that nearly every note has: one key a line with a plain or quoted scalar, or a list of them.
 * Returns null for everything else, so that the full parser decides; where it answers, both answer the same.
 */
export function readSimpleFrontmatter(source: string, firstLine: number): FrontmatterEntry[] | null {
  const lines = source.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const entries: FrontmatterEntry[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < lines.length; index += 1) {
    const line = withoutCarriageReturn(lines[index] ?? '');
    if (line === '' || line.startsWith('#')) continue;
    if (line.length > longestLine) return null;
    const match = property.exec(line);
    const key = match?.[1];
    if (!match || key === undefined || seen.has(key)) return null;
    seen.add(key);
    const lineNumber = firstLine + index;
    if (match[2] !== undefined) {
      const scalar = readScalar(match[2]);
      if (!scalar) return null;
      entries.push({ key, ...scalar, line: lineNumber, itemLines: [] });
      continue;
    }
    const items: FrontmatterValue[] = [];
    const itemLines: number[] = [];
    let indent: string | null = null;
    for (; index + 1 < lines.length; index += 1) {
      const next = withoutCarriageReturn(lines[index + 1] ?? '');
      const item = next.length > longestLine ? null : listItem.exec(next);
      if (!item) break;
      indent ??= item[1] ?? '';
      const scalar = readScalar(item[2] ?? '');
      if (item[1] !== indent || !scalar) return null;
      items.push(scalar.value);
      itemLines.push(firstLine + index + 1);
    }
    entries.push(
      indent === null
        ? { key, value: null, text: '', line: lineNumber, itemLines }
        : { key, value: items, text: null, line: lineNumber, itemLines },
    );
  }
  return entries;
}

/** The patterns below may look at a line more than once; a long one is left to the full parser. */
const longestLine = 1_000;
const property = /^([A-Za-z_][A-Za-z0-9_-]*):(?: +([^ ].*)| *)$/;
const listItem = /^( *)- +([^ ].*)$/;
const comment = '(?: +#[^\\p{Cc}\\ufeff]*| *)$';
const plainText = new RegExp(`^([A-Za-z](?:(?:[^:#\\p{Cc}\\ufeff]|:(?=[^ ]))*[^:#\\p{Cc}\\ufeff\\s])?)${comment}`, 'u');
const keyword = /^(?:true|false|null)$/i;
const wholeNumber = new RegExp(`^(0|[1-9]\\d{0,14})${comment}`, 'u');
const date = new RegExp(`^(\\d{4}-\\d\\d-\\d\\d)${comment}`, 'u');
const quoted = new RegExp(`^(?:"([^"\\\\\\p{Cc}\\ufeff]*)"|'([^'\\p{Cc}\\ufeff]*)')${comment}`, 'u');
const emptyList = new RegExp(`^\\[\\]${comment}`, 'u');

function readScalar(source: string): { value: FrontmatterValue; text: string | null } | null {
  const inQuotes = quoted.exec(source);
  if (inQuotes) {
    const text = inQuotes[1] ?? inQuotes[2] ?? '';
    return { value: text, text };
  }
  const text = (plainText.exec(source) ?? date.exec(source))?.[1];
  if (text !== undefined) return keyword.test(text) ? null : { value: text, text };
  const number = wholeNumber.exec(source)?.[1];
  if (number !== undefined) return { value: Number(number), text: number };
  return emptyList.test(source) ? { value: [], text: null } : null;
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

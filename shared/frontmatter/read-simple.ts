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
    const match = property.exec(line);
    const key = match?.[1];
    if (!match || key === undefined || seen.has(key)) return null;
    seen.add(key);
    const lineNumber = firstLine + index;
    if (match[2] !== undefined) {
      const scalar = readScalar(match[2]);
      if (!scalar) return null;
      entries.push({ key, ...scalar, line: lineNumber });
      continue;
    }
    const items: FrontmatterValue[] = [];
    let indent: string | null = null;
    for (; index + 1 < lines.length; index += 1) {
      const item = listItem.exec(withoutCarriageReturn(lines[index + 1] ?? ''));
      if (!item) break;
      indent ??= item[1] ?? '';
      const scalar = readScalar(item[2] ?? '');
      if (item[1] !== indent || !scalar) return null;
      items.push(scalar.value);
    }
    entries.push(
      indent === null
        ? { key, value: null, text: '', line: lineNumber }
        : { key, value: items, text: null, line: lineNumber },
    );
  }
  return entries;
}

const property = /^([A-Za-z_][A-Za-z0-9_-]*):(?: +([^ ].*)| *)$/;
const listItem = /^( *)- +([^ ].*)$/;
const plainText = /^[A-Za-z](?:[^:#\p{Cc}\ufeff]*[^:#\p{Cc}\ufeff\s])? *$/u;
const keyword = /^(?:true|false|null) *$/i;
const wholeNumber = /^(?:0|[1-9]\d{0,14}) *$/;
const date = /^\d{4}-\d\d-\d\d *$/;
const doubleQuoted = /^"([^"\\\p{Cc}\ufeff]*)" *$/u;
const singleQuoted = /^'([^'\p{Cc}\ufeff]*)' *$/u;

function readScalar(source: string): { value: FrontmatterValue; text: string | null } | null {
  const quoted = doubleQuoted.exec(source) ?? singleQuoted.exec(source);
  if (quoted) return { value: quoted[1] ?? '', text: quoted[1] ?? '' };
  if ((plainText.test(source) && !keyword.test(source)) || date.test(source)) {
    const text = source.replace(/ +$/, '');
    return { value: text, text };
  }
  if (wholeNumber.test(source)) return { value: Number(source), text: source.trim() };
  if (/^\[\] *$/.test(source)) return { value: [], text: null };
  return null;
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

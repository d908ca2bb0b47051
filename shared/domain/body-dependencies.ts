import { isSafeId } from './ids.ts';
import { linkTarget, type DependencyLink } from './note-link.ts';

const lineBreak = String.raw`[ \t]*(?:\r?\n[ \t>]*)?`;
const emphasis = '[*_]{0,3}';
const gap = String.raw`(?:[ \t]{1,9}|[ \t]*\r?\n[ \t>]*)`;
const phrases = new RegExp(
  // Without a look behind, which older phones cannot read.
  String.raw`(^|[^\p{L}\p{N}_-])(?:after|depends${gap}on|blocked${gap}by)(?![\p{L}\p{N}_-])`,
  'giu',
);
const negation = /(?:\bnot|n['’]t|\bno longer|\bnever)\s+$/i;
const beforeList = new RegExp(`${emphasis}[ \\t]*:?[ \\t]*${emphasis}${lineBreak}${emphasis}`, 'y');
const beforeBullets = new RegExp(`${emphasis}[ \\t]*:[ \\t]*${emphasis}(?=[ \\t]*\\r?\\n)`, 'y');
const bullet = new RegExp(
  String.raw`[ \t]*\r?\n(?:[ \t>]*\r?\n)?[ \t>]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[[^\]\n]\][ \t]+)?${emphasis}`,
  'y',
);
const separator = new RegExp(
  `${emphasis}${lineBreak}(?:[,;]${lineBreak}(?:and(?=\\s)${lineBreak})?|(?:and(?=\\s)|&)${lineBreak})${emphasis}`,
  'iy',
);
const wikilink = /\[\[[^[\]\n]{1,300}\]\]/y;
const markdownLink = /\[[^[\]\n]{0,300}\]\(<?([^()<>\n]{1,500})>?\)/y;
const word = /[\p{L}\p{N}](?:[\p{L}\p{N}._-]{0,120}[\p{L}\p{N}])?(?![\p{L}\p{N}])/uy;
const restOfLine = /[^\n]*/y;

/**
 * What a note's text says it comes after: "after FR-009", "depends on FR-001, FR-002 and [[FR-003]]", "blocked by:" with a
 * list below. Code, comments and struck-out text are passed over. `firstLine` is the body's first line in the file.
 */
export function bodyDependencies(body: string, firstLine: number, idPattern: string): DependencyLink[] {
  const text = withoutCodeAndComments(body);
  const links: DependencyLink[] = [];
  const lines = lineCounter(text, firstLine);
  // A list below is read once, however many phrases stand in it: else a note could be made that takes hours.
  let listEnd = 0;
  for (const phrase of text.matchAll(phrases)) {
    const from = phrase.index + (phrase[1]?.length ?? 0);
    if (negation.test(text.slice(Math.max(0, from - 20), from))) continue;
    const start = phrase.index + phrase[0].length;
    const below = start < listEnd ? [] : itemsBelow(text, start);
    listEnd = below.at(-1)?.at ?? listEnd;
    for (const { target, isLink, at } of below.length > 0 ? below : itemsInLine(text, startOfList(text, start))) {
      const mention = mentionOf(target, isLink, idPattern);
      if (mention) links.push({ target, mention, line: lines(at) });
    }
  }
  return links.sort((left, right) => left.line - right.line);
}

/** The line of each offset asked for; asking for a later one costs only the way there. */
function lineCounter(text: string, firstLine: number): (offset: number) => number {
  let line = firstLine;
  let at = 0;
  return (offset) => {
    for (; at < offset; at += 1) if (text[at] === '\n') line += 1;
    for (; at > offset; at -= 1) if (text[at - 1] === '\n') line -= 1;
    return line;
  };
}

interface Item {
  /** A word, or a link's target without its brackets. */
  readonly target: string;
  readonly isLink: boolean;
  readonly at: number;
}

/** An id in full counts even where no note has it; anything else only where it leads to a feature request. */
function mentionOf(target: string, isLink: boolean, idPattern: string): 'id' | 'name' | null {
  const isId = isSafeId(target, idPattern);
  if (isId && /\d/.test(target)) return 'id';
  return isLink || isId || isSafeId(target.toUpperCase(), idPattern) ? 'name' : null;
}

/** The items of a list under a phrase that ends its line with a colon. */
function itemsBelow(text: string, start: number): Item[] {
  const items: Item[] = [];
  const head = endOf(beforeBullets, text, start);
  for (let at = head === null ? null : endOf(bullet, text, head); at !== null;) {
    items.push(...itemsInLine(text, at));
    at = endOf(bullet, text, endOf(restOfLine, text, at) ?? at);
  }
  return items;
}

function startOfList(text: string, start: number): number {
  return endOf(beforeList, text, start) ?? start;
}

function itemsInLine(text: string, start: number): Item[] {
  const items: Item[] = [];
  for (let at: number | null = start; at !== null;) {
    const found = itemAt(text, at);
    if (!found) break;
    items.push(found.item);
    at = endOf(separator, text, found.end);
  }
  return items;
}

function itemAt(text: string, at: number): { readonly item: Item; readonly end: number } | null {
  const wiki = matchAt(wikilink, text, at);
  const markdown = wiki ? null : matchAt(markdownLink, text, at);
  const plain = (wiki ?? markdown) ? null : matchAt(word, text, at);
  const match = wiki ?? markdown ?? plain;
  if (!match) return null;
  const target = markdown ? fileTarget(markdown[1] ?? '') : plain ? plain[0] : linkTarget(match[0]);
  return target === null ? null : { item: { target, isLink: !plain, at }, end: at + match[0].length };
}

/** The note that `[text](folder/FR-009.md)` leads to; null for an address of the web. */
function fileTarget(written: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(written)) return null;
  try {
    return linkTarget(decodeURIComponent(written));
  } catch {
    return null;
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function endOf(pattern: RegExp, text: string, at: number): number | null {
  const match = matchAt(pattern, text, at);
  return match && at + match[0].length;
}

/** The same length and lines; what is no prose is blanked with a character that no phrase can run across. */
function withoutCodeAndComments(body: string): string {
  let text = body;
  if (text.includes('```') || text.includes('~~~')) text = withoutFences(text);
  if (text.includes('`')) text = withoutInlineCode(text);
  if (text.includes('%%')) text = withoutBetween(text, '%%', '%%');
  if (text.includes('<!--')) text = withoutBetween(text, '<!--', '-->');
  return text.includes('~~') ? text.replace(/~~[^\n]*?~~/g, blank) : text;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, '\0');
}

/** Fences count at any indentation, also in quotes and lists; one that is never closed goes on to the end. */
function withoutFences(text: string): string {
  let fence: string | null = null;
  const lines = text.split('\n').map((line) => {
    const [, ticks, rest = ''] = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (fence === null) {
      if (ticks === undefined || (ticks.startsWith('`') && rest.includes('`'))) return line;
      fence = ticks;
    } else if (ticks?.startsWith(fence) === true && rest.trim() === '') {
      fence = null;
    }
    return blank(line);
  });
  return lines.join('\n');
}

/** As Markdown has it: a run of backticks is closed by the next run of the same length in the paragraph. */
function withoutInlineCode(text: string): string {
  return text
    .split(/(\n[ \t\r]*(?=\n))/)
    .map((paragraph) => {
      const runs = [...paragraph.matchAll(/`+/g)].map((match) => ({ at: match.index, length: match[0].length }));
      const laterOfLength = new Map<number, number>();
      const closing = new Array<number | undefined>(runs.length);
      for (let index = runs.length - 1; index >= 0; index -= 1) {
        const length = runs[index]?.length ?? 0;
        closing[index] = laterOfLength.get(length);
        laterOfLength.set(length, index);
      }
      const parts: string[] = [];
      let kept = 0;
      for (let index = 0; index < runs.length; index += 1) {
        const open = runs[index];
        const close = runs[closing[index] ?? -1];
        if (!open || !close) continue;
        const end = close.at + close.length;
        parts.push(paragraph.slice(kept, open.at), blank(paragraph.slice(open.at, end)));
        kept = end;
        index = closing[index] ?? index;
      }
      return parts.join('') + paragraph.slice(kept);
    })
    .join('');
}

/** A comment that is never closed ends with the note where it begins a line, and is none anywhere else. */
function withoutBetween(text: string, open: string, close: string): string {
  const parts: string[] = [];
  let kept = 0;
  for (let from = text.indexOf(open); from !== -1; from = text.indexOf(open, kept)) {
    const found = text.indexOf(close, from + open.length);
    if (found === -1 && !beginsLine(text, from)) break;
    const end = found === -1 ? text.length : found + close.length;
    parts.push(text.slice(kept, from), blank(text.slice(from, end)));
    kept = end;
  }
  return parts.join('') + text.slice(kept);
}

function beginsLine(text: string, at: number): boolean {
  return text.slice(text.lastIndexOf('\n', at) + 1, at).trim() === '';
}

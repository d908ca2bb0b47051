import { opaqueMap, scalar, sequence, type Pair, type ParsedDocument, type Value, type YamlError } from './nodes.ts';
import { blockText, foldedLines, plainValue, unescaped } from './scalars.ts';

/** Said of what `yaml` reads and this does not; the runner reads it, so that it keeps nothing from being dispatched. */
export const unreadHere = 'anchors, aliases, tags and other rare forms are not read on this device';

interface Line {
  readonly start: number;
  /** Without its line end. */
  readonly text: string;
  readonly indent: number;
  readonly isEmpty: boolean;
  readonly number: number;
}

class Stop extends Error {
  readonly code: string;
  readonly offset: number;

  constructor(code: string, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/** Reads the properties of a note: one map, whose values are scalars, lists, or something that is only passed over. */
export function parseBlockMap(source: string, version: '1.1' | '1.2'): ParsedDocument {
  const lines = linesOf(source);
  const errors: YamlError[] = [];
  const lineOf = (offset: number): number => lines.findLast(({ start }) => start <= offset)?.number ?? 1;
  const report = (code: string, message: string, offset: number): void => {
    errors.push({ code, message, linePos: [{ line: lineOf(offset) }] });
  };
  const first = lines.find(({ isEmpty }) => !isEmpty);
  if (!first) return { errors, contents: null };
  const pairs: Pair[] = [];
  try {
    const bareReturn = source.search(/\r(?!\n)/);
    if (bareReturn !== -1) throw new Stop('UNREAD', unreadHere, bareReturn);
    const tabbed = lines.find(({ text }) => /^ *\t/.test(text));
    if (tabbed) throw new Stop(tabbed.isEmpty ? 'UNREAD' : 'TAB_AS_INDENT', unreadHere, tabbed.start);
    if (!/^[ \t]*(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#"'[{][^#]*?)[ \t]*:(?:[ \t]|$)/.test(first.text)) {
      return { errors, contents: wholeValue(source, first) };
    }
    let at = first.number - 1;
    while (at < lines.length) {
      const line = lines[at];
      if (!line || line.isEmpty) {
        at += 1;
        continue;
      }
      if (line.indent !== first.indent) {
        throw new Stop('BAD_INDENT', 'All items must start at the same column', line.start + line.indent);
      }
      let end = at + 1;
      const isList = (candidate: Line): boolean =>
        candidate.indent === first.indent && /^ *-(?:\s|$)/.test(candidate.text);
      for (
        let next = lines[end];
        next && (next.isEmpty || next.indent > first.indent || isList(next));
        next = lines[end]
      ) {
        end += 1;
      }
      const pair = readPair(source, lines.slice(at, end), version);
      if (pairs.some(({ key }) => key.source === pair.key.source)) {
        report('DUPLICATE_KEY', 'Map keys must be unique', pair.key.range[0]);
      }
      pairs.push(pair);
      at = end;
    }
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    report(stop.code, stop.message, stop.offset);
  }
  const range = [first.start + first.indent, source.length] as const;
  const toJS = (): unknown => Object.fromEntries(pairs.map(({ key, value }) => [key.source, value.toJS()]));
  return { errors, contents: { kind: 'map', flow: false, range, items: pairs, toJS } };
}

function wholeValue(source: string, { start, indent, text }: Line): Value {
  const begin = start + indent;
  if (/^\s*-(?:\s|$)/.test(text)) return sequence([], [begin, source.length], false);
  if (/^\s*[{&*!?]/.test(text)) throw new Stop('UNREAD', unreadHere, begin);
  return scalar('PLAIN', text.trim(), [begin, start + text.trimEnd().length], text.trim());
}

function linesOf(source: string): Line[] {
  let start = 0;
  const texts = source.split('\n');
  if (texts.at(-1) === '') texts.pop();
  return texts.map((written, index) => {
    const text = written.replace(/\r$/, '');
    const content = text.trimStart();
    const line = {
      start,
      text,
      indent: /^ */.exec(text)?.[0].length ?? 0,
      isEmpty: content === '' || content.startsWith('#'),
      number: index + 1,
    };
    start += written.length + 1;
    return line;
  });
}

function readPair(source: string, lines: readonly Line[], version: '1.1' | '1.2'): Pair {
  const [line] = lines;
  if (!line) throw new Error('A property has no line.');
  const begin = line.start + line.indent;
  const match =
    /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^\s#:"'[\]{},&*!|>%@`?-][^#:]*|[?-][^\s#:][^#:]*))([ \t]*):(?=[ \t]|$)/.exec(
      line.text.slice(line.indent),
    );
  if (!match) {
    const text = line.text.trim();
    if (/^[&*!?{[]/.test(text)) throw new Stop('UNREAD', unreadHere, begin);
    throw new Stop('BLOCK_AS_IMPLICIT_KEY', 'Implicit keys need to be on a single line', begin);
  }
  const [all, double, single, plain = ''] = match;
  const name =
    double !== undefined ? unescaped(double) : single !== undefined ? single.replaceAll("''", "'") : plain.trimEnd();
  if (name === null) throw new Stop('BAD_DQ_ESCAPE', 'Invalid escape sequence', begin);
  const colon = begin + all.length - 1;
  const key = scalar('PLAIN', name, [begin, begin + name.length], name, name);
  return {
    kind: 'pair',
    key,
    value: readValue(source, lines, colon + 1, version),
    srcToken: { sep: [{ type: 'map-value-ind', offset: colon }] },
  };
}

function readValue(source: string, lines: readonly Line[], from: number, version: '1.1' | '1.2'): Value {
  const last = lines.findLast(({ isEmpty }) => !isEmpty);
  const limit = last ? last.start + last.text.length : from;
  const head = lines[0];
  const lineEnd = head ? head.start + head.text.length : from;
  const rest = source.slice(from, lineEnd);
  const begin = from + (rest.length - rest.trimStart().length);
  const opens = source.slice(begin, lineEnd);
  const isBelow = opens === '' || opens.startsWith('#');
  const outside = lines.slice(1).find((line) => !line.isEmpty && line.indent <= (head?.indent ?? 0));
  // A list may stand at the margin of its key; nothing else may, nor a list after something else.
  if (outside && !(isBelow && lines.slice(1).find(({ isEmpty }) => !isEmpty) === outside)) {
    throw new Stop('BAD_INDENT', 'A value is followed by what does not belong to it', outside.start);
  }
  if (isBelow) {
    const below = lines.slice(1).find(({ isEmpty }) => !isEmpty);
    if (!below) return scalar('PLAIN', '', [from, from], '', null);
    return readBelow(source, lines.slice(1), below, limit, version);
  }
  if (/^[|>]/.test(opens)) return readBlockScalar(source, lines, begin, opens);
  return readInline(source, begin, limit, version);
}

/** A value that begins on a later line than its key. */
function readBelow(source: string, lines: readonly Line[], below: Line, limit: number, version: '1.1' | '1.2'): Value {
  const begin = below.start + below.indent;
  if (/^ *-(?:\s|$)/.test(below.text)) return readList(source, lines, below, limit, version);
  const text = source.slice(begin, limit);
  if (/^(?:"[^"]*"|'[^']*'|[^\s"'[{][^#]*?)[ \t]*:(?:\s|$)/.test(text)) return opaqueMap(text, [begin, limit]);
  if (lines[0] !== below) throw new Stop('UNREAD', unreadHere, begin);
  return readInline(source, begin, limit, version);
}

function readList(source: string, lines: readonly Line[], first: Line, limit: number, version: '1.1' | '1.2'): Value {
  const items: Value[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    if (!line || line.isEmpty) {
      at += 1;
      continue;
    }
    if (line.indent !== first.indent || !/^ *-(?:\s|$)/.test(line.text)) {
      throw new Stop('BAD_INDENT', 'All items must start at the same column', line.start + line.indent);
    }
    let end = at + 1;
    for (let next = lines[end]; next && (next.isEmpty || next.indent > first.indent); next = lines[end]) end += 1;
    const group = lines.slice(at, end);
    const dash = line.start + line.indent + 1;
    const whole = group.findLast(({ isEmpty }) => !isEmpty) ?? line;
    const itemEnd = whole.start + whole.text.length;
    const text = source.slice(dash, itemEnd);
    const begin = dash + (text.length - text.trimStart().length);
    const isNested = /^(?:-(?:\s|$)|[^\s"'[{][^#]*?:(?:\s|$))/.test(text.trimStart());
    items.push(isNested ? opaqueMap(text, [begin, itemEnd]) : readValue(source, group, dash, version));
    at = end;
  }
  return sequence(items, [first.start + first.indent, limit], false);
}

function readBlockScalar(source: string, lines: readonly Line[], begin: number, opens: string): Value {
  const header = /^[|>][-+]?(?=[ \t]*(?:[ \t]#.*)?$)/.exec(opens)?.[0];
  if (header === undefined) throw new Stop('UNREAD', unreadHere, begin);
  const indent = lines.slice(1).find((line) => line.text.trim() !== '')?.indent ?? 0;
  const after = lines.findIndex((line, at) => at > 0 && line.text.trim() !== '' && line.indent < Math.max(indent, 1));
  const content = lines.slice(1, after === -1 ? undefined : after);
  const stray = after === -1 ? undefined : lines.slice(after).find(({ isEmpty }) => !isEmpty);
  const padded = content.find((line) => line.text.trim() === '' && line.text.length > indent);
  if (stray ?? padded) throw new Stop('UNREAD', unreadHere, begin);
  const last = content.at(-1) ?? lines[0];
  const end = Math.min(source.length, last ? last.start + last.text.length + 1 : begin);
  const text = blockText(
    header,
    content.map((line) => line.text),
  );
  const type = header.startsWith('|') ? 'BLOCK_LITERAL' : 'BLOCK_FOLDED';
  return scalar(type, source.slice(begin, end), [begin, end], text);
}

/** A plain or quoted scalar or a flow collection, on one line or several. */
function readInline(source: string, begin: number, limit: number, version: '1.1' | '1.2'): Value {
  const { value, end } = readFlow(source, begin, limit, version, false);
  const rest = source.slice(end, limit);
  const after = rest.trimStart();
  if (after !== '' && !(/^\s/.test(rest) && after.startsWith('#') && isOnlyComments(rest))) {
    throw new Stop('UNEXPECTED_TOKEN', 'Unexpected scalar at node end', end);
  }
  return value;
}

function isOnlyComments(text: string): boolean {
  return text.split('\n').every((line) => line.trim() === '' || line.trimStart().startsWith('#'));
}

function readFlow(
  source: string,
  begin: number,
  limit: number,
  version: '1.1' | '1.2',
  isInside: boolean,
): { readonly value: Value; readonly end: number } {
  const opens = source[begin] ?? '';
  if (opens === '"' || opens === "'") return readQuoted(source, begin, limit);
  if (opens === '[') return readFlowList(source, begin, limit, version);
  if (opens !== '' && '&*!{'.includes(opens)) throw new Stop('UNREAD', unreadHere, begin);
  if (/^[-?:](?:[\s,[\]{}]|$)/.test(source.slice(begin, limit))) throw new Stop('UNREAD', unreadHere, begin);
  if (opens !== '' && '@`%,]}|>#'.includes(opens)) {
    throw new Stop('BAD_SCALAR_START', `Plain value cannot start with ${opens}`, begin);
  }
  const text = source.slice(begin, limit);
  const stop = isInside ? /[,[\]{}]|:(?=[\s,[\]{}])|\s#/.exec(text) : /:(?=\s|$)|\s#/.exec(text);
  const written = text.slice(0, stop?.index).trimEnd();
  const end = begin + written.length;
  if (stop?.[0] === ':') {
    if (isInside) throw new Stop('UNREAD', unreadHere, begin);
    const hasLines = written.includes('\n');
    throw hasLines
      ? new Stop('MULTILINE_IMPLICIT_KEY', 'Implicit keys need to be on a single line', begin)
      : new Stop('BLOCK_AS_IMPLICIT_KEY', 'Nested mappings are not allowed in compact mappings', begin);
  }
  const folded = foldedLines(written);
  return { value: scalar('PLAIN', written, [begin, end], folded, plainValue(folded, version)), end };
}

function readQuoted(source: string, begin: number, limit: number): { readonly value: Value; readonly end: number } {
  const isDouble = source[begin] === '"';
  const pattern = isDouble ? /"((?:[^"\\]|\\[\s\S])*)"/y : /'((?:[^']|'')*)'/y;
  pattern.lastIndex = begin;
  const match = pattern.exec(source);
  const end = begin + (match?.[0].length ?? 0);
  if (!match || end > limit) throw new Stop('MISSING_CHAR', `Missing closing ${isDouble ? '"' : "'"}quote`, limit);
  const inner = match[1] ?? '';
  const text = isDouble ? unescaped(inner) : foldedLines(inner).replaceAll("''", "'");
  if (text === null) throw new Stop('BAD_DQ_ESCAPE', 'Invalid escape sequence', begin);
  return { value: scalar(isDouble ? 'QUOTE_DOUBLE' : 'QUOTE_SINGLE', match[0], [begin, end], text), end };
}

function readFlowList(
  source: string,
  begin: number,
  limit: number,
  version: '1.1' | '1.2',
): { readonly value: Value; readonly end: number } {
  const items: Value[] = [];
  let [at, needsComma] = [begin + 1, false];
  for (;;) {
    at += /^(?:\s+(?:#[^\n]*)?)*/.exec(source.slice(at, limit))?.[0].length ?? 0;
    const next = at < limit ? source[at] : undefined;
    if (next === undefined) {
      const message = 'Missing closing ]';
      throw new Stop('MISSING_CHAR', message, limit);
    }
    if (next === ']') return { value: sequence(items, [begin, at + 1], true), end: at + 1 };
    if (next === ',') {
      if (!needsComma) throw new Stop('UNEXPECTED_TOKEN', 'Unexpected ,', at);
      needsComma = false;
      at += 1;
      continue;
    }
    if (needsComma) throw new Stop('MISSING_CHAR', 'Missing ,', at);
    const { value, end } = readFlow(source, at, limit, version, true);
    if (end === at) throw new Stop('UNEXPECTED_TOKEN', `Unexpected ${next}`, at);
    items.push(value);
    needsComma = true;
    at = end;
  }
}

import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLError,
} from 'yaml';
import type { NoteProblem, NoteProblemCode } from '../domain/feature-request.ts';
import type { FrontmatterEntry, FrontmatterValue } from './entry.ts';
import { lineAt, locateFrontmatter, type FrontmatterBlock } from './locate.ts';
import { readSimpleFrontmatter } from './read-simple.ts';

/** What a note's frontmatter says. Broken frontmatter still yields the entries that could be read. */
export interface Frontmatter {
  readonly entries: ReadonlyMap<string, FrontmatterEntry>;
  readonly problems: readonly NoteProblem[];
  /** Null when no block could be found at all. */
  readonly block: FrontmatterBlock | null;
  /** The text after the frontmatter, line ends as in the file. */
  readonly body: string;
}

/** Expanding aliases further than this is taken for an attack. */
const maxAliasCount = 100;
/** Properties are short; a longer block is somebody's mistake, or an attack on the parser. */
export const maxBlockLength = 64 * 1024;

export function readFrontmatter(text: string): Frontmatter {
  const location = locateFrontmatter(text);
  if (location.kind !== 'found') {
    return {
      entries: new Map(),
      problems: [location.problem],
      block: null,
      body: location.kind === 'absent' ? text : '',
    };
  }
  const { block } = location;
  const body = text.slice(block.bodyStart);
  const source = text.slice(block.start, block.end);
  const simple = readSimpleFrontmatter(source, 2);
  if (simple) return { entries: byKey(simple), problems: [], block, body };
  const { entries, problems } = readYaml(source, 2);
  return { entries: byKey(entries), problems, block, body };
}

/** Reads a block's YAML with the full parser; `firstLine` is the block's first line in the file. */
export function readYaml(source: string, firstLine: number): { entries: FrontmatterEntry[]; problems: NoteProblem[] } {
  if (source.length > maxBlockLength) return { entries: [], problems: [tooLong(firstLine)] };
  const document = parseBlock(source);
  const problems = document.errors.map((error) => problemOf(error, firstLine, source));
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.source === '')) return { entries: [], problems };
  if (!isMap(contents)) {
    if (problems.length === 0) problems.push(notAMapping(firstLine));
    return { entries: [], problems };
  }
  const entries: FrontmatterEntry[] = [];
  for (const pair of contents.items) {
    const key = keyTextOf(pair.key);
    const offset = isNode(pair.key) ? pair.key.range[0] : 0;
    const line = firstLine - 1 + lineAt(source, offset);
    if (key === null) {
      problems.push(
        problem('frontmatter.yaml', 'A property name is a list or a map.', 'Name each property with a word.', line),
      );
      continue;
    }
    try {
      const value = isNode(pair.value) ? (pair.value.toJS(document, { maxAliasCount }) as FrontmatterValue) : null;
      const target = isAlias(pair.value) ? pair.value.resolve(document) : pair.value;
      const text = value === null ? '' : isScalar(target) ? (target.source ?? '') : null;
      entries.push({ key, value, text, line, itemLines: itemLinesOf(source, pair.value, firstLine) });
    } catch (error) {
      const excessive = error instanceof Error && error.message.startsWith('Excessive');
      const message = excessive
        ? `The value of \`${key}\` repeats other values by alias too many times.`
        : `The value of \`${key}\` begins with \`*\`, and nothing of that name is there to be repeated.`;
      const hint = 'Write the value out, or put text that begins with `*` in double quotes.';
      problems.push(problem('frontmatter.anchor', message, hint, line));
    }
  }
  return { entries, problems };
}

/** Counted on from item to item: counting each from the beginning takes too long for a list that is made for that. */
function itemLinesOf(source: string, value: unknown, firstLine: number): number[] {
  if (!isSeq(value)) return [];
  let at = value.range?.[0] ?? 0;
  let line = firstLine - 1 + lineAt(source, at);
  return value.items.map((item) => {
    const offset = isNode(item) ? (item.range?.[0] ?? at) : at;
    for (; at < offset; at += 1) if (source[at] === '\n') line += 1;
    return line;
  });
}

/** The options under which every part of the product reads YAML in notes. */
export function parseBlock(source: string, version: '1.1' | '1.2' = '1.2'): Document.Parsed {
  return parseDocument(source, {
    ...(version === '1.1' ? { version } : { version, schema: 'core' }),
    keepSourceTokens: true,
    lineCounter: new LineCounter(),
    prettyErrors: true,
    logLevel: 'silent',
  });
}

/** A key as text, whatever type YAML would give it; null when it is no scalar. */
export function keyTextOf(key: unknown): string | null {
  if (isScalar(key)) return key.source ?? '';
  return key === null ? '' : null;
}

/** `source` lets it show the line that is meant. */
export function problemOf(error: YAMLError, firstLine: number, source = ''): NoteProblem {
  const number = error.linePos?.[0].line ?? 1;
  const line = firstLine - 1 + number;
  const message = (error.message.split('\n', 1)[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
  if (error.code === 'DUPLICATE_KEY') {
    return problem('frontmatter.duplicate-key', 'A property is there twice.', 'Keep one of the two lines.', line);
  }
  if (error.code === 'TAB_AS_INDENT') {
    return problem('frontmatter.tab', 'A line is indented with a tab.', 'Indent with two spaces.', line);
  }
  if (error.code === 'BAD_ALIAS') {
    return problem(
      'frontmatter.anchor',
      message,
      'Write the value out, or put text that begins with `*` in quotes.',
      line,
    );
  }
  const colon =
    error.code === 'BLOCK_AS_IMPLICIT_KEY' ? unquotedColon(source.split('\n', number)[number - 1] ?? '') : null;
  if (colon) return problem('frontmatter.yaml', ...colon, line);
  return problem('frontmatter.yaml', `The frontmatter is not valid YAML: ${message}.`, yamlHint(error.code), line);
}

/** What is wrong with `title: Dispatch: one click`, and what to write instead; null for a line of another kind. */
function unquotedColon(written: string): [string, string] | null {
  const [, key, value] = /^([A-Za-z_][\w-]*):[ \t]+([^\s"'{[&*!|>].{0,300}?)\s*$/.exec(written) ?? [];
  if (key === undefined || value === undefined) return null;
  return [
    `The value of \`${key}\` has a colon in it and is not in quotes.`,
    `Put the ${key} in double quotes: \`${key}: ${JSON.stringify(value)}\`.`,
  ];
}

function yamlHint(code: string): string {
  switch (code) {
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return 'Put a value that contains a colon in double quotes, as in `title: "Dispatch: one click"`.';
    case 'MISSING_CHAR':
      return 'Close the quote or the bracket.';
    case 'BAD_SCALAR_START':
      return 'Put a value that begins with @, ` or % in double quotes.';
    default:
      return 'Write one `name: value` a line, and put values with special characters in double quotes.';
  }
}

export function tooLong(line: number): NoteProblem {
  const message = `The frontmatter is longer than ${maxBlockLength / 1024} KiB.`;
  return problem('frontmatter.yaml', message, 'Move long texts below the second `---`.', line);
}

function notAMapping(line: number): NoteProblem {
  const message = 'The frontmatter is not a set of properties.';
  return problem('frontmatter.not-a-mapping', message, 'Write one `name: value` a line.', line);
}

function problem(code: NoteProblemCode, message: string, hint: string, line: number): NoteProblem {
  return { code, message, hint, line, severity: 'error' };
}

/** The first of two entries of one name counts; the second is reported. */
function byKey(entries: readonly FrontmatterEntry[]): ReadonlyMap<string, FrontmatterEntry> {
  const map = new Map<string, FrontmatterEntry>();
  for (const entry of entries) if (!map.has(entry.key)) map.set(entry.key, entry);
  return map;
}

import { isMap, isScalar, type Document, type Pair, type YAMLMap } from 'yaml';
import type { NoteProblem } from '../domain/feature-request.ts';
import { lineAt, locateFrontmatter } from './locate.ts';
import { keyTextOf, maxBlockLength, parseBlock, problemOf, tooLong } from './read.ts';
import { formatScalar } from './scalar.ts';
import { replaceValue, significantEnd, type TextEdit } from './value-edit.ts';

export type SpliceOutcome =
  /** `text` is the identical string when every value was there already. */
  | { readonly kind: 'spliced'; readonly text: string; readonly changed: readonly string[] }
  | { readonly kind: 'refused'; readonly problem: NoteProblem };

export interface SpliceOptions {
  /**
   * Keys that other writers edit. A line that nobody edits is kept between the last of them and appended keys, because
   * a line merge of two edits to adjacent lines is a conflict.
   */
  readonly contested?: readonly string[];
}

/**
 * Sets keys of the frontmatter to texts by replacing only the characters of those values; every other character stays.
 * Keys that are missing are appended at the end of the block, in the given order. The result is read back before it is
 * returned: where another value would change, or a reader would not get exactly the text, nothing is done.
 */
export function spliceFrontmatter(
  text: string,
  keys: readonly (readonly [string, string])[],
  options: SpliceOptions = {},
): SpliceOutcome {
  const location = locateFrontmatter(text);
  if (location.kind !== 'found') return { kind: 'refused', problem: location.problem };
  const { block } = location;
  const source = text.slice(block.start, block.end);
  if (source.length > maxBlockLength) return { kind: 'refused', problem: tooLong(2) };
  const document = parseBlock(source);
  const error = document.errors[0];
  if (error) return { kind: 'refused', problem: problemOf(error, 2) };
  const { contents } = document;
  const map = isMap(contents) ? contents : null;
  if (!map && contents !== null && !(isScalar(contents) && contents.source === ''))
    return refuse('it is not a set of properties', 2);

  const wanted = new Map(keys);
  const edits: TextEdit[] = [];
  const changed: string[] = [];
  const missing: [string, string][] = [];
  const legacy = parseBlock(source, '1.1');
  for (const [key, value] of wanted) {
    const pair = map?.items.find((candidate) => keyTextOf(candidate.key) === key);
    if (!pair) {
      missing.push([key, value]);
      changed.push(key);
    } else if (readsAs(pair, value) && readsAs(pairOf(legacy, key), value)) {
      continue;
    } else {
      const edit = replaceValue(source, pair, value);
      if (!edit)
        return refuse(`the value of \`${key}\` has a form that cannot be replaced in place`, lineOf(source, pair));
      edits.push(...edit);
      changed.push(key);
    }
  }
  if (changed.length === 0) return { kind: 'spliced', text, changed };
  if (missing.length > 0) {
    const addition = append(source, map, missing, block.lineEnd, options.contested ?? []);
    if (!addition) return refuse('it is written as `{…}` in a form that cannot be added to', 2);
    edits.push(addition);
  }
  const spliced = applyEdits(source, edits);
  const broken = difference(document, spliced, wanted);
  if (broken !== null) return refuse(broken, 2);
  return { kind: 'spliced', text: text.slice(0, block.start) + spliced + text.slice(block.end), changed };
}

function append(
  source: string,
  map: YAMLMap | null,
  missing: readonly (readonly [string, string])[],
  lineEnd: string,
  contested: readonly string[],
): TextEdit | null {
  const pairs = missing.map(([key, value]) => `${formatScalar(key)}: ${formatScalar(value)}`);
  if (map?.flow === true) {
    const last = map.items.at(-1);
    if (last) return { from: significantEnd(last), to: significantEnd(last), text: `, ${pairs.join(', ')}` };
    const open = source.indexOf('{', map.range?.[0] ?? 0) + 1;
    return { from: open, to: open, text: pairs.join(', ') };
  }
  const last = map?.items.at(-1);
  const lastKey = last ? keyTextOf(last.key) : null;
  const separate =
    last && contested.includes(lastKey ?? '') && !/\n[ \t]*(?:#.*)?\r?\n/.test(source.slice(significantEnd(last)));
  const first = map?.range?.[0] ?? 0;
  const indent = ' '.repeat(first - (source.lastIndexOf('\n', first - 1) + 1));
  const lines = pairs.map((pair) => indent + pair + lineEnd);
  return { from: source.length, to: source.length, text: (separate ? lineEnd : '') + lines.join('') };
}

function applyEdits(source: string, edits: readonly TextEdit[]): string {
  let result = source;
  for (const edit of [...edits].sort((a, b) => b.from - a.from || b.to - a.to)) {
    result = result.slice(0, edit.from) + edit.text + result.slice(edit.to);
  }
  return result;
}

/** Why the spliced block must not be written; null when it reads back as wanted and everything else as before. */
function difference(before: Document.Parsed, spliced: string, wanted: ReadonlyMap<string, string>): string | null {
  const after = parseBlock(spliced);
  if (after.errors.length > 0) return 'the change would make it unreadable';
  const legacy = parseBlock(spliced, '1.1');
  for (const [key, value] of wanted) {
    if (!readsAs(pairOf(after, key), value) || !readsAs(pairOf(legacy, key), value)) {
      return `\`${key}\` would not read back as written`;
    }
  }
  const others = othersOf(before, wanted);
  return others !== null && others === othersOf(after, wanted) ? null : 'the change would alter another value';
}

/** Every other value in one comparable text; null when an alias cannot be followed. */
function othersOf(document: Document.Parsed, wanted: ReadonlyMap<string, string>): string | null {
  if (!isMap(document.contents)) return '[]';
  try {
    const pairs = (document.contents.items as Pair[]).filter((pair) => !wanted.has(keyTextOf(pair.key) ?? '\u0000'));
    return JSON.stringify(
      pairs.map((pair) => [
        keyTextOf(pair.key) ?? valueOf(pair.key, document),
        isScalar(pair.value) ? [typeof pair.value.value, pair.value.source] : valueOf(pair.value, document),
      ]),
    );
  } catch {
    return null;
  }
}

function valueOf(value: unknown, document: Document.Parsed): unknown {
  const node = value as { toJS?: (document: Document.Parsed, options: { maxAliasCount: number }) => unknown } | null;
  return node?.toJS?.(document, { maxAliasCount: 100 }) ?? null;
}

function pairOf(document: Document.Parsed, key: string): Pair | undefined {
  if (!isMap(document.contents)) return undefined;
  return (document.contents.items as Pair[]).find((pair) => keyTextOf(pair.key) === key);
}

function readsAs(pair: Pair | undefined, value: string): boolean {
  return isScalar(pair?.value) && pair.value.value === value;
}

function lineOf(source: string, pair: Pair): number {
  return 1 + lineAt(source, (pair.key as { range?: readonly number[] } | null)?.range?.[0] ?? 0);
}

function refuse(reason: string, line: number): SpliceOutcome {
  return {
    kind: 'refused',
    problem: {
      code: 'frontmatter.yaml',
      message: `The frontmatter was left alone: ${reason}.`,
      hint: 'Write one plain `name: value` a line.',
      line,
      severity: 'error',
    },
  };
}

import { runnerKeys } from '#shared/domain/note-keys.ts';
import { conflictMarkerLine } from '#shared/domain/sync-damage.ts';
import { textOf, type FrontmatterEntry } from '#shared/frontmatter/entry.ts';
import { lineAt } from '#shared/frontmatter/locate.ts';
import { readFrontmatter, type Frontmatter } from '#shared/frontmatter/read.ts';

/** What a copy that a synchronisation made has, beside its original. There is no common ancestor to go by. */
export type CopyStanding =
  | { readonly kind: 'identical' }
  /** All that stands in the copy stands in the original too; the runner's own properties are not compared. */
  | { readonly kind: 'nothing-new' }
  /** The copy adds lines or properties and changes none: `text` is the original with them. */
  | { readonly kind: 'adds'; readonly text: string; readonly lines: number }
  /** Each says something that the other does not; `what` names the first of it. */
  | { readonly kind: 'differs'; readonly what: string };

export function compareCopy(original: string, copy: string): CopyStanding {
  if (original === copy) return { kind: 'identical' };
  if (conflictMarkerLine(original) !== null || conflictMarkerLine(copy) !== null) {
    return { kind: 'differs', what: 'conflict markers' };
  }
  const ours = readFrontmatter(original);
  const theirs = readFrontmatter(copy);
  const properties = mergeProperties(original, ours, copy, theirs);
  if ('what' in properties) return { kind: 'differs', what: properties.what };
  const body = mergeLines(linesOf(ours.body), linesOf(theirs.body));
  if ('at' in body) {
    const line = (ours.block ? lineAt(original, ours.block.bodyStart) : 1) + body.at;
    return { kind: 'differs', what: `line ${line}` };
  }
  const lines = properties.added.length + body.added;
  if (lines === 0) return { kind: 'nothing-new' };
  const lineEnd = ours.block?.lineEnd ?? (original.includes('\r\n') ? '\r\n' : '\n');
  const head = ours.block ? original.slice(0, ours.block.bodyStart) : '';
  const text =
    withProperties(head, properties, lineEnd) + (body.added === 0 ? ours.body : body.lines.join(lineEnd) + lineEnd);
  // What was merged must read as well as what it was made of, each property as one of the two has it.
  const merged = readFrontmatter(text);
  const isSound = [...new Set([...ours.entries.keys(), ...theirs.entries.keys()])].every((key) => {
    const entry = merged.entries.get(key);
    if (isRunners(key)) return isSameValue(entry, ours.entries.get(key));
    return entry && [ours, theirs].some(({ entries }) => entries.has(key) && isSameValue(entry, entries.get(key)));
  });
  if (ours.block && (merged.problems.length > 0 || !isSound)) return { kind: 'differs', what: 'the properties' };
  return { kind: 'adds', text, lines };
}

interface MergedProperties {
  /** Lines of properties that only the copy has, or of lists that are longer there, without line ends. */
  readonly added: readonly string[];
  /** The line of the original's block, counted from 0, before which each of them goes; the same length. */
  readonly at: readonly number[];
}

function mergeProperties(
  original: string,
  ours: Frontmatter,
  copy: string,
  theirs: Frontmatter,
): MergedProperties | { readonly what: string } {
  if (!ours.block || !theirs.block || ours.problems.length > 0 || theirs.problems.length > 0) {
    const head = (text: string, { block }: Frontmatter): string => (block ? text.slice(0, block.bodyStart) : '');
    const isSame = ours.block && theirs.block && head(original, ours) === head(copy, theirs);
    const isPlain = !ours.block && !theirs.block && original.trimStart().slice(0, 3) !== '---';
    return isSame || isPlain ? { added: [], at: [] } : { what: 'the properties' };
  }
  const oursByKey = chunksOf(original, ours);
  const added: string[] = [];
  const at: number[] = [];
  const newLines: string[] = [];
  const lastOfUser = Math.max(1, ...[...oursByKey].filter(([key]) => !isRunners(key)).map(([, chunk]) => chunk.end));
  for (const [key, chunk] of chunksOf(copy, theirs)) {
    if (isRunners(key)) continue;
    const known = oursByKey.get(key);
    // Several properties on one line, in braces.
    if (chunk.lines.length === 0) return { what: 'the properties' };
    if (!known) {
      newLines.push(...chunk.lines);
      continue;
    }
    if (isSameValue(ours.entries.get(key), theirs.entries.get(key))) continue;
    const isList = [ours, theirs].every(({ entries }) => (entries.get(key)?.itemLines.length ?? 0) > 0);
    if (!isList || known.lines.length < 2 || chunk.lines.length < 2) return { what: `\`${key}\`` };
    const merged = insertions(known.lines, chunk.lines);
    if (merged) {
      added.push(...merged.map(({ line }) => line));
      at.push(...merged.map(({ before }) => known.start + before));
    } else if (!insertions(chunk.lines, known.lines)) {
      return { what: `\`${key}\`` };
    }
  }
  // After what a list just before them is given.
  return { added: [...added, ...newLines], at: [...at, ...newLines.map(() => lastOfUser)] };
}

function isRunners(key: string): boolean {
  return runnerKeys.some((candidate) => candidate === key);
}

function isSameValue(left: FrontmatterEntry | undefined, right: FrontmatterEntry | undefined): boolean {
  const [one, other] = [textOf(left), textOf(right)];
  return one === null || other === null ? JSON.stringify(left?.value) === JSON.stringify(right?.value) : one === other;
}

interface Chunk {
  /** Lines of the file, counted from 0; `end` is the line after the last. */
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** Each property with the lines that belong to it. */
function chunksOf(text: string, { entries, block }: Frontmatter): Map<string, Chunk> {
  const lines = text
    .slice(0, block?.end ?? 0)
    .split(/\r?\n/)
    .slice(0, -1);
  const found = [...entries.values()].sort((left, right) => left.line - right.line);
  return new Map(
    found.map(({ key, line }, index) => {
      const start = line - 1;
      let end = (found[index + 1]?.line ?? lines.length + 1) - 1;
      while (end > start + 1 && /^\s*(?:#.*)?$/.test(lines[end - 1] ?? '')) end -= 1;
      return [key, { start, end, lines: lines.slice(start, end) }];
    }),
  );
}

function withProperties(head: string, { added, at }: MergedProperties, lineEnd: string): string {
  const lines = head.split(/(?<=\n)/);
  return lines.map((line, number) => linesBefore(number) + line).join('');

  function linesBefore(number: number): string {
    return added
      .filter((_, index) => at[index] === number)
      .map((line) => line + lineEnd)
      .join('');
  }
}

/** The lines that `longer` has more than `shorter`, each with the line of `shorter` it goes before; null when it changes any. */
function insertions(
  shorter: readonly string[],
  longer: readonly string[],
): { readonly line: string; readonly before: number }[] | null {
  const found: { readonly line: string; readonly before: number }[] = [];
  let matched = 0;
  for (const line of longer) {
    if (matched < shorter.length && shorter[matched] === line) matched += 1;
    else found.push({ line, before: matched });
  }
  return matched === shorter.length ? found : null;
}

function mergeLines(
  ours: readonly string[],
  theirs: readonly string[],
): { readonly lines: readonly string[]; readonly added: number } | { readonly at: number } {
  if (insertions(theirs, ours)) return { lines: ours, added: 0 };
  if (insertions(ours, theirs)) return { lines: theirs, added: theirs.length - ours.length };
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  return { at: at === -1 ? ours.length : at };
}

/** Without what the end of a file or another system's line ends make different. */
function linesOf(body: string): string[] {
  const trimmed = body.replace(/\s+$/, '');
  return trimmed === '' ? [] : trimmed.split(/\r?\n/);
}

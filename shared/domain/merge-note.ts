import { mergeProperties, sameValue, type KeyClash } from './merge-properties.ts';
import { keyName, runnerKeys, type NoteKeyNames } from './note-keys.ts';
import {
  joinParts,
  propertiesOf,
  segmentsOf,
  type GapSegment,
  type NoteSegments,
  type PropertySegment,
} from './note-segments.ts';

export interface NoteVersions {
  /** What both ends began with; null when both made the note. */
  readonly base: string | null;
  /** The end where the runner works. */
  readonly ours: string;
  readonly theirs: string;
}

/** A three-way merge of lines; null where it is not clean. */
export type LineMerge = (base: string, ours: string, theirs: string) => Promise<string | null>;

export type NoteMerge =
  | { readonly kind: 'merged'; readonly text: string; readonly clashes: readonly KeyClash[] }
  /** Where both ends say different things, as words for a sentence. */
  | { readonly kind: 'conflict'; readonly where: readonly string[] };

/** Merges the properties of a note one by one and its text by lines. A comment, an order or a value of a person is never dropped. */
export async function mergeNote(
  versions: NoteVersions,
  mergeLines: LineMerge,
  names: NoteKeyNames = {},
): Promise<NoteMerge> {
  const lineEnd = mergedLineEnd(versions);
  if (lineEnd === null) return mergeWithin(versions, mergeLines, names);
  const merge = await mergeWithin(withLineFeeds(versions), mergeLines, names);
  if (merge.kind === 'conflict' || lineEnd === '\n') return merge;
  return { ...merge, text: merge.text.replaceAll('\n', lineEnd) };
}

async function mergeWithin(
  { base, ours, theirs }: NoteVersions,
  mergeLines: LineMerge,
  names: NoteKeyNames,
): Promise<NoteMerge> {
  if (ours === theirs || theirs === base) return { kind: 'merged', text: ours, clashes: [] };
  if (ours === base) return { kind: 'merged', text: theirs, clashes: [] };
  const [before, mine, other] = [base === null ? null : segmentsOf(base), segmentsOf(ours), segmentsOf(theirs)];
  if (!mine || !other || (base !== null && !before)) {
    const text = await mergeLines(base ?? '', ours, theirs);
    return text === null ? { kind: 'conflict', where: ['the text'] } : { kind: 'merged', text, clashes: [] };
  }
  const properties = mergeProperties(before, mine, other, names);
  const where = properties.conflicts.map((key) => `\`${key}\``);
  const block = where.length > 0 ? null : await mergedBlock(before, mine, other, properties.decided, mergeLines, names);
  if (where.length === 0 && block === null) where.push('the comments or the order of the properties');
  const body = await mergedText(before?.body ?? '', mine.body, other.body, mergeLines);
  if (body === null) where.push('the text');
  if (block === null || body === null) return { kind: 'conflict', where };
  const open = mine.open === before?.open ? other.open : mine.open;
  const close = mine.close === before?.close ? other.close : mine.close;
  return { kind: 'merged', text: open + block + close + body, clashes: properties.clashes };
}

async function mergedText(base: string, ours: string, theirs: string, mergeLines: LineMerge): Promise<string | null> {
  if (ours === theirs || theirs === base) return ours;
  return ours === base ? theirs : mergeLines(base, ours, theirs);
}

type Decided = ReadonlyMap<string, PropertySegment | null>;

async function mergedBlock(
  base: NoteSegments | null,
  ours: NoteSegments,
  theirs: NoteSegments,
  decided: Decided,
  mergeLines: LineMerge,
  names: NoteKeyNames,
): Promise<string | null> {
  const block =
    sameLayout(ours, base) || sameLayout(ours, theirs)
      ? composed(theirs, ours, decided, names)
      : sameLayout(theirs, base)
        ? composed(ours, theirs, decided, names)
        : await mergeLines(joinParts(base?.parts ?? []), joinParts(ours.parts), joinParts(theirs.parts));
  return block !== null && saysWhatWasDecided(block, decided) ? block : null;
}

/** Whether comments and order are alike, looking only at what both have. */
function sameLayout(one: NoteSegments, other: NoteSegments | null): boolean {
  const layout = (note: NoteSegments | null, known: ReadonlyMap<string, unknown>): string[] =>
    (note?.parts ?? []).flatMap((part) => {
      if (part.key !== null) return known.has(part.key) ? [`${part.key}:`] : [];
      return part.text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '');
    });
  const others = layout(other, propertiesOf(one));
  const own = layout(one, other ? propertiesOf(other) : new Map());
  return own.length === others.length && own.every((line, index) => line === others[index]);
}

/** `skeleton` with every property as decided; those it lacks are put where `source` has them. */
function composed(skeleton: NoteSegments, source: NoteSegments, decided: Decided, names: NoteKeyNames): string {
  const runners = new Set(runnerKeys.map((key) => keyName(names, key)));
  const parts: (PropertySegment | GapSegment)[] = [];
  for (const part of skeleton.parts) {
    const kept = part.key === null ? part : decided.get(part.key);
    if (kept) parts.push(kept);
  }
  let previous: string | null = null;
  for (const { key } of source.parts) {
    const wanted = key === null ? null : decided.get(key);
    if (!wanted) continue;
    if (!parts.some((part) => part.key === key)) {
      const beginsBlock = runners.has(wanted.key) && !parts.some((part) => part.key !== null && runners.has(part.key));
      const after =
        beginsBlock || previous === null ? parts.length - 1 : parts.findLastIndex((part) => part.key === previous);
      if (beginsBlock && parts.length > 0 && !endsWithEmptyLine(parts)) parts.push({ key: null, text: '\n' }, wanted);
      else parts.splice(after + 1, 0, wanted);
    }
    previous = key;
  }
  return joinParts(parts);
}

/** A line that nobody edits keeps the two ends of a note apart for merges by lines. */
function endsWithEmptyLine(parts: NoteSegments['parts']): boolean {
  const last = parts.at(-1);
  return (
    last?.key === null &&
    last.text
      .split('\n')
      .slice(0, -1)
      .some((line) => line.trim() === '')
  );
}

function saysWhatWasDecided(block: string, decided: Decided): boolean {
  const read = segmentsOf(`---\n${block}---\n`);
  if (!read) return false;
  const found = propertiesOf(read);
  const wanted = [...decided].filter(([, property]) => property !== null);
  return wanted.length === found.size && wanted.every(([key, property]) => sameValue(property, found.get(key) ?? null));
}

/** The line end that the merged note has; null when a version mixes them, which are then merged as they are. */
function mergedLineEnd({ base, ours, theirs }: NoteVersions): '\n' | '\r\n' | null {
  const [before, mine, other] = [lineEndOf(base ?? theirs), lineEndOf(ours), lineEndOf(theirs)];
  if (before === null || mine === null || other === null) return null;
  return mine === before ? other : mine;
}

function withLineFeeds({ base, ours, theirs }: NoteVersions): NoteVersions {
  const plain = (text: string): string => text.replaceAll('\r\n', '\n');
  return { base: base === null ? null : plain(base), ours: plain(ours), theirs: plain(theirs) };
}

export function lineEndOf(text: string): '\n' | '\r\n' | null {
  if (!text.includes('\r')) return '\n';
  return /(?<!\r)\n|\r(?!\n)/.test(text) ? null : '\r\n';
}

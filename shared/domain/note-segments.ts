import { isMap } from 'yaml';
import type { FrontmatterValue } from '../frontmatter/entry.ts';
import { locateFrontmatter } from '../frontmatter/locate.ts';
import { keyTextOf, parseBlock, readFrontmatter } from '../frontmatter/read.ts';
import { significantEnd } from '../frontmatter/value-edit.ts';

/** A property with all its lines, comments on them included. */
export interface PropertySegment {
  readonly key: string;
  /** Whole lines, the last line end included. */
  readonly text: string;
  readonly value: FrontmatterValue;
  /** A scalar as written, without quotes; null for lists and maps. */
  readonly scalar: string | null;
}

/** Comments and empty lines between properties. */
export interface GapSegment {
  readonly key: null;
  readonly text: string;
}

/** A note cut into pieces that, joined, are the note again. */
export interface NoteSegments {
  /** Up to and including the opening fence's line. */
  readonly open: string;
  readonly parts: readonly (PropertySegment | GapSegment)[];
  /** The closing fence's line. */
  readonly close: string;
  readonly body: string;
}

/** Null where the frontmatter is missing, broken or not one property a line, so that it cannot be cut. */
export function segmentsOf(text: string): NoteSegments | null {
  const location = locateFrontmatter(text);
  if (location.kind !== 'found') return null;
  const { start, end, bodyStart } = location.block;
  const parts = partsOf(text.slice(start, end), readFrontmatter(text));
  return parts && { open: text.slice(0, start), parts, close: text.slice(end, bodyStart), body: text.slice(bodyStart) };
}

export function joinParts(parts: NoteSegments['parts']): string {
  return parts.map((part) => part.text).join('');
}

export function propertiesOf(note: NoteSegments): ReadonlyMap<string, PropertySegment> {
  return new Map(note.parts.flatMap((part) => (part.key === null ? [] : [[part.key, part] as const])));
}

function partsOf(source: string, read: ReturnType<typeof readFrontmatter>): NoteSegments['parts'] | null {
  if (read.problems.length > 0) return null;
  const { contents, errors } = parseBlock(source);
  if (errors.length > 0) return null;
  if (!isMap(contents)) return read.entries.size === 0 ? gap(source) : null;
  if (contents.flow === true) return null;
  const parts: (PropertySegment | GapSegment)[] = [];
  let at = 0;
  for (const pair of contents.items) {
    const key = keyTextOf(pair.key);
    const entry = key === null ? undefined : read.entries.get(key);
    const offset = (pair.key as { range?: readonly number[] } | null)?.range?.[0];
    if (key === null || entry === undefined || offset === undefined) return null;
    const begin = source.lastIndexOf('\n', offset - 1) + 1;
    if (begin < at || source.slice(begin, offset).trim() !== '') return null;
    const lineEnd = source.indexOf('\n', Math.max(significantEnd(pair) - 1, offset));
    const finish = lineEnd === -1 ? source.length : lineEnd + 1;
    parts.push(...gap(source.slice(at, begin)));
    parts.push({ key, text: source.slice(begin, finish), value: entry.value, scalar: entry.text });
    at = finish;
  }
  return [...parts, ...gap(source.slice(at))];
}

function gap(text: string): GapSegment[] {
  return text === '' ? [] : [{ key: null, text }];
}

import { spliceFrontmatter } from '../frontmatter/splice.ts';
import { sameValue, statusMovedByRunner } from './merge-properties.ts';
import { keyName, runnerKeys, type NoteKeyNames } from './note-keys.ts';
import { joinParts, propertiesOf, segmentsOf, type NoteSegments } from './note-segments.ts';

/**
 * `before` with only what the runner changed in `after`: the keys of its block, and the status where it moved together with
 * them. Identical to `after` when nobody else changed anything; null when the runner changed nothing, or it cannot be told.
 */
export function runnerShare(before: string, after: string, names: NoteKeyNames = {}): string | null {
  if (before === after) return null;
  const [old, now] = [segmentsOf(before), segmentsOf(after)];
  if (!old || !now) return null;
  const [had, has] = [propertiesOf(old), propertiesOf(now)];
  const keys: [string, string][] = [];
  const take = (key: string): void => {
    const property = has.get(key);
    if (!property || property.scalar === null || sameValue(had.get(key) ?? null, property)) return;
    keys.push([key, typeof property.value === 'string' ? property.value : property.scalar]);
  };
  for (const key of runnerKeys) take(keyName(names, key));
  if (statusMovedByRunner(old, now, names)) take(keyName(names, 'status'));
  if (keys.length === 0) return null;
  const taken = new Set(keys.map(([key]) => key));
  if (remainder(old, taken) === remainder(now, taken)) return after;
  const contested = [keyName(names, 'status'), keyName(names, 'decision')];
  const spliced = spliceFrontmatter(before, keys, { contested });
  return spliced.kind === 'spliced' && spliced.text !== before ? spliced.text : null;
}

/** Whether `after` differs from `before` in nothing but what the runner writes. */
export function onlyRunnerChanged(before: string, after: string, names: NoteKeyNames = {}): boolean {
  return before === after || runnerShare(before, after, names) === after;
}

function remainder(note: NoteSegments, without: ReadonlySet<string>): string {
  const parts = note.parts.filter((part) => (part.key === null ? part.text.trim() !== '' : !without.has(part.key)));
  return note.open + joinParts(parts) + note.close + note.body;
}

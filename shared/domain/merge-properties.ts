import { spliceFrontmatter } from '../frontmatter/splice.ts';
import { keyName, runnerKeys, type NoteKeyNames } from './note-keys.ts';
import { propertiesOf, type NoteSegments, type PropertySegment } from './note-segments.ts';
import { statusFrom } from './note-words.ts';

/** A property that both ends had changed, and whose value stayed. Texts are as a person would read them. */
export interface KeyClash {
  readonly key: string;
  /** The runner's value. */
  readonly runner: string;
  readonly person: string;
  readonly kept: 'runner' | 'person';
}

/** What becomes of each property: its lines, or null where it goes. */
export interface MergedProperties {
  readonly decided: ReadonlyMap<string, PropertySegment | null>;
  readonly clashes: readonly KeyClash[];
  /** Properties that people changed to different values at both ends. */
  readonly conflicts: readonly string[];
}

type Property = PropertySegment | null;

/** Merges property by property: the runner's block is the end's where the runner works (`ours`), all else is people's. */
export function mergeProperties(
  base: NoteSegments | null,
  ours: NoteSegments,
  theirs: NoteSegments,
  names: NoteKeyNames,
): MergedProperties {
  const [before, mine, other] = [
    base ? propertiesOf(base) : new Map<string, never>(),
    propertiesOf(ours),
    propertiesOf(theirs),
  ];
  const runnersOwn = new Set(runnerKeys.map((key) => keyName(names, key)));
  const status = keyName(names, 'status');
  const moved = base !== null && statusMovedByRunner(base, ours, names);
  const decided = new Map<string, Property>();
  const clashes: KeyClash[] = [];
  const conflicts: string[] = [];
  for (const key of new Set([...other.keys(), ...mine.keys(), ...before.keys()])) {
    const [b, o, t] = [before.get(key) ?? null, mine.get(key) ?? null, other.get(key) ?? null];
    const settled = settle(b, o, t);
    if (settled !== undefined) {
      decided.set(key, settled);
      continue;
    }
    const kept = runnersOwn.has(key) ? 'runner' : key === status && moved ? 'person' : null;
    if (kept === null) conflicts.push(key);
    else clashes.push({ key, runner: shown(o), person: shown(t), kept });
    decided.set(key, kept === 'person' ? t : o);
  }
  return { decided, clashes, conflicts };
}

const statusesOfTheRunner = ['in-progress', 'in-review', 'done', 'needs-human', 'blocked', 'parked', 'rejected'];

/** The runner moves the status only together with its block; a status that moved alone is a person's. */
export function statusMovedByRunner(before: NoteSegments, after: NoteSegments, names: NoteKeyNames): boolean {
  const name = keyName(names, 'status');
  const [old, now] = [propertiesOf(before), propertiesOf(after)];
  const status = statusFrom(now.get(name)?.scalar ?? '');
  if (status === null || !statusesOfTheRunner.includes(status)) return false;
  if (sameValue(old.get(name) ?? null, now.get(name) ?? null)) return false;
  return runnerKeys.some((key) => {
    const own = keyName(names, key);
    return !sameValue(old.get(own) ?? null, now.get(own) ?? null);
  });
}

export function sameValue(one: Property, other: Property): boolean {
  return JSON.stringify(one?.value) === JSON.stringify(other?.value);
}

/** Undefined where both ends changed the value, or a comment would be lost. */
function settle(base: Property, ours: Property, theirs: Property): Property | undefined {
  if (ours?.text === theirs?.text || theirs?.text === base?.text) return ours;
  if (ours?.text === base?.text) return theirs;
  if (sameValue(ours, theirs)) return chosenByComment(base, ours, theirs);
  if (sameValue(ours, base)) return withValueOf(base, ours, theirs);
  if (sameValue(theirs, base)) return withValueOf(base, theirs, ours);
  return undefined;
}

function chosenByComment(base: Property, ours: Property, theirs: Property): Property | undefined {
  if (commentOf(ours) === commentOf(base) || commentOf(ours) === commentOf(theirs)) return theirs;
  return commentOf(theirs) === commentOf(base) ? ours : undefined;
}

/** One end changed only how the property is written, the other its value. */
function withValueOf(base: Property, written: Property, valued: Property): Property | undefined {
  if (commentOf(written) === commentOf(base)) return valued;
  if (written === null || valued === null || typeof valued.value !== 'string') return undefined;
  const spliced = spliceFrontmatter(`---\n${written.text}---\n`, [[written.key, valued.value]]);
  return spliced.kind === 'spliced' ? { ...valued, text: spliced.text.slice(4, -4) } : undefined;
}

/** Cautious: a `#` inside quotes counts too. */
function commentOf(property: Property): string {
  return (property?.text.match(/(?<=^|\s)#.*$/gm) ?? []).join('\n').trim();
}

function shown(property: Property): string {
  if (property === null) return '(removed)';
  return property.scalar ?? JSON.stringify(property.value);
}

import { findCycles } from './dependency-cycles.ts';
import type { FeatureRequest, NoteProblem } from './feature-request.ts';
import { noteName, type DependencyLink } from './note-link.ts';
import type { ParsedFeatureRequest } from './parse-feature-request.ts';

/** What a link can name: ids, paths, file names and aliases of the notes that count. */
export interface LinkIndex {
  readonly byId: ReadonlyMap<string, readonly ParsedFeatureRequest[]>;
  readonly byName: ReadonlyMap<string, readonly ParsedFeatureRequest[]>;
  readonly byAlias: ReadonlyMap<string, readonly ParsedFeatureRequest[]>;
}

/**
 * Looks at all notes together: `dependsOn` becomes ids, and duplicate ids, links that lead nowhere or to several
 * notes, and cycles become problems of every note concerned. Copies made by a synchronisation count for nothing.
 */
export function linkFeatureRequests(notes: readonly ParsedFeatureRequest[]): FeatureRequest[] {
  const index = indexLinks(notes);
  const linked = notes.map((note) => {
    const found = note.links.map((link) => ({ link, ...dependencyOf(note, link, index) }));
    const unresolved = found.flatMap(({ problem }) => problem ?? []);
    return {
      note,
      problems: [...note.problems, ...duplicateProblems(note, index), ...unresolved],
      ...dependencyIds(found),
    };
  });

  const edges = new Map<string, readonly string[]>();
  for (const { note, dependsOn } of linked) {
    if (note.id !== '' && !isCopy(note)) edges.set(note.id, [...(edges.get(note.id) ?? []), ...dependsOn]);
  }
  const cycles = findCycles(edges);
  return linked.map(({ note, problems, dependsOn, bodyDependsOn }) => {
    const cycle = isCopy(note) ? undefined : cycles.get(note.id);
    if (cycle) problems.push(cycleProblem(cycle, note, index));
    const { links: _links, idLine: _idLine, ...featureRequest } = note;
    return { ...featureRequest, dependsOn, ...(bodyDependsOn.length > 0 && { bodyDependsOn }), problems };
  });
}

/**
 * What one link of a note makes it depend on. In prose a note may name itself, and a link to any other note says nothing;
 * with neither `id` nor `problem` the link does not count.
 */
export function dependencyOf(
  note: Pick<FeatureRequest, 'id'>,
  link: DependencyLink,
  index: LinkIndex,
): { readonly id?: string; readonly problem?: NoteProblem } {
  const found = resolveLink(link, index);
  if ('id' in found) return link.mention !== undefined && found.id === note.id ? {} : found;
  return link.mention === 'name' && found.problem.code === 'depends-on.unresolved' ? {} : found;
}

function dependencyIds(found: readonly { readonly link: DependencyLink; readonly id?: string }[]): {
  readonly dependsOn: readonly string[];
  readonly bodyDependsOn: readonly string[];
} {
  const idsOf = (links: typeof found): string[] => links.flatMap(({ id }) => id ?? []);
  const dependsOn = new Set(idsOf(found));
  const inKey = new Set(idsOf(found.filter(({ link }) => link.mention === undefined)));
  return { dependsOn: [...dependsOn], bodyDependsOn: [...dependsOn].filter((id) => !inKey.has(id)) };
}

export function indexLinks(notes: readonly ParsedFeatureRequest[]): LinkIndex {
  const byId = new Map<string, ParsedFeatureRequest[]>();
  const byName = new Map<string, ParsedFeatureRequest[]>();
  const byAlias = new Map<string, ParsedFeatureRequest[]>();
  for (const note of notes) {
    if (isCopy(note)) continue;
    if (note.id !== '') add(byId, note.id, note);
    add(byName, noteName(note.path), note);
    for (const alias of note.aliases) add(byAlias, alias, note);
  }
  return { byId, byName, byAlias };
}

/** The id a link leads to: by id first, then by path or file name, then by alias. */
export function resolveLink(link: DependencyLink, index: LinkIndex): { id: string } | { problem: NoteProblem } {
  const candidates = candidatesFor(link.target, index);
  const ids = new Set(candidates.map((note) => note.id));
  const [note] = candidates;
  const isInBody = link.mention !== undefined;
  // In prose, two notes of one id are that id; whose mistake it is, the notes themselves are told.
  if (note && note.id !== '' && (candidates.length === 1 || (isInBody && ids.size === 1))) return { id: note.id };
  const written = `\`${link.target.slice(0, 120)}\``;
  if (!note && isInBody) {
    const hint = 'Write the id of one that exists, or put it in backticks where it is no dependency.';
    const message = `The text names ${written} as a dependency, and no feature request is called that.`;
    return { problem: { ...error('depends-on.unresolved', message, hint, link.line), severity: 'warning' } };
  }
  if (!note) {
    return {
      problem: error(
        'depends-on.unresolved',
        `No feature request is called ${written}.`,
        'Write the id of one that exists, as in `"[[FR-009]]"`.',
        link.line,
      ),
    };
  }
  const paths = candidates.map((candidate) => candidate.path);
  if (candidates.length === 1) {
    const message = `${written} is ${note.path}, which has no usable id.`;
    return { problem: error('depends-on.unresolved', message, `Give ${note.path} an id.`, link.line) };
  }
  const hint = ids.size === 1 ? 'Give each of those notes an id of its own.' : 'Write the id of the one that is meant.';
  const ambiguous = error('depends-on.ambiguous', `${written} can be any of ${listOf(paths)}.`, hint, link.line);
  return { problem: isInBody ? { ...ambiguous, severity: 'warning' } : ambiguous };
}

function candidatesFor(target: string, index: LinkIndex): readonly ParsedFeatureRequest[] {
  const byId = index.byId.get(fold(target));
  if (byId) return byId;
  const name = noteName(target);
  const named = index.byName.get(fold(name)) ?? [];
  if (name !== target) {
    const suffix = `/${fold(target)}.md`;
    const exact = named.filter((note) => `/${fold(note.path)}`.endsWith(suffix));
    return exact.length > 0 ? exact : (index.byId.get(fold(name)) ?? named);
  }
  return named.length > 0 ? named : (index.byAlias.get(fold(target)) ?? []);
}

function duplicateProblems(note: ParsedFeatureRequest, index: LinkIndex): NoteProblem[] {
  if (note.id === '' || isCopy(note)) return [];
  const others = (index.byId.get(fold(note.id)) ?? []).filter((other) => other.path !== note.path);
  if (others.length === 0) return [];
  const message = `${note.id} is the id of ${listOf(others.map((other) => other.path))} too.`;
  return [error('id.duplicate', message, 'Give all but one of them another id.', note.idLine)];
}

function cycleProblem(cycle: readonly string[], note: ParsedFeatureRequest, index: LinkIndex): NoteProblem {
  const next = cycle[cycle.indexOf(note.id) + 1];
  const onward = note.links.find((link) => {
    const found = resolveLink(link, index);
    return 'id' in found && found.id === next;
  });
  const isInBody = onward?.mention !== undefined;
  const shown = cycle.length > 60 ? [...cycle.slice(0, 57), '…', ...cycle.slice(-2)] : cycle;
  const place = isInBody ? ` The text in line ${onward.line} leads on to ${next ?? ''}.` : '';
  const message =
    cycle.length === 2
      ? `${note.id} depends on itself.`
      : `These depend on each other in a circle: ${shown.join(' → ')}.${place}`;
  return error(
    'depends-on.cycle',
    message,
    isInBody ? 'Reword that line, or remove one of the other links.' : 'Remove one of these links from `depends_on`.',
    (onward ?? note.links[0])?.line ?? note.idLine,
  );
}

function isCopy(note: FeatureRequest): boolean {
  return note.problems.some((problem) => problem.code === 'note.sync-conflict');
}

/** Links and file names are compared as Obsidian does, without regard to case or Unicode form. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function add(map: Map<string, ParsedFeatureRequest[]>, name: string, note: ParsedFeatureRequest): void {
  const key = fold(name);
  const list = map.get(key);
  if (!list) map.set(key, [note]);
  else if (!list.includes(note)) list.push(note);
}

function listOf(paths: readonly string[]): string {
  const shown = paths.length > 5 ? [...paths.slice(0, 4), `${paths.length - 4} more`] : paths;
  return shown.length === 1 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

function error(code: NoteProblem['code'], message: string, hint: string, line: number): NoteProblem {
  return { code, message, hint, line, severity: 'error' };
}

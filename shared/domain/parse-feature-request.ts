import { textOf, type FrontmatterValue } from '../frontmatter/entry.ts';
import { lineAt } from '../frontmatter/locate.ts';
import { readFrontmatter, type Frontmatter } from '../frontmatter/read.ts';
import { bodyDependencies } from './body-dependencies.ts';
import type { FeatureRequest, FeatureRequestNote, NoteProblem } from './feature-request.ts';
import { defaultIdPattern, isSafeId } from './ids.ts';
import { linkTargets, noteName, type DependencyLink } from './note-link.ts';
import { keyName, runnerKeys, type NoteKeyNames } from './note-keys.ts';
import { NoteReader } from './note-reader.ts';
import { readAutoMerge, readBudget, readComplexity, readIssue, readPriority } from './note-values.ts';
import { statusFrom, statusHint } from './note-words.ts';
import { conflictMarkerLine, isConflictCopyName } from './sync-damage.ts';

export interface FeatureRequestReading {
  /** Hashes the user's part of the note, for `contentHash`. */
  readonly hash: (text: string) => string;
  readonly idPattern?: string;
  readonly keys?: NoteKeyNames;
  /** The names in opus.yml; a note that names another repository has a problem. Unchecked when absent. */
  readonly repositories?: readonly string[];
  /** Whether phrases of the body such as "after FR-009" are dependencies too. */
  readonly bodyDependencies?: boolean;
}

/** A note read on its own: what it depends on is still as written, and `dependsOn` only a guess from the names. */
export interface ParsedFeatureRequest extends FeatureRequest {
  readonly links: readonly DependencyLink[];
  /** The line of the id, for problems that only show among all notes; 1 when there is none. */
  readonly idLine: number;
}

/** Reads one FR note. Never throws for what a user wrote: everything wrong comes back as a problem. */
export function parseFeatureRequest(
  path: string,
  text: string,
  reading: FeatureRequestReading,
): ParsedFeatureRequest & FeatureRequestNote {
  const frontmatter = readFrontmatter(text);
  const file = fileProblems(path, text);
  const isConflict = file.some((problem) => problem.code === 'note.conflict-marker');
  const note = new NoteReader(frontmatter, reading.keys ?? {}, isConflict);
  note.problems.push(...file);
  const idPattern = reading.idPattern ?? defaultIdPattern;
  const id = readId(note, text, frontmatter, idPattern);
  const links = frontmatter.block && !(isConflict && note.isBroken) ? readLinks(note) : [];
  if (reading.bodyDependencies && frontmatter.block && !isConflict) {
    const firstLine = lineAt(text, frontmatter.block.bodyStart);
    links.push(...bodyDependencies(frontmatter.body, firstLine, idPattern).filter(({ target }) => target !== id));
  }
  const status = note.text('status');
  const readStatus = statusFrom(status.text);
  if (frontmatter.block && readStatus === null) {
    if (status.text === '') note.report('status.missing', 'The note has no status.', statusHint, status.line);
    else note.report('status.unknown', `\`${status.text}\` is no status.`, statusHint, status.line);
  }
  return {
    path,
    id,
    idLine: note.line('id'),
    title: readTitle(note, frontmatter.body, path),
    status: readStatus,
    priority: readPriority(note),
    repo: readRepository(note, reading.repositories),
    dependsOn: [...new Set(links.filter((link) => link.mention !== 'name').map((link) => noteName(link.target)))],
    links,
    decision: readDecision(note),
    base: readName(note, 'base', /^[A-Za-z0-9_][\w./+@-]*$/, 'Write the name of a branch, such as `main`.'),
    agent: readName(note, 'agent', /^[\p{L}\p{N}_][\p{L}\p{N}_. -]*$/u, 'Write the name of an agent note.'),
    complexity: readComplexity(note),
    budget: readBudget(note),
    autoMerge: readAutoMerge(note),
    issue: readIssue(note),
    aliases: note.texts('aliases'),
    tags: note.texts('tags').map((tag) => tag.replace(/^#/, '')),
    body: frontmatter.body,
    contentHash: reading.hash(usersPart(frontmatter, text, reading.keys ?? {})),
    problems: note.problems,
  };
}

function fileProblems(path: string, text: string): NoteProblem[] {
  const problems: NoteProblem[] = [];
  if (isConflictCopyName(noteName(path))) {
    problems.push({
      code: 'note.sync-conflict',
      message: 'The file is a copy that a synchronisation made of another note.',
      hint: 'Take over what you need into the original and delete this copy.',
      line: 1,
      severity: 'error',
    });
  }
  const marker = conflictMarkerLine(text);
  if (marker !== null) {
    problems.push({
      code: 'note.conflict-marker',
      message: 'The note contains a merge conflict that nobody has settled.',
      hint: 'Keep one of the two versions and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`.',
      line: marker,
      severity: 'error',
    });
  }
  return problems;
}

function readId(note: NoteReader, text: string, frontmatter: Frontmatter, pattern: string): string {
  let { text: id } = note.text('id');
  const { line } = note.text('id');
  if (id === '' && frontmatter.problems.length > 0) {
    // Broken YAML still has lines: an id that can be seen names the note in everything said about it.
    id = /^id:[ \t]*["']?([^\s"'#]+)/m.exec(text.slice(0, 4_000))?.[1] ?? '';
    return isSafeId(id, pattern) ? id : '';
  }
  if (isSafeId(id, pattern)) return id;
  const name = note.name('id');
  const hint =
    pattern === defaultIdPattern
      ? `Write capital letters, a hyphen and a number, as in \`${name}: FR-012\`.`
      : `Write an id that matches \`${pattern}\`.`;
  if (id === '') note.report('id.missing', 'The note has no id.', hint, line);
  else note.report('id.invalid', `\`${id.slice(0, 80)}\` cannot be used as an id.`, hint, line);
  return '';
}

function readTitle(note: NoteReader, body: string, path: string): string {
  const entry = note.entry('title');
  const text = textOf(entry);
  if (text === null) {
    const hint = 'Put the title in double quotes, as in `title: "Dispatch: one click"`.';
    note.report('title.invalid', 'The title is not a text.', hint, entry?.line ?? 1, 'warning');
  } else if (text !== '') {
    return text.replace(/\s+/g, ' ');
  }
  const heading = /^#{1,6}[ \t]+(\S.{0,300})/m.exec(body.slice(0, 20_000))?.[1];
  return heading?.replace(/\s#+\s*$/, '').trim() ?? noteName(path);
}

function readRepository(note: NoteReader, known: readonly string[] | undefined): string | null {
  const { text, line } = note.text('repo');
  if (text === '') return null;
  if (known && !known.includes(text)) {
    const names = known.length === 0 ? 'Name one under `repos` in opus.yml.' : `Write one of: ${known.join(', ')}.`;
    note.report('repo.unknown', `opus.yml names no repository \`${text}\`.`, names, line);
  }
  return text;
}

function readDecision(note: NoteReader): string {
  const entry = note.entry('decision');
  const text = textOf(entry);
  if (text !== null) return text;
  const name = note.name('decision');
  const hint = `Put the decision in double quotes, as in \`${name}: "changes 1234abcd title: shorter"\`.`;
  note.report('key.invalid', 'The decision is not a text.', hint, entry?.line ?? 1, 'warning');
  return '';
}

function readName(note: NoteReader, key: 'base' | 'agent', shape: RegExp, hint: string): string | null {
  const { text, line } = note.text(key);
  if (text === '') return null;
  if (shape.test(text) && !text.includes('..')) return text;
  note.report('key.invalid', `\`${text.slice(0, 80)}\` cannot be used as \`${note.name(key)}\`.`, hint, line);
  return null;
}

function readLinks(note: NoteReader): DependencyLink[] {
  const entry = note.entry('depends_on');
  if (!entry) return [];
  const links: DependencyLink[] = [];
  const hint = 'Write a list of links in quotes, as in `- "[[FR-009]]"`.';
  const read = (item: FrontmatterValue, line: number): boolean => {
    if (item === null || item === '') return true;
    if (typeof item === 'number') return read(String(item), line);
    const targets = typeof item === 'string' ? linkTargets(item) : unquotedLink(item);
    links.push(...(targets ?? []).map((target) => ({ target, line })));
    return targets !== null;
  };
  const items =
    Array.isArray(entry.value) && !unquotedLink(entry.value) ? (entry.value as readonly FrontmatterValue[]) : null;
  for (const [at, item] of (items ?? [entry.text ?? entry.value]).entries()) {
    const line = (items && entry.itemLines[at]) ?? entry.line;
    if (read(item, line)) continue;
    note.report('depends-on.invalid', `\`${JSON.stringify(item).slice(0, 80)}\` is no link to a note.`, hint, line);
  }
  return links;
}

/** `[[FR-009]]` without quotes is a list in a list to YAML: what was meant is read all the same. */
function unquotedLink(value: FrontmatterValue): string[] | null {
  if (!Array.isArray(value) || value.length !== 1) return null;
  const inner = (value as readonly FrontmatterValue[])[0];
  if (!Array.isArray(inner) || inner.length !== 1) return null;
  const name = (inner as readonly FrontmatterValue[])[0];
  return typeof name === 'string' ? linkTargets(`[[${name}]]`) : null;
}

/** The body and the user's properties in one text, whatever their order, quotes and line ends. */
function usersPart(frontmatter: Frontmatter, text: string, names: NoteKeyNames): string {
  if (!frontmatter.block) return text;
  const ignored = new Set<string>(
    [...runnerKeys, 'status' as const, 'decision' as const].map((key) => keyName(names, key)),
  );
  const properties = [...frontmatter.entries.values()]
    .filter((entry) => !ignored.has(entry.key))
    .map((entry) => [entry.key, entry.text ?? entry.value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([properties, frontmatter.body.replaceAll('\r\n', '\n')]);
}

import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { mergeNote } from '#shared/domain/merge-note.ts';
import { keyName, type NoteKeyNames } from '#shared/domain/note-keys.ts';
import { onlyRunnerChanged } from '#shared/domain/runner-share.ts';
import { textOf } from '#shared/frontmatter/entry.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import type { VaultRepository } from './vault-git-repository.ts';
import {
  gitlinkMode,
  readBlobs,
  symbolicLinkMode,
  type TreeChange,
  type TreeChanges,
  type TreeEntry,
} from './vault-git-objects.ts';
import { writeBlob } from './vault-git-objects.ts';

export type ContentMerge =
  | { readonly kind: 'merged'; readonly bytes: Buffer; readonly notes: readonly string[] }
  | { readonly kind: 'conflict'; readonly where: string };

/** Merges the versions of one file: notes by property and line, other text by line, all else only where one end changed it. */
export type ContentMerger = (path: string, base: Buffer | null, ours: Buffer, theirs: Buffer) => Promise<ContentMerge>;

export function createContentMerger(repository: VaultRepository, names: NoteKeyNames): ContentMerger {
  const mergeLines = (base: string, ours: string, theirs: string): Promise<string | null> =>
    mergedLines(repository, base, ours, theirs);
  return async (path, base, ours, theirs) => {
    if (ours.equals(theirs) || (base?.equals(theirs) ?? false)) return { kind: 'merged', bytes: ours, notes: [] };
    if (base?.equals(ours) ?? false) return { kind: 'merged', bytes: theirs, notes: [] };
    if ([base, ours, theirs].some((bytes) => bytes !== null && !isText(bytes))) {
      return { kind: 'conflict', where: 'it is no text' };
    }
    const versions = {
      base: base?.toString('utf8') ?? null,
      ours: ours.toString('utf8'),
      theirs: theirs.toString('utf8'),
    };
    if (!/\.md$/i.test(path)) {
      const text = await mergeLines(versions.base ?? '', versions.ours, versions.theirs);
      if (text === null) return { kind: 'conflict', where: 'the text' };
      return { kind: 'merged', bytes: Buffer.from(text, 'utf8'), notes: [] };
    }
    const merge = await mergeNote(versions, mergeLines, names);
    if (merge.kind === 'conflict') return { kind: 'conflict', where: merge.where.join(', ') };
    const notes = merge.clashes.map(
      ({ key, runner, person, kept }) =>
        `${path}: \`${key}\` was set to '${runner}' by the runner and to '${person}' by a person; the ${kept}'s value stays.`,
    );
    return { kind: 'merged', bytes: Buffer.from(merge.text, 'utf8'), notes };
  };
}

function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}

async function mergedLines(
  { git, own }: VaultRepository,
  base: string,
  ours: string,
  theirs: string,
): Promise<string | null> {
  const stem = join(own, `merge-${randomBytes(6).toString('hex')}`);
  const files = [`${stem}.ours`, `${stem}.base`, `${stem}.theirs`] as const;
  try {
    await Promise.all([writeFile(files[0], ours), writeFile(files[1], base), writeFile(files[2], theirs)]);
    const { exitCode, stdout, stderr } = await git.run(['merge-file', '-p', '--quiet', ...files]);
    if (exitCode === 0) return stdout;
    if (exitCode > 0 && exitCode < 128) return null;
    throw new OpusError(
      'vault.git-failed',
      `Two versions of a note could not be compared: ${stderr.trim().slice(0, 300)}`,
    );
  } finally {
    await Promise.all(files.map((file) => rm(file, { force: true })));
  }
}

export interface TreeMerge {
  /** What to change in their tree; null takes a path out. */
  readonly entries: ReadonlyMap<string, TreeEntry | null>;
  readonly notes: readonly string[];
  /** A sentence's part for each file that cannot be merged. */
  readonly conflicts: readonly string[];
}

export interface TreeMergeOptions {
  readonly merge: ContentMerger;
  readonly names: NoteKeyNames;
  /** Whether a file is a run report, of which both versions are kept when they cannot be merged. */
  readonly isReport: (path: string) => boolean;
  /** For the names of files that are kept beside. */
  readonly date: string;
}

/** Brings our changes into their tree; both begin at the same commit. */
export async function mergeTrees(
  repository: VaultRepository,
  ours: TreeChanges,
  theirs: TreeChanges,
  options: TreeMergeOptions,
): Promise<TreeMerge> {
  const entries = new Map<string, TreeEntry | null>();
  const notes: string[] = [];
  const conflicts: string[] = [];
  const both = [...ours].filter(([path, { after }]) => {
    const other = theirs.get(path);
    if (!other) entries.set(path, after);
    return other !== undefined && !isSame(after, other.after);
  });
  const ids = both.flatMap(([path, { before, after }]) => [before, after, theirs.get(path)?.after ?? null]);
  const blobs = await readBlobs(
    repository,
    ids.flatMap((entry) => (entry !== null && isPlain(entry) ? [entry.id] : [])),
  );
  const bytesOf = (entry: TreeEntry | null): Buffer | null => (entry ? (blobs.get(entry.id) ?? null) : null);

  const hasMoved = both.some(([path, { after }]) => after !== null && (theirs.get(path)?.after ?? null) === null);
  const movedTo = hasMoved ? await addedNotes(repository, theirs, options.names) : new Map<string, TreeFile>();

  /** A note that was given another name or folder at the remote is the same note. */
  async function settleMoved(before: TreeEntry | null, after: TreeEntry): Promise<boolean> {
    const [old, own] = [bytesOf(before), bytesOf(after)];
    const moved = old && movedTo.get(idOf(old, options.names));
    if (!old || !own || !moved) return false;
    const merged = await options.merge(moved.path, old, own, moved.bytes);
    if (merged.kind === 'conflict') return false;
    notes.push(...merged.notes);
    entries.set(moved.path, { mode: moved.entry.mode, id: await writeBlob(repository, merged.bytes) });
    return true;
  }

  async function settle(path: string, { before, after }: TreeChange, other: TreeEntry | null): Promise<void> {
    if (after === null) {
      notes.push(`${path} was deleted here and changed at the remote; the changed file stays.`);
      return;
    }
    if (other === null) {
      if (await settleMoved(before, after)) return;
      const [old, now] = [bytesOf(before)?.toString('utf8'), bytesOf(after)?.toString('utf8')];
      if (old !== undefined && now !== undefined && onlyRunnerChanged(old, now, options.names)) {
        notes.push(`${path} was deleted at the remote while the runner wrote its state there; it stays deleted.`);
        return;
      }
      entries.set(path, after);
      notes.push(`${path} was deleted at the remote and changed here; the changed file stays.`);
      return;
    }
    const [own, their] = [bytesOf(after), bytesOf(other)];
    if (!own || !their) {
      conflicts.push(`${path} (a link or a repository inside the repository)`);
      return;
    }
    const merged = await options.merge(path, bytesOf(before), own, their);
    if (merged.kind === 'merged') {
      notes.push(...merged.notes);
      const mode = after.mode === before?.mode ? other.mode : after.mode;
      entries.set(path, { mode, id: await writeBlob(repository, merged.bytes) });
    } else if (options.isReport(path)) {
      const copy = path.replace(/(\.md)?$/i, ` (conflict ${options.date} ${other.id.slice(0, 7)}).md`);
      entries.set(path, after).set(copy, other);
      notes.push(`${path} was changed by the runner and at the remote; the remote's version is kept as ${copy}.`);
    } else conflicts.push(`${path} (${merged.where})`);
  }

  for (const [path, change] of both) await settle(path, change, theirs.get(path)?.after ?? null);
  return { entries, notes, conflicts };
}

interface TreeFile {
  readonly path: string;
  readonly entry: TreeEntry;
  readonly bytes: Buffer;
}

/** The notes that are new in a version, by their ids; an id that several have is none. */
async function addedNotes(
  repository: VaultRepository,
  changes: TreeChanges,
  names: NoteKeyNames,
): Promise<ReadonlyMap<string, TreeFile>> {
  const added = [...changes].flatMap(([path, { before, after }]) =>
    before === null && after !== null && isPlain(after) && /\.md$/i.test(path) ? [{ path, entry: after }] : [],
  );
  const blobs = await readBlobs(
    repository,
    added.map(({ entry }) => entry.id),
  );
  const found = new Map<string, TreeFile>();
  const several = new Set(['']);
  for (const { path, entry } of added) {
    const bytes = blobs.get(entry.id) ?? Buffer.alloc(0);
    const id = idOf(bytes, names);
    if (found.has(id)) several.add(id);
    found.set(id, { path, entry, bytes });
  }
  for (const id of several) found.delete(id);
  return found;
}

function idOf(note: Buffer, names: NoteKeyNames): string {
  return textOf(readFrontmatter(note.toString('utf8')).entries.get(keyName(names, 'id'))) ?? '';
}

function isSame(one: TreeEntry | null, other: TreeEntry | null): boolean {
  return one?.id === other?.id && one?.mode === other?.mode;
}

function isPlain({ mode }: TreeEntry): boolean {
  return mode !== gitlinkMode && mode !== symbolicLinkMode;
}

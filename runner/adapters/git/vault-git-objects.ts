import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { OpusError } from '#shared/domain/errors.ts';
import { failureOf } from './git-failure.ts';
import { configurationEnvironment, isolatedGitEnvironment } from './host-git.ts';
import { runHostProcess } from './host-process.ts';
import type { VaultRepository } from './vault-git-repository.ts';

/** A file of a tree. Paths are the repository's, with forward slashes. */
export interface TreeEntry {
  readonly mode: string;
  readonly id: string;
}

export interface TreeChange {
  readonly before: TreeEntry | null;
  readonly after: TreeEntry | null;
}

export type TreeChanges = ReadonlyMap<string, TreeChange>;

export const gitlinkMode = '160000';
export const symbolicLinkMode = '120000';

/** The id that git gives a file with these bytes. */
export function blobId(bytes: Uint8Array, { noId }: VaultRepository): string {
  return createHash(noId.length === 64 ? 'sha256' : 'sha1')
    .update(`blob ${bytes.length}\0`)
    .update(bytes)
    .digest('hex');
}

export async function writeBlob({ git, call }: VaultRepository, bytes: Buffer): Promise<string> {
  const input = Readable.from([bytes]);
  return (await git.text('keep a note', ['hash-object', '-w', '--no-filters', '--stdin'], { ...call, input })).trim();
}

const largestRead = 512 * 1024 ** 2;
const readAtOnce = 100;

/** The bytes of blobs, by their ids. Read past HostGit, which gives text. */
export async function readBlobs(
  { gitDir }: VaultRepository,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, Buffer>> {
  const wanted = [...new Set(ids)];
  const found = new Map<string, Buffer>();
  for (let at = 0; at < wanted.length; at += readAtOnce) {
    const { exitCode, stdout, stderr, stopped } = await runHostProcess('git', ['cat-file', '--batch'], {
      env: {
        ...isolatedGitEnvironment,
        ...configurationEnvironment(),
        PATH: process.env['PATH'] ?? '',
        GIT_DIR: gitDir,
      },
      cwd: gitDir,
      input: `${wanted.slice(at, at + readAtOnce).join('\n')}\n`,
      timeoutMs: 5 * 60_000,
      maxStdout: largestRead,
      maxStderr: 64 * 1024,
      signal: undefined,
    });
    if (stopped === 'output') throw new OpusError('vault.git-failed', 'The files that changed do not fit into memory.');
    if (exitCode !== 0) throw failureOf('read the vault’s history', stderr.toString('utf8'));
    takeBlobs(stdout, found);
  }
  return found;
}

function takeBlobs(output: Buffer, into: Map<string, Buffer>): void {
  for (let at = 0; at < output.length;) {
    const lineEnd = output.indexOf(10, at);
    const [id = '', type, size] = output.subarray(at, lineEnd).toString('latin1').split(' ');
    if (type !== 'blob' || size === undefined) {
      throw new OpusError('vault.git-failed', `The vault's repository lacks the file ${id}.`, {
        hint: '`git fsck --full` in the vault says what is damaged.',
      });
    }
    const end = lineEnd + 1 + Number(size);
    into.set(id, output.subarray(lineEnd + 1, end));
    at = end + 1;
  }
}

/** The files of a commit under some folders. */
export async function listFiles(
  { git, call }: VaultRepository,
  commit: string,
  folders: readonly string[],
): Promise<ReadonlyMap<string, TreeEntry>> {
  const args = ['--literal-pathspecs', 'ls-tree', '-r', '-z', '--full-tree', commit, '--', ...folders];
  const listed = await git.text('list the notes', args, call);
  const files = new Map<string, TreeEntry>();
  for (const record of listed.split('\0')) {
    const tab = record.indexOf('\t');
    const [mode, , id] = record.slice(0, tab).split(' ');
    if (mode !== undefined && id !== undefined) files.set(record.slice(tab + 1), { mode, id });
  }
  return files;
}

/** What differs between two commits; null stands for one without files. */
export async function changesBetween(
  repository: VaultRepository,
  from: string | null,
  to: string | null,
): Promise<TreeChanges> {
  if (from === to) return new Map();
  const { git, call } = repository;
  const trees = [from ?? (await emptyTree(repository)), to ?? (await emptyTree(repository))];
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-ext-diff', '--no-abbrev', ...trees];
  return parseRaw(await git.text('compare two versions', args, call));
}

/** What is staged in the index, compared with a commit. */
export async function stagedChanges(
  repository: VaultRepository,
  commit: string | null,
  indexFile?: string,
): Promise<TreeChanges> {
  const { git, call } = repository;
  const tree = commit ?? (await emptyTree(repository));
  const args = ['diff-index', '--cached', '-z', '--raw', '--no-renames', '--no-ext-diff', '--no-abbrev', tree, '--'];
  return parseRaw(await git.text('read the index', args, indexFile === undefined ? call : { ...call, indexFile }));
}

function parseRaw(output: string): TreeChanges {
  const fields = output.split('\0');
  const changes = new Map<string, TreeChange>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = '', newMode = '', oldId = '', newId = ''] = (fields[at] ?? '').slice(1).split(' ');
    const entry = (mode: string, id: string): TreeEntry | null => (/^0+$/.test(mode) ? null : { mode, id });
    changes.set(fields[at + 1] ?? '', { before: entry(oldMode, oldId), after: entry(newMode, newId) });
  }
  return changes;
}

async function emptyTree({ git, call }: VaultRepository): Promise<string> {
  return (
    await git.text('make an empty tree', ['hash-object', '-w', '-t', 'tree', '--stdin'], { ...call, input: '' })
  ).trim();
}

/** Puts entries into an index file; null takes a path out. A file takes the place of a folder and the other way round. */
export async function changeIndex(
  { git, call, noId }: VaultRepository,
  indexFile: string,
  entries: ReadonlyMap<string, TreeEntry | null>,
): Promise<void> {
  const removed = `0 ${noId}\t`;
  const lines = [...entries].map(([path, entry]) =>
    entry === null ? `${removed}${path}\0` : `${entry.mode} ${entry.id}\t${path}\0`,
  );
  const input = lines.join('');
  await git.text('write the index', ['update-index', '-z', '--index-info'], { ...call, indexFile, input });
}

/** The tree of `commit` with some entries changed, made in an index of its own. */
export async function treeWith(
  repository: VaultRepository,
  commit: string | null,
  entries: ReadonlyMap<string, TreeEntry | null>,
): Promise<string> {
  const { git, call, own } = repository;
  const indexFile = join(own, 'tree-index');
  await rm(indexFile, { force: true });
  const base = commit ?? (await emptyTree(repository));
  await git.text('read the tree', ['read-tree', base], { ...call, indexFile });
  await changeIndex(repository, indexFile, entries);
  return (await git.text('write the tree', ['write-tree'], { ...call, indexFile })).trim();
}

export async function makeCommit(
  { git, call }: VaultRepository,
  tree: string,
  parents: readonly string[],
  message: string,
): Promise<string> {
  const args = ['commit-tree', ...parents.flatMap((parent) => ['-p', parent]), '-F', '-', '--no-gpg-sign', tree];
  return (await git.text('make a commit', args, { ...call, input: message })).trim();
}

export async function treeOf({ git, call }: VaultRepository, commit: string): Promise<string> {
  return (await git.text('read the tree', ['rev-parse', '--verify', `${commit}^{tree}`], call)).trim();
}

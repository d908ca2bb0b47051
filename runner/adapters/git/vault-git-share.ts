import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isUtf8 } from 'node:buffer';
import type { NoteKeyNames } from '#shared/domain/note-keys.ts';
import { runnerShare } from '#shared/domain/runner-share.ts';
import { textOf } from '#shared/frontmatter/entry.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import type { WorkFiles } from './vault-git-files.ts';
import { asCommitted } from './vault-git-line-ends.ts';
import { listFiles, readBlobs, writeBlob, type TreeChanges, type TreeEntry } from './vault-git-objects.ts';
import type { VaultRepository } from './vault-git-repository.ts';

export interface ShareOptions {
  /** Folders in the repository, without a slash at the end. */
  readonly reports: string;
  readonly features: string;
  readonly names: NoteKeyNames;
}

/** What of the uncommitted changes is the runner's: its keys in feature notes, and run reports. All else is people's. */
export async function changesOfRunner(
  repository: VaultRepository,
  files: WorkFiles,
  head: string | null,
  options: ShareOptions,
): Promise<TreeChanges> {
  const { reports, features } = options;
  const tracked = head === null ? new Map<string, TreeEntry>() : await listFiles(repository, head, [features, reports]);
  const edited = [...tracked].filter(([path, { mode, id }]) => {
    if (!mode.startsWith('100') || !/\.md$/i.test(path)) return false;
    const now = files.idOf(path);
    return now !== null && now !== id;
  });
  const blobs = await readBlobs(
    repository,
    edited.map(([, { id }]) => id),
  );
  const changes = new Map<string, { before: TreeEntry | null; after: TreeEntry }>();
  for (const [path, before] of edited) {
    const committed = blobs.get(before.id);
    const file = files.read(path);
    if (!committed || file.kind !== 'file' || !isUtf8(committed) || !isUtf8(file.bytes)) continue;
    const [old, now] = [committed.toString('utf8'), asCommitted(file.bytes, committed).toString('utf8')];
    const share =
      isInside(reports, path) && isRunReport(now)
        ? now
        : isInside(features, path)
          ? runnerShare(old, now, options.names)
          : null;
    if (share === null || share === old) continue;
    changes.set(path, {
      before,
      after: { mode: before.mode, id: await writeBlob(repository, Buffer.from(share, 'utf8')) },
    });
  }
  for (const path of await newReports(repository, reports, tracked)) {
    const file = files.read(path);
    if (file.kind !== 'file' || !isUtf8(file.bytes) || !isRunReport(file.bytes.toString('utf8'))) continue;
    changes.set(path, { before: null, after: { mode: '100644', id: await writeBlob(repository, file.bytes) } });
  }
  return changes;
}

export function isInside(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`);
}

function isRunReport(text: string): boolean {
  return textOf(readFrontmatter(text).entries.get('type')) === 'run-report';
}

async function newReports(
  { git, call, top }: VaultRepository,
  folder: string,
  tracked: ReadonlyMap<string, TreeEntry>,
): Promise<string[]> {
  const found = notesBelow(top, folder).filter((path) => !tracked.has(path));
  if (found.length === 0) return [];
  const input = found.map((path) => `${path}\0`).join('');
  const { stdout } = await git.run(['check-ignore', '--no-index', '-z', '--stdin'], { ...call, workTree: top, input });
  const ignored = new Set(stdout.split('\0'));
  return found.filter((path) => !ignored.has(path));
}

function notesBelow(top: string, folder: string): string[] {
  if (lstatSync(join(top, folder), { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(join(top, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return notesBelow(top, path);
    return entry.isFile() && /\.md$/i.test(entry.name) ? [path] : [];
  });
}

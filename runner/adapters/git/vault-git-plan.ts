import type { NoteKeyNames } from '#shared/domain/note-keys.ts';
import { onlyRunnerChanged } from '#shared/domain/runner-share.ts';
import type { WorkFile, WorkFiles } from './vault-git-files.ts';
import { asCheckedOut, asCommitted } from './vault-git-line-ends.ts';
import type { ContentMerger } from './vault-git-merge.ts';
import {
  changesBetween,
  gitlinkMode,
  readBlobs,
  symbolicLinkMode,
  type TreeChange,
  type TreeChanges,
} from './vault-git-objects.ts';
import type { VaultRepository } from './vault-git-repository.ts';

/** What is to happen to one file of the work tree, decided on the bytes it had. */
export type FilePlan =
  | { readonly kind: 'leave'; readonly note: string | null }
  | {
      readonly kind: 'write';
      readonly seen: WorkFile;
      readonly bytes: Buffer;
      readonly mode: string;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'remove'; readonly seen: WorkFile }
  /** The file has edits that cannot be merged with what comes. */
  | { readonly kind: 'conflict'; readonly where: string };

/** Decides anew for a path whenever it is asked, from what the file holds then. */
export type WorkPlanner = (path: string) => Promise<FilePlan>;

export interface WorkPlan {
  readonly changes: TreeChanges;
  readonly plan: WorkPlanner;
}

export interface WorkPlannerOptions {
  readonly files: WorkFiles;
  readonly merge: ContentMerger;
  readonly names: NoteKeyNames;
}

/** Plans how the work tree follows from one commit to another while the edits in it stay. */
export async function planWork(
  repository: VaultRepository,
  { base, to }: { readonly base: string | null; readonly to: string },
  { files, merge, names }: WorkPlannerOptions,
): Promise<WorkPlan> {
  const changes = await changesBetween(repository, base, to);
  const entries = [...changes.values()].flatMap(({ before, after }) => [before, after]);
  const ids = entries.flatMap((entry) => (entry !== null && entry.mode !== gitlinkMode ? [entry.id] : []));
  const blobs = await readBlobs(repository, ids);
  const bytesOf = (entry: TreeChange['after']): Buffer | null => (entry ? (blobs.get(entry.id) ?? null) : null);

  const plan: WorkPlanner = async (path) => {
    const { before = null, after = null } = changes.get(path) ?? {};
    if ([before, after].some((entry) => entry?.mode === gitlinkMode)) return { kind: 'leave', note: null };
    const seen = files.read(path);
    const [old, wanted] = [bytesOf(before), bytesOf(after)];
    if (seen.kind === 'other') {
      if (wanted === null) return { kind: 'leave', note: null };
      return { kind: 'conflict', where: 'something that is no file of the vault is in its place' };
    }
    if (seen.kind === 'absent') {
      if (after === null || wanted === null) return { kind: 'leave', note: null };
      if (before === null) return { kind: 'write', seen, bytes: wanted, mode: after.mode, notes: [] };
      return { kind: 'leave', note: `${path} was changed at the remote; here it stays deleted, uncommitted.` };
    }
    const own = old === null ? seen.bytes : asCommitted(seen.bytes, old);
    const isLink = (entry: TreeChange['after']): boolean => entry?.mode === symbolicLinkMode;
    const unedited = old !== null && own.equals(old) && isLink(before) === (seen.kind === 'link');
    if (after === null || wanted === null) {
      const drop = unedited || (old !== null && onlyRunnerChanged(old.toString('utf8'), own.toString('utf8'), names));
      if (drop) return { kind: 'remove', seen };
      return {
        kind: 'leave',
        note: `${path} was deleted at the remote and has edits here; the file stays, uncommitted.`,
      };
    }
    if (wanted.equals(own) && isLink(after) === (seen.kind === 'link')) return { kind: 'leave', note: null };
    if (isLink(after) || seen.kind === 'link') {
      if (unedited) return { kind: 'write', seen, bytes: wanted, mode: after.mode, notes: [] };
      return { kind: 'conflict', where: 'one end has a symbolic link' };
    }
    const merged = await merge(path, old, own, wanted);
    if (merged.kind === 'conflict') return merged;
    const bytes = old === null ? merged.bytes : asCheckedOut(merged.bytes, seen.bytes, old);
    if (bytes.equals(seen.bytes)) return { kind: 'leave', note: merged.notes[0] ?? null };
    return { kind: 'write', seen, bytes, mode: after.mode, notes: merged.notes };
  };
  return { changes, plan };
}

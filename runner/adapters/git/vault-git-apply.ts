import { OpusError } from '#shared/domain/errors.ts';
import type { WorkFiles } from './vault-git-files.ts';
import { replaceIndex, withIndexLocked } from './vault-git-index.ts';
import { changesBetween, makeCommit, stagedChanges, treeOf } from './vault-git-objects.ts';
import type { FilePlan, WorkPlan, WorkPlanner } from './vault-git-plan.ts';
import {
  currentCommit,
  moveReference,
  readReference,
  references,
  type VaultRepository,
} from './vault-git-repository.ts';

/** The branch's way from one commit (null: none yet) to another. */
export interface Advance {
  readonly from: string | null;
  /** `from` with what of the uncommitted changes was the runner's: the edits in the files are people's from here on. */
  readonly base: string | null;
  readonly to: string;
}

export interface Applied {
  readonly written: number;
  readonly notes: readonly string[];
}

const attempts = 5;

/**
 * Says where the branch is going, before anything is pushed or written: who is killed on the way goes there at the next start.
 * Without `base` it could not be told then what the runner wrote since.
 */
export async function announce(repository: VaultRepository, { from, base, to }: Advance): Promise<void> {
  const parents = [from, base, to].filter((commit) => commit !== null);
  const message = JSON.stringify({ from, base, to });
  const journal = await makeCommit(repository, await treeOf(repository, to), [...new Set(parents)], message);
  await moveReference(repository, references.applying, journal);
}

export async function withdraw(repository: VaultRepository): Promise<void> {
  await moveReference(repository, references.applying, null);
}

/** Moves the files, the branch and the index to where was announced; what of it was done already is not done twice. */
export async function applyAdvance(
  repository: VaultRepository,
  files: WorkFiles,
  advance: Advance,
  { changes, plan }: WorkPlan,
): Promise<Applied> {
  const { from, to } = advance;
  return withIndexLocked(repository, async () => {
    const head = await currentCommit(repository);
    if (head !== from && head !== to) throw busy();
    if (head === from && (await stagedChanges(repository, from)).size > 0) throw busy();
    const applied = await writeFiles(files, [...changes.keys()], plan);
    if (applied.conflicts.length > 0) {
      await moveReference(repository, references.theirs, to);
      throw conflictOf(applied.conflicts);
    }
    const indexed = await changesBetween(repository, from, to);
    if (head !== to) await moveReference(repository, repository.reference, to, from);
    await replaceIndex(repository, new Map([...indexed].map(([path, { after }]) => [path, after])));
    // A writer that had looked at a file before it was replaced may have put it back since.
    await writeFiles(files, [...changes.keys()], plan);
    await withdraw(repository);
    return applied;
  });
}

async function writeFiles(
  files: WorkFiles,
  paths: readonly string[],
  plan: WorkPlanner,
): Promise<Applied & { readonly conflicts: readonly string[] }> {
  let written = 0;
  const notes: string[] = [];
  const conflicts: string[] = [];
  for (const path of paths) {
    const done = await writeFile(files, path, plan);
    if (done.kind === 'conflict') conflicts.push(`${path} (${done.where})`);
    if (done.kind === 'write') notes.push(...done.notes);
    if (done.kind === 'leave' && done.note !== null) notes.push(done.note);
    if (done.kind === 'write' || done.kind === 'remove') written += 1;
  }
  return { written, notes, conflicts };
}

/** A person may be typing: what is in the file by then is merged anew. */
async function writeFile(files: WorkFiles, path: string, plan: WorkPlanner): Promise<FilePlan> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const next = await plan(path);
    if (next.kind === 'write' && !files.put(path, next.seen, next.bytes, next.mode)) continue;
    if (next.kind === 'remove' && !files.remove(path, next.seen)) continue;
    return next;
  }
  return { kind: 'conflict', where: 'it changes faster than it can be written' };
}

/** What a killed sync had announced; null when there is nothing to go on with. */
export async function unfinishedAdvance(repository: VaultRepository, head: string | null): Promise<Advance | null> {
  const journal = await readReference(repository, references.applying);
  if (journal === null) return null;
  const { git, call } = repository;
  const text = await git.text('read what was begun', ['rev-list', '--no-walk', '--format=%B', journal], call);
  const advance = JSON.parse(text.slice(text.indexOf('{'))) as Advance;
  const { from, to } = advance;
  const staged = await stagedChanges(repository, head);
  // The branch goes first: the index may still show where it was.
  const indexIsBehind = head === to && staged.size > 0 && (await stagedChanges(repository, from)).size === 0;
  if ((head === from && staged.size === 0) || indexIsBehind) return advance;
  await withdraw(repository);
  return null;
}

export function conflictOf(files: readonly string[]): OpusError {
  const list = files.slice(0, 5).join('; ') + (files.length > 5 ? ` and ${files.length - 5} more` : '');
  return new OpusError('vault.git-conflict', `The vault and its remote were changed in the same places: ${list}.`, {
    hint: `Make both say the same, or in the vault commit your edits, run \`git merge ${references.theirs}\`, settle it and commit.`,
    details: { files },
  });
}

function busy(): OpusError {
  return new OpusError('vault.git-failed', 'Somebody used git in the vault at the same moment.', {
    hint: 'Nothing is lost; the next round goes on.',
  });
}

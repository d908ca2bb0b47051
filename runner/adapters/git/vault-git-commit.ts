import { OpusError } from '#shared/domain/errors.ts';
import { noteName } from '#shared/domain/note-link.ts';
import { opusIdentity } from './host-git.ts';
import { conflictOf } from './vault-git-apply.ts';
import type { WorkFiles } from './vault-git-files.ts';
import { mergeTrees, type ContentMerger } from './vault-git-merge.ts';
import { changesBetween, makeCommit, treeWith, type TreeChanges, type TreeEntry } from './vault-git-objects.ts';
import {
  commonAncestor,
  hasCommitsOfPeople,
  isAncestor,
  moveReference,
  readReference,
  references,
  type VaultRepository,
} from './vault-git-repository.ts';
import { changesOfRunner, isInside, type ShareOptions } from './vault-git-share.ts';

export interface Ends {
  /** Where the branch is here; null before its first commit. */
  readonly head: string | null;
  /** Where it is at the remote; null when it is not there. */
  readonly theirs: string | null;
}

export interface NextCommit {
  /** Descends from the remote's. */
  readonly commit: string;
  /** The branch here with what of the uncommitted changes is the runner's. */
  readonly base: string | null;
  readonly notes: readonly string[];
  readonly rewritten: boolean;
}

export interface NextCommitOptions extends ShareOptions {
  readonly merge: ContentMerger;
  readonly date: string;
}

/** The commit that both ends come to have, made but not yet on any branch; null when there is nothing anywhere yet. */
export async function nextCommit(
  repository: VaultRepository,
  files: WorkFiles,
  ends: Ends,
  options: NextCommitOptions,
): Promise<NextCommit | null> {
  const { head, theirs } = ends;
  const start = await commonStart(repository, ends);
  const share = await changesOfRunner(repository, files, head, options);
  const base =
    share.size === 0 ? head : await commitOf(repository, head, entriesOf(share), head === null ? [] : [head]);
  const done = (commit: string, notes: readonly string[] = []): NextCommit => ({
    commit,
    base,
    notes,
    rewritten: start.rewritten,
  });
  if (theirs === null || (head !== null && !start.rewritten && (await isAncestor(repository, theirs, head)))) {
    return base === null ? null : done(base);
  }
  if (base === head && (head === null || (await isAncestor(repository, head, theirs)))) return done(theirs);
  const ours = await changesBetween(repository, start.commit, base);
  const merged = await mergeTrees(repository, ours, await changesBetween(repository, start.commit, theirs), {
    merge: options.merge,
    names: options.names,
    isReport: (path) => isInside(options.reports, path),
    date: options.date,
  });
  if (merged.conflicts.length > 0) {
    await moveReference(repository, references.theirs, theirs);
    throw start.rewritten ? rewritten(repository.branch, merged.conflicts) : conflictOf(merged.conflicts);
  }
  // The runner's own commits are made anew on the remote's; commits of people keep their place in the history.
  const ofPeople =
    head !== null && !start.rewritten && (await hasCommitsOfPeople(repository, theirs, head, opusIdentity.email));
  if (!ofPeople && merged.entries.size === 0) return done(theirs, merged.notes);
  const parents = ofPeople ? [head, theirs] : [theirs];
  const commit = await commitOf(repository, theirs, merged.entries, parents);
  const replaced = [...(await changesBetween(repository, theirs, commit)).keys()].filter(
    (path) => !merged.entries.has(path),
  );
  if (replaced.length > 0) {
    await moveReference(repository, references.theirs, theirs);
    throw conflictOf(replaced.map((path) => `${path} (one end has a folder where the other has a file)`));
  }
  return done(commit, merged.notes);
}

/** The commit from which both ends went their ways. */
async function commonStart(
  repository: VaultRepository,
  { head, theirs }: Ends,
): Promise<{ commit: string | null; rewritten: boolean }> {
  const { branch } = repository;
  const taken = await readReference(repository, references.taken);
  if (theirs === null) {
    if (taken === null) return { commit: null, rewritten: false };
    throw new OpusError('vault.git-rewritten', `The branch '${branch}' is no longer at the remote of the vault.`, {
      hint: `Push it again with \`git push <remote> ${branch}\`, or set \`vault.git.branch\` in opus.yml.`,
    });
  }
  if (head === null) return { commit: null, rewritten: false };
  if (
    taken !== null &&
    !(await isAncestor(repository, taken, theirs)) &&
    !(await isAncestor(repository, head, theirs))
  ) {
    const known = await isAncestor(repository, taken, head);
    if (known && !(await hasCommitsOfPeople(repository, taken, head, opusIdentity.email))) {
      return { commit: taken, rewritten: true };
    }
    await moveReference(repository, references.theirs, theirs);
    throw rewritten(branch, []);
  }
  const commit = await commonAncestor(repository, head, theirs);
  if (commit !== null) return { commit, rewritten: false };
  await moveReference(repository, references.theirs, theirs);
  throw new OpusError(
    'vault.git-rewritten',
    `The vault and the branch '${branch}' of its remote have no commit in common.`,
    {
      hint: 'Check `vault.git.remote` in opus.yml; a shallow clone is completed with `git fetch --unshallow`.',
    },
  );
}

function rewritten(branch: string, files: readonly string[]): OpusError {
  const where =
    files.length === 0
      ? 'and commits of people here are not in it'
      : `and does not fit what is here: ${files.slice(0, 5).join('; ')}`;
  return new OpusError('vault.git-rewritten', `The history of '${branch}' was rewritten at the remote, ${where}.`, {
    hint: `In the vault, take the new history with \`git rebase --onto ${references.theirs} ${references.taken}\`, then \`git update-ref ${references.taken} ${references.theirs}\`; or push the old one back.`,
    details: { files },
  });
}

function entriesOf(changes: TreeChanges): ReadonlyMap<string, TreeEntry | null> {
  return new Map([...changes].map(([path, { after }]) => [path, after]));
}

async function commitOf(
  repository: VaultRepository,
  onto: string | null,
  entries: ReadonlyMap<string, TreeEntry | null>,
  parents: readonly string[],
): Promise<string> {
  const names = [...new Set([...entries.keys()].map(noteName))];
  const subject =
    parents.length > 1
      ? `Merge the remote's ${repository.branch}`
      : `Opus: ${names.length > 4 ? `${names.length} notes` : names.join(', ')}`;
  return makeCommit(repository, await treeWith(repository, onto, entries), parents, `${subject}\n`);
}

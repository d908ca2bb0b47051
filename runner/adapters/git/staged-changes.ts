import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { nestedRepository } from './staging.ts';
import type { GitCall, HostGit } from './host-git.ts';

export interface StagedChange {
  readonly path: string;
  /** Null where the file did not exist before, or is gone. */
  readonly before: { readonly mode: string; readonly id: string } | null;
  readonly after: { readonly mode: string; readonly id: string } | null;
}

export interface StagedTrees {
  readonly job: string;
  readonly baseTree: string;
  readonly tree: string;
  /** Folders in which the agent's tree has a `.git`. */
  readonly nestedRepositories: readonly string[];
  /** A folder of the host's for a moment's index. */
  readonly scratch: string;
}

const submoduleMode = '160000';
const lfsMark = 'version https://git-lfs.github.com/spec/';
const pointerInBatch = /^([0-9a-f]{40,64}) blob \d+\nversion https:\/\/git-lfs\.github\.com\/spec\//m;
/** The LFS specification's own bound of a pointer file. */
const largestPointer = 1024;

/** Rejects when what was staged touches what the runner does not commit: submodules and LFS paths. */
export async function refuseForbiddenChanges(git: HostGit, call: GitCall, staged: StagedTrees): Promise<void> {
  const [kind, changes, mentionsLfs] = await Promise.all([
    git.text('look at the new tree', ['cat-file', '-t', staged.tree], call),
    changesBetween(git, call, staged.baseTree, staged.tree),
    attributesMentionLfs(git, call, staged),
  ]);
  if (kind.trim() !== 'tree')
    throw new OpusError('git.failed', `What ${staged.job} staged is a ${kind.trim()}, not a tree.`);
  refuseSubmodules(staged, changes);
  const lfs =
    (await changedPointer(git, call, changes)) ??
    (mentionsLfs ? await changedLfsPath(git, call, staged, changes) : null);
  if (lfs !== null) {
    throw new OpusError('git.lfs-refused', `The agent of ${staged.job} changed ${lfs}, which is stored in Git LFS.`, {
      hint: 'Change that file by hand; the runner commits no LFS paths.',
      details: { path: lfs },
    });
  }
}

async function changesBetween(git: HostGit, call: GitCall, from: string, to: string): Promise<StagedChange[]> {
  const raw = await git.text(
    'compare the trees',
    ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', from, to],
    call,
  );
  const fields = raw.split('\0');
  const changes: StagedChange[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [oldMode = '', mode = '', oldId = '', id = ''] = (fields[index] ?? '').slice(1).split(' ');
    changes.push({
      path: fields[index + 1] ?? '',
      before: oldMode === '000000' ? null : { mode: oldMode, id: oldId },
      after: mode === '000000' ? null : { mode, id },
    });
  }
  return changes;
}

function refuseSubmodules(staged: StagedTrees, changes: readonly StagedChange[]): void {
  const wiring = changes.find((change) => change.path === '.gitmodules' && change.after !== null);
  const link = changes.find((change) => change.after?.mode === submoduleMode);
  if (link !== undefined && wiring === undefined && staged.nestedRepositories.includes(link.path)) {
    throw nestedRepository(staged.job, link.path);
  }
  const found = link ?? wiring;
  if (found === undefined) return;
  throw new OpusError(
    'git.submodule-refused',
    `The agent of ${staged.job} added or changed a submodule: ${found.path}.`,
    {
      hint: 'Submodules are changed by hand only; have the agent take it back: retry with --comment.',
      details: { path: found.path },
    },
  );
}

async function changedPointer(git: HostGit, call: GitCall, changes: readonly StagedChange[]): Promise<string | null> {
  const pathOf = new Map<string, string>();
  for (const change of changes) {
    for (const side of [change.before, change.after]) {
      if (side?.mode.startsWith('100') === true) pathOf.set(side.id, change.path);
    }
  }
  if (pathOf.size === 0) return null;
  const sizes = await git.text('measure what changed', ['cat-file', '--batch-check=%(objectname) %(objectsize)'], {
    ...call,
    input: [...pathOf.keys(), ''].join('\n'),
  });
  const small = sizes
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([id, size]) =>
        id !== undefined && size !== undefined && Number(size) >= lfsMark.length && Number(size) <= largestPointer,
    )
    .map(([id = '']) => id);
  for (let start = 0; start < small.length; start += 10_000) {
    const contents = await git.text('read what changed', ['cat-file', '--batch'], {
      ...call,
      input: [...small.slice(start, start + 10_000), ''].join('\n'),
    });
    if (!contents.includes(lfsMark)) continue;
    const found = pointerInBatch.exec(contents)?.[1];
    if (found !== undefined) return pathOf.get(found) ?? null;
  }
  return null;
}

async function attributesMentionLfs(git: HostGit, call: GitCall, staged: StagedTrees): Promise<boolean> {
  const mentioned = await git.run(
    [
      'grep',
      '--quiet',
      '--fixed-strings',
      '-e',
      'filter=lfs',
      staged.baseTree,
      staged.tree,
      '--',
      ':(glob)**/.gitattributes',
    ],
    call,
  );
  return mentioned.exitCode === 0;
}

/** Paths that `.gitattributes` give to LFS, by the attributes of before or of after. */
async function changedLfsPath(
  git: HostGit,
  call: GitCall,
  staged: StagedTrees,
  changes: readonly StagedChange[],
): Promise<string | null> {
  const paths = changes.map((change) => change.path);
  return (
    (await lfsPathIn(git, call, staged, staged.baseTree, paths)) ??
    (await lfsPathIn(git, call, staged, staged.tree, paths))
  );
}

async function lfsPathIn(
  git: HostGit,
  call: GitCall,
  staged: StagedTrees,
  tree: string,
  paths: readonly string[],
): Promise<string | null> {
  const indexFile = join(staged.scratch, 'attributes-index');
  try {
    await git.text('read the attributes', ['read-tree', tree], { ...call, indexFile });
    const answer = await git.text('read the attributes', ['check-attr', '--cached', '-z', '--stdin', 'filter'], {
      ...call,
      indexFile,
      input: paths.map((path) => `${path}\0`).join(''),
    });
    const fields = answer.split('\0');
    for (let index = 0; index + 2 < fields.length; index += 3) {
      if (fields[index + 2] === 'lfs') return fields[index] ?? null;
    }
    return null;
  } finally {
    await rm(indexFile, { force: true });
  }
}

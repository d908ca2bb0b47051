import { copyFile, lstat, mkdir, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { isSafeId } from '#shared/domain/ids.ts';
import type { PrepareTree, RepositoryAddress, Tree } from '../../core/ports/worktrees.ts';
import { opusIdentity, type HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';
import { removeUntrusted } from './untrusted-folder.ts';
import { createTurns } from './turns.ts';

/**
 * The folders of one use of a job: `tree` is what the agent sees, `gitdir` its disposable git directory,
 * `gitfile` what covers `tree/.git`. `index` and `state.json` are the host's and never mounted.
 */
export interface TreeFolder {
  readonly root: string;
  readonly tree: string;
  readonly gitdir: string;
  readonly gitfile: string;
  readonly index: string;
  readonly state: string;
  readonly staging: string;
}

export interface TreeFolders {
  prepare(request: PrepareTree): Promise<Tree>;
  /** Nothing is removed where `onlyIf`, asked in the job's turn, says no. */
  remove(job: string, onlyIf?: () => boolean): Promise<void>;
  jobs(): Promise<string[]>;
  jobFolder(job: string): string;
  /** The agents' tree if it was ever handed out writable since it was made; null where no agent can have written. */
  written(job: string): Promise<{ readonly folder: TreeFolder; readonly state: TreeState } | null>;
}

export interface TreeState {
  readonly repository: string;
  readonly commit: string;
  /** False once the tree was handed out writable. */
  readonly clean: boolean;
}

/** The folder that `Tree.path` lies in. */
export function folderOf(root: string): TreeFolder {
  return {
    root,
    tree: join(root, 'tree'),
    gitdir: join(root, 'gitdir'),
    gitfile: join(root, 'gitfile'),
    index: join(root, 'index'),
    state: join(root, 'state.json'),
    staging: join(root, 'staging'),
  };
}

export function createTreeFolders(options: { dataFolder: string; git: HostGit; mirrors: Mirrors }): TreeFolders {
  const { git, mirrors } = options;
  const home = join(options.dataFolder, 'worktrees');
  const inTurn = createTurns();

  function jobFolder(job: string): string {
    if (!isSafeId(job, '.')) throw new OpusError('internal.unexpected', `Not a job's name: ${job.slice(0, 60)}`);
    return join(home, job);
  }

  async function checkOut(folder: TreeFolder, request: PrepareTree): Promise<void> {
    await git.text(
      `check out ${request.commit.slice(0, 8)} for ${request.job}`,
      ['read-tree', '-u', '--reset', request.commit],
      {
        ...mirrors.call(request.repository),
        workTree: folder.tree,
        indexFile: folder.index,
      },
    );
    await writeFile(folder.gitfile, `gitdir: ${folder.gitdir}\n`);
    // Git refuses to check out any `.git`, so the name is free; it must exist to be covered in a read-only tree.
    await writeFile(join(folder.tree, '.git'), `gitdir: ${folder.gitdir}\n`, { flag: 'wx' });
  }

  /** Plain files and no git: whatever the last agent left here is gone, not read. */
  async function makeGitDirectory(folder: TreeFolder, request: PrepareTree): Promise<void> {
    await removeUntrusted(folder.gitdir);
    await mkdir(join(folder.gitdir, 'objects', 'info'), { recursive: true, mode: 0o700 });
    await mkdir(join(folder.gitdir, 'objects', 'pack'));
    await mkdir(join(folder.gitdir, 'refs', 'heads'), { recursive: true });
    await mkdir(join(folder.gitdir, 'info'));
    const others = [...(await mirrors.heads(request.repository))]
      .filter(([name]) => !name.startsWith('opus/'))
      .map(([name, commit]) => `${commit} refs/remotes/origin/${name}`);
    await Promise.all([
      writeFile(join(folder.gitdir, 'HEAD'), `${request.commit}\n`),
      writeFile(join(folder.gitdir, 'packed-refs'), ['# pack-refs with: sorted', ...others, ''].join('\n')),
      writeFile(join(folder.gitdir, 'objects', 'info', 'alternates'), `${mirrors.objects(request.repository)}\n`),
      writeFile(
        join(folder.gitdir, 'config'),
        [
          '[core]',
          '\trepositoryformatversion = 0',
          '\tbare = false',
          '\tcheckStat = minimal',
          '[gc]',
          '\tauto = 0',
          '[user]',
          `\tname = ${opusIdentity.name}`,
          `\temail = ${opusIdentity.email}`,
          '',
        ].join('\n'),
      ),
    ]);
  }

  /** Both to their end, whichever fails: nothing may still be written when this is over. */
  async function makeAnew(folder: TreeFolder, request: PrepareTree): Promise<void> {
    await removeUntrusted(folder.root);
    await mkdir(folder.tree, { recursive: true, mode: 0o700 });
    const made = await Promise.allSettled([checkOut(folder, request), makeGitDirectory(folder, request)]);
    for (const part of made) if (part.status === 'rejected') throw part.reason;
  }

  async function prepareInTurn(folder: TreeFolder, request: PrepareTree): Promise<Tree> {
    await mirrors.ensure(request.repository);
    const wanted: TreeState = { repository: request.repository.name, commit: request.commit, clean: !request.writable };
    const before = await readState(folder.state);
    const usable = before?.clean === true && before.commit === wanted.commit && before.repository === wanted.repository;
    await (usable ? makeGitDirectory(folder, request) : makeAnew(folder, request));
    await copyIndex(folder.index, join(folder.gitdir, 'index'));
    // Written before the tree is handed out: a crash afterwards must find it used.
    await writeState(folder.state, wanted);
    return treeAt(folder, request, mirrors.objects(request.repository));
  }

  return {
    prepare: async (request) => {
      const folder = folderOf(join(jobFolder(request.job), request.use));
      return inTurn(request.job, () => prepareInTurn(folder, request));
    },
    remove: async (job, onlyIf) => {
      const folder = jobFolder(job);
      await inTurn(job, async () => {
        if (onlyIf?.() !== false) await removeUntrusted(folder);
      });
    },
    async jobs() {
      const entries = await readdir(home, { withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isDirectory() && isSafeId(entry.name, '.'))
        .map(({ name }) => name)
        .sort();
    },
    jobFolder,
    async written(job) {
      const folder = folderOf(join(jobFolder(job), 'agent'));
      // Written before a tree is handed out, so without it nobody was given one.
      if ((await lstat(folder.state).catch(() => null)) === null) return null;
      const state = await readState(folder.state);
      if (state === null) throw new OpusError('git.failed', `${folder.state} cannot be read.`);
      return state.clean ? null : { folder, state };
    },
  };
}

function treeAt(folder: TreeFolder, request: PrepareTree, objects: string): Tree {
  const repository: RepositoryAddress = request.repository;
  return {
    path: folder.tree,
    commit: request.commit,
    repository,
    job: request.job,
    mounts: [
      { source: folder.tree, mode: request.writable ? 'read-write' : 'read-only' },
      { source: folder.gitfile, target: join(folder.tree, '.git'), mode: 'read-only' },
      { source: folder.gitdir, mode: 'read-write' },
      { source: objects, mode: 'read-only' },
    ],
  };
}

/** Hazard: git compares the index's own time with the files' to know which it must read again, so the copy keeps it. */
export async function copyIndex(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const times = await stat(from);
  await utimes(to, times.atime, times.mtime);
}

async function readState(path: string): Promise<TreeState | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { repository, commit, clean } = value as Record<string, unknown>;
    if (typeof repository !== 'string' || typeof commit !== 'string' || typeof clean !== 'boolean') return null;
    return { repository, commit, clean };
  } catch {
    return null;
  }
}

async function writeState(path: string, state: TreeState): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`, { flush: true });
  await rename(`${path}.new`, path);
}

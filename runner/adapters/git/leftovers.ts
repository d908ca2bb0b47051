import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../../core/ports/sandbox.ts';
import type { KeptCommit, RepositoryAddress, Unsaved, UnsavedWork, Worktrees } from '../../core/ports/worktrees.ts';
import type { HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';
import { removeStaleLocks } from './stale-locks.ts';
import { treeOfWork } from './staging.ts';
import type { TreeFolders } from './tree-folder.ts';
import type { TreesOfCommits } from './trees-of-commits.ts';
import { measureUntrusted } from './untrusted-folder.ts';

export interface LeftoversOptions {
  readonly git: HostGit;
  readonly mirrors: Mirrors;
  readonly folders: TreeFolders;
  readonly trees: TreesOfCommits;
  readonly sandbox: Sandbox;
  readonly maxFiles: number;
  readonly kept: Worktrees['kept'];
}

type Leftovers = Pick<Worktrees, 'jobsWithTrees' | 'unsaved' | 'keptJobs' | 'forget' | 'sweep'>;

const keptPrefix = 'refs/opus/jobs/';

/** What jobs left behind that are over, or that nobody knows. */
export function createLeftovers(options: LeftoversOptions): Leftovers {
  const { git, mirrors, folders, trees, sandbox } = options;

  async function compare(request: UnsavedWork): Promise<Unsaved['kind']> {
    const { job, limits } = request;
    const written = await folders.written(job);
    if (written === null) return 'none';
    const { folder, state } = written;
    const repository = request.repositories.find(({ name }) => name === state.repository);
    if (repository === undefined) return 'unknown';
    const bounds = { files: options.maxFiles, bytes: limits.disk };
    const measure = await measureUntrusted(folder.tree, bounds);
    if (measure.files === 0) return 'none';
    if (measure.files > bounds.files || measure.bytes > bounds.bytes) return 'some';
    // The content of an inner repository is in no commit, and git looks into one only where it is confined.
    if (measure.nestedRepositories.length > 0) return 'some';
    const call = mirrors.call(repository);
    const baseTree = await trees.of(state.commit, call);
    const tree = { path: folder.tree, repository, job };
    const { signal } = request;
    const found = await treeOfWork(
      { sandbox, git, mirrors },
      { tree, limits, ...(signal === undefined ? {} : { signal }) },
      baseTree,
    );
    if (found === baseTree) return 'none';
    const commit = await options.kept(repository, job);
    return commit !== null && (await trees.of(commit, call)) === found ? 'none' : 'some';
  }

  async function keptJobs(repository: RepositoryAddress, base: string): Promise<KeptCommit[]> {
    if (!(await isThere(mirrors.gitDir(repository)))) return [];
    const heads = await mirrors.heads(repository);
    const read = async (filter: readonly string[]): Promise<(readonly [job: string, commit: string])[]> => {
      const listed = await git.text(
        'list the commits that are kept',
        ['for-each-ref', '--format=%(objectname) %(refname)', ...filter, keptPrefix],
        mirrors.call(repository),
      );
      const lines = listed.split('\n').filter((line) => line !== '');
      return lines.map((line) => [
        line.slice(line.indexOf(' ') + 1 + keptPrefix.length),
        line.slice(0, line.indexOf(' ')),
      ]);
    };
    const merged = heads.has(base) ? await read([`--merged=refs/origin/${base}`]) : [];
    const inBase = new Set(merged.map(([job]) => job));
    return (await read([])).map(([job, commit]) => ({ job, commit, merged: inBase.has(job) }));
  }

  return {
    jobsWithTrees: () => folders.jobs(),
    async unsaved(request) {
      const folder = folders.jobFolder(request.job);
      try {
        return { kind: await compare(request), folder };
      } catch {
        return { kind: 'unknown', folder };
      }
    },
    keptJobs,
    async forget(repository, job, commit) {
      await git.run(['update-ref', '-d', `${keptPrefix}${job}`, commit], mirrors.call(repository));
    },
    async sweep(repository) {
      const mirror = mirrors.gitDir(repository);
      if (await isThere(mirror)) {
        await mirrors.sweep(repository);
        await removeStaleLocks(mirror);
      }
      const { url } = repository;
      const origin = url.startsWith('file:///') ? fileURLToPath(url) : url;
      if (!isAbsolute(origin)) return [];
      const inner = join(origin, '.git');
      return removeStaleLocks((await isThere(inner)) ? inner : origin);
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

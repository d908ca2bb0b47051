import { dirname } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { isSafeId } from '#shared/domain/ids.ts';
import type { Sandbox } from '../../core/ports/sandbox.ts';
import type { CommitTree, RepositoryAddress, Worktrees } from '../../core/ports/worktrees.ts';
import { createCheckouts } from './checkout.ts';
import { withTrailers } from './commit-message.ts';
import { createHistory } from './history.ts';
import { createHostGit, type HostGit } from './host-git.ts';
import { createLeftovers } from './leftovers.ts';
import { createMirrors } from './mirror.ts';
import { createPublishing, type PushTargetOf } from './publishing.ts';
import { createReverts } from './revert.ts';
import { refuseForbiddenChanges } from './staged-changes.ts';
import { nestedRepository, stageTree } from './staging.ts';
import { createTreeFolders } from './tree-folder.ts';
import { TreesOfCommits } from './trees-of-commits.ts';
import { measureUntrusted, type FolderMeasure } from './untrusted-folder.ts';

export interface GitWorktreesOptions {
  /** Absolute; `repos` and `worktrees` are made in it. */
  readonly dataFolder: string;
  /** Where everything runs that reads a tree an agent could write. */
  readonly sandbox: Sandbox;
  readonly git?: HostGit;
  /** Value of the Authorization header for an origin on https; null where it needs none. */
  readonly authorization?: (repository: RepositoryAddress) => Promise<string | null>;
  /** Where the runner's own branches are pushed, if not into the origin. */
  readonly pushTarget?: PushTargetOf;
  /** Aborted when nothing that goes on with an origin is waited for any longer. */
  readonly signal?: AbortSignal;
  /** Files and folders an agent may add to a tree. */
  readonly maxFiles?: number;
  readonly packsBeforeRepack?: number;
}

export function createGitWorktrees(options: GitWorktreesOptions): Worktrees {
  const git = options.git ?? createHostGit();
  const { dataFolder, sandbox } = options;
  const mirrors = createMirrors({
    dataFolder,
    git,
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.packsBeforeRepack === undefined ? {} : { packsBeforeRepack: options.packsBeforeRepack }),
  });
  const folders = createTreeFolders({ dataFolder, git, mirrors });
  const trees = new TreesOfCommits(git);
  const history = createHistory(git, mirrors, trees);
  const publishing = createPublishing(git, mirrors, options.pushTarget);
  const maxFiles = options.maxFiles ?? 200_000;
  let confined: Promise<boolean> | null = null;

  const isConfined = (): Promise<boolean> => (confined ??= sandbox.probe().then((probe) => probe.kind === 'isolated'));

  async function fetch(repository: RepositoryAddress, base: string): Promise<string> {
    await mirrors.update(repository);
    const heads = await mirrors.heads(repository);
    const found = heads.get(base);
    if (found !== undefined) return found;
    if (heads.size === 0) {
      throw new OpusError('git.base-missing', `The repository '${repository.name}' has no commit yet.`, {
        hint: `Commit something to ${base} in it and push that.`,
      });
    }
    const others = [...heads.keys()].filter((name) => !name.startsWith('opus/'));
    throw new OpusError('git.base-missing', `The repository '${repository.name}' has no branch ${base}.`, {
      hint: `Its branches are ${others.slice(0, 8).join(', ')}: correct repos.${repository.name}.base in opus.yml.`,
    });
  }

  /** How much the base itself brings into a tree, so that limits count what was added. */
  async function sizeOfBase(request: CommitTree): Promise<{ files: number; bytes: number }> {
    const listed = await git.text(
      'measure the base',
      ['ls-tree', '-r', '-t', '-z', '--format=%(objectsize)', request.tree.commit],
      mirrors.call(request.tree.repository),
    );
    const sizes = listed.split('\0').filter((size) => size !== '');
    return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + (Number(size) || 0), 0) };
  }

  async function measureWithinLimits(request: CommitTree): Promise<FolderMeasure> {
    const { job, path } = request.tree;
    const limits = { files: maxFiles, bytes: request.limits.disk };
    const first = await measureUntrusted(path, limits);
    if (first.files <= limits.files && first.bytes <= limits.bytes) return first;
    const base = await sizeOfBase(request);
    const raised = { files: limits.files + base.files, bytes: limits.bytes + base.bytes };
    const second = await measureUntrusted(path, raised);
    const tooMany = second.files > raised.files;
    if (!tooMany && second.bytes <= raised.bytes) return second;
    const large =
      second.largest === null ? '' : ` (the largest is ${second.largest.path}, ${second.largest.bytes} bytes)`;
    throw new OpusError(
      'git.tree-too-large',
      tooMany
        ? `The agent of ${job} left more than ${limits.files} files.`
        : `The agent of ${job} left more than ${limits.bytes} bytes${large}.`,
      { hint: 'Have it remove what it generated: retry with --comment.', details: { largest: second.largest } },
    );
  }

  async function commit(request: CommitTree): Promise<string | null> {
    const { tree } = request;
    const call = mirrors.call(tree.repository);
    const [measure, baseTree] = await Promise.all([measureWithinLimits(request), trees.of(tree.commit, call)]);
    if (measure.files === 0) {
      const content = await git.text('read the base', ['ls-tree', '--name-only', baseTree], call);
      if (content === '') return null;
      throw new OpusError('git.tree-gone', `The agent of ${tree.job} deleted everything in its tree.`, {
        hint: 'The attempt starts again from the last checkpoint.',
      });
    }
    const [inner] = measure.nestedRepositories;
    if (inner !== undefined && !(await isConfined())) throw nestedRepository(tree.job, inner);
    const staged = await stageTree({ sandbox, git, mirrors }, request, baseTree);
    if (staged === baseTree) return null;
    await refuseForbiddenChanges(git, call, {
      job: tree.job,
      baseTree,
      tree: staged,
      nestedRepositories: measure.nestedRepositories,
      scratch: dirname(tree.path),
    });
    const made = await git.text('make the commit', ['commit-tree', staged, '-p', tree.commit, '-F', '-'], {
      ...call,
      input: withTrailers(request.message, request.trailers),
    });
    trees.know(made.trim(), staged);
    return made.trim();
  }

  async function keep(repository: RepositoryAddress, job: string, kept: string): Promise<void> {
    await mirrors.ensure(repository);
    await git.text(`keep the work of ${job}`, ['update-ref', referenceOf(job), kept], mirrors.call(repository));
  }

  async function kept(repository: RepositoryAddress, job: string): Promise<string | null> {
    await mirrors.ensure(repository);
    const found = await git.run(
      ['rev-parse', '--verify', '--quiet', `${referenceOf(job)}^{commit}`],
      mirrors.call(repository),
    );
    return found.exitCode === 0 ? found.stdout.trim() : null;
  }

  return {
    fetch,
    prepare: (request) => folders.prepare(request),
    commit,
    ...history,
    revert: createReverts(git, mirrors),
    heads: (repository) => mirrors.heads(repository),
    keep,
    kept,
    ...publishing,
    ...createCheckouts(git, mirrors),
    ...createLeftovers({ git, mirrors, folders, trees, sandbox, maxFiles, kept }),
    remove: (job, onlyIf) => folders.remove(job, onlyIf),
  };
}

function referenceOf(job: string): string {
  if (!isSafeId(job, '.')) throw new OpusError('internal.unexpected', `Not a job's name: ${job.slice(0, 60)}`);
  return `refs/opus/jobs/${job}`;
}

import { constants } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { Sandbox, SandboxResult } from '../../core/ports/sandbox.ts';
import type { CommitTree } from '../../core/ports/worktrees.ts';
import { configurationEnvironment, isolatedGitEnvironment, type HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';
import { copyIndex, folderOf, type TreeFolder } from './tree-folder.ts';
import { removeUntrusted } from './untrusted-folder.ts';

/**
 * Runs where the tree is: reads it read-only, with a git directory in which there is no configuration of anyone,
 * and writes one pack. Exit 3: git could not add something.
 */
const script = `set -eu
cd "$OPUS_TREE"
git add --all . || exit 3
tree=$(git write-tree)
printf '%s\\n' "$tree"
[ "$tree" = "$OPUS_BASE_TREE" ] && exit 0
printf '%s\\n^%s\\n' "$tree" "$OPUS_BASE_TREE" | git pack-objects --quiet --revs --thin --delta-base-offset --stdout > "$OPUS_PACK"
`;

/** Git takes files checked out in the index's own second for changed and writes their objects again, where they live for a moment only. */
const throwAway = [
  ['core.fsync', 'none'],
  ['core.looseCompression', '0'],
] as const;
const stagingTimeoutMs = 10 * 60_000;
const packHeaderBytes = 12;

export interface StagingOptions {
  readonly sandbox: Sandbox;
  readonly git: HostGit;
  readonly mirrors: Mirrors;
}

/** What is staged, and what is to be said of it. */
export type StagedTree = Pick<CommitTree, 'limits' | 'signal'> & {
  readonly tree: Pick<CommitTree['tree'], 'path' | 'repository' | 'job'>;
};

/** Brings what is written in the tree into the mirror as objects and returns their tree, without any git of the host on it. */
export async function stageTree(options: StagingOptions, request: StagedTree, baseTree: string): Promise<string> {
  return staged(options, request, baseTree, (pack) => takeIn(options, request, pack));
}

/** The tree that what is written would be, with nothing kept of it. */
export async function treeOfWork(options: StagingOptions, request: StagedTree, baseTree: string): Promise<string> {
  return staged(options, request, baseTree, () => Promise.resolve());
}

async function staged(
  options: StagingOptions,
  request: StagedTree,
  baseTree: string,
  take: (pack: string) => Promise<void>,
): Promise<string> {
  const folder = folderOf(dirname(request.tree.path));
  await removeUntrusted(folder.staging);
  try {
    const staging = await layOut(folder, options.mirrors.objects(request.tree.repository));
    const result = await options.sandbox.run({
      argv: ['/bin/sh', '-c', script],
      cwd: request.tree.path,
      env: {
        ...isolatedGitEnvironment,
        ...configurationEnvironment(throwAway),
        GIT_DIR: staging.gitDir,
        GIT_WORK_TREE: request.tree.path,
        OPUS_TREE: request.tree.path,
        OPUS_BASE_TREE: baseTree,
        OPUS_PACK: staging.pack,
      },
      mounts: [
        { source: request.tree.path, mode: 'read-only' },
        { source: options.mirrors.objects(request.tree.repository), mode: 'read-only' },
        { source: folder.staging, mode: 'read-write' },
      ],
      hidden: [],
      network: [],
      limits: request.limits,
      timeoutMs: stagingTimeoutMs,
      captureStdout: 4096,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    const tree = treeOf(result, request);
    if (tree !== baseTree) await take(staging.pack);
    return tree;
  } finally {
    await rm(folder.staging, { recursive: true, force: true });
  }
}

async function layOut(folder: TreeFolder, objects: string): Promise<{ gitDir: string; pack: string }> {
  const gitDir = join(folder.staging, 'git');
  await mkdir(join(gitDir, 'objects', 'info'), { recursive: true, mode: 0o700 });
  await mkdir(join(gitDir, 'objects', 'pack'));
  await mkdir(join(gitDir, 'refs'));
  await Promise.all([
    writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n'),
    writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = false\n'),
    writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${objects}\n`),
    copyIndex(folder.index, join(gitDir, 'index')),
  ]);
  return { gitDir, pack: join(folder.staging, 'new.pack') };
}

function treeOf(result: SandboxResult, request: StagedTree): string {
  const { job } = request.tree;
  if (result.ending === 'aborted') throw new OpusError('agent.canceled', `Committing the work of ${job} was stopped.`);
  if (result.ending === 'memory' || result.ending === 'disk' || result.ending === 'processes') {
    throw new OpusError(
      `sandbox.${result.ending}`,
      `Committing the work of ${job} needed more ${result.ending} than its limit.`,
      {
        hint: 'Look for large or generated files the agent left, and ignore them in .gitignore.',
        details: { tail: result.tail },
      },
    );
  }
  if (result.ending === 'exited' && result.exitCode === 0) {
    const tree = Buffer.from(result.stdout).toString('latin1').trim();
    if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(tree)) return tree;
  }
  const inner = /error: '(.+)' does not have a commit checked out/.exec(result.tail)?.[1];
  if (inner !== undefined) throw nestedRepository(job, inner);
  const reason = result.ending === 'exited' ? lastComplaint(result.tail) : `it ended as ${result.ending}`;
  throw new OpusError('git.failed', `Could not commit the work of ${job}: ${reason}`, {
    details: { tail: result.tail },
  });
}

export function nestedRepository(job: string, path: string): OpusError {
  return new OpusError('git.nested-repository', `The agent of ${job} left a git repository of its own in ${path}.`, {
    hint: `Have it remove ${path.replace(/\/$/, '')}/.git, or the whole folder: retry with --comment.`,
    details: { path },
  });
}

function lastComplaint(tail: string): string {
  const lines = tail.split('\n').filter((line) => line.trim() !== '');
  const marked = lines.find((line) => /^(?:error|fatal):/.test(line)) ?? lines.at(-1) ?? 'git said nothing';
  return marked.replace(/^(?:error|fatal):\s*/, '').slice(0, 300);
}

/** The pack is untrusted: opened without following a link, checked object by object, bounded. */
async function takeIn(options: StagingOptions, request: StagedTree, pack: string): Promise<void> {
  const call = options.mirrors.call(request.tree.repository);
  const file = await open(pack, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.nlink !== 1)
      throw new OpusError('git.failed', 'Staging left something that is no pack.');
    if (found.size > request.limits.disk) {
      throw new OpusError(
        'git.tree-too-large',
        `The work of ${request.tree.job} is larger than ${request.limits.disk} bytes.`,
      );
    }
    const header = Buffer.alloc(packHeaderBytes);
    await file.read(header, 0, packHeaderBytes, 0);
    // A tree that only moves what the base has already is a pack of nothing.
    if (header.readUInt32BE(8) > 0) {
      await options.git.text(
        `take in the work of ${request.tree.job}`,
        ['index-pack', '--stdin', '--strict', '--fix-thin', `--max-input-size=${request.limits.disk}`],
        { ...call, input: file.createReadStream({ start: 0, autoClose: false }) },
      );
    }
  } finally {
    await file.close();
  }
}

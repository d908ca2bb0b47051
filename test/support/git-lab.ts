import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createGitWorktrees, type GitWorktreesOptions } from '../../runner/adapters/git/git-worktrees.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { defaultSandboxLimits, type Sandbox, type SandboxResult } from '../../runner/core/ports/sandbox.ts';
import type { CommitTree, RepositoryAddress, Tree, Worktrees } from '../../runner/core/ports/worktrees.ts';

const identity = ['Seed', 'seed@localhost'] as const;

/** A folder with a bare origin that has one commit on `main`, and worktrees of the runner beside it. */
export interface GitLab {
  readonly folder: string;
  readonly dataFolder: string;
  readonly origin: string;
  readonly repository: RepositoryAddress;
  readonly sandbox: Sandbox;
  readonly worktrees: Worktrees;
  /** The mirror the worktrees keep. */
  readonly mirror: string;
  open(options?: Partial<GitWorktreesOptions>): Worktrees;
  /** A commit on a branch of the origin, by someone else; returns it. `null` removes a file. */
  seed(files: Readonly<Record<string, string | null>>, branch?: string): string;
  prepare(commit: string, job?: string, writable?: boolean): Promise<Tree>;
  commit(tree: Tree, overrides?: Partial<CommitTree>): Promise<string | null>;
  /** Runs a shell script as an agent would, in the tree's mounts. */
  agent(tree: Tree, script: string): Promise<SandboxResult>;
  /** Git of the test on a directory that no agent touched. */
  git(directory: string, ...args: string[]): string;
  dispose(): void;
}

export function plainGit(directory: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      GIT_AUTHOR_NAME: identity[0],
      GIT_AUTHOR_EMAIL: identity[1],
      GIT_COMMITTER_NAME: identity[0],
      GIT_COMMITTER_EMAIL: identity[1],
    },
  }).trimEnd();
}

export function openGitLab(): GitLab {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'opus git ')));
  const dataFolder = join(folder, 'data');
  const origin = join(folder, 'app.git');
  const clone = join(folder, 'clone');
  const repository: RepositoryAddress = { name: 'app', url: origin };
  const sandbox = createBubblewrapSandbox();
  plainGit(folder, 'init', '--quiet', '--bare', '--initial-branch=main', origin);
  plainGit(folder, 'clone', '--quiet', origin, clone);

  const open = (options: Partial<GitWorktreesOptions> = {}): Worktrees =>
    createGitWorktrees({ dataFolder, sandbox, ...options });
  const worktrees = open();

  function seed(files: Readonly<Record<string, string | null>>, branch = 'main'): string {
    plainGit(clone, 'fetch', '--quiet', 'origin');
    const known = plainGit(clone, 'branch', '--remotes', '--list', `origin/${branch}`) !== '';
    plainGit(clone, 'checkout', '--quiet', '--force', '-B', branch, ...(known ? [`origin/${branch}`] : []));
    for (const [path, content] of Object.entries(files)) {
      if (content === null) rmSync(join(clone, path), { recursive: true });
      else {
        mkdirSync(dirname(join(clone, path)), { recursive: true });
        writeFileSync(join(clone, path), content);
      }
    }
    plainGit(clone, 'add', '--all');
    plainGit(clone, 'commit', '--quiet', '--allow-empty', '--message', 'Seed');
    plainGit(clone, 'push', '--quiet', 'origin', branch);
    return plainGit(clone, 'rev-parse', 'HEAD');
  }

  return {
    folder,
    dataFolder,
    origin,
    repository,
    sandbox,
    worktrees,
    mirror: join(dataFolder, 'repos', 'app.git'),
    open,
    seed,
    prepare: (commit, job = 'FR-1-1', writable = true) =>
      worktrees.prepare({ repository, job, use: 'agent', commit, writable }),
    commit: (tree, overrides = {}) =>
      worktrees.commit({ tree, message: 'Work', trailers: [], limits: defaultSandboxLimits, ...overrides }),
    agent: (tree, script) =>
      sandbox.run({
        argv: ['/bin/sh', '-c', script],
        cwd: tree.path,
        env: {},
        mounts: tree.mounts,
        hidden: [],
        network: [],
        limits: { ...defaultSandboxLimits, disk: 8 * 1024 ** 3 },
        timeoutMs: 60_000,
      }),
    git: plainGit,
    dispose: () => {
      openUp(folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function openUp(folder: string): void {
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) openUp(join(folder, entry.name));
  }
}

/** The code an action rejects with; fails the test when it does not. */
export async function refusal(
  action: Promise<unknown>,
): Promise<{ code: string; message: string; hint: string | null }> {
  try {
    await action;
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      return error as unknown as { code: string; message: string; hint: string | null };
    throw error;
  }
  throw new Error('was not refused');
}

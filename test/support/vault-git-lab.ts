import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { planKeyWrite } from '#shared/domain/key-write.ts';
import { createHostGit, type HostGit } from '../../runner/adapters/git/host-git.ts';
import { createVaultGit, type VaultGitOptions } from '../../runner/adapters/git/vault-git.ts';
import type { VaultSync, VaultSyncOutcome } from '../../runner/core/ports/vault-sync.ts';

/** Spaces and letters beyond ASCII, as vaults have them. */
export const first = '10_features/03 geplant/FR-1 Größe.md';
export const second = '10_features/FR-2.md';
export const report = '20_runs/FR-1-1.md';

export function noteText(id: string, body = `First line of ${id}.\n\nMiddle.\n\nLast line.\n`): string {
  return `---\nid: ${id}\ntitle: "Title of ${id}"\nstatus: planned # see the guide\npriority: P2\ndecision: ""\ntags:\n  - fr\n---\n${body}`;
}

export function reportText(job: string, body = 'Running.'): string {
  return `---\ntype: run-report\njob: ${job}\n---\n\n${body}\n`;
}

/** Replaces text that must be there. */
export function replaced(from: string, to: string): (text: string) => string {
  return (text) => {
    if (!text.includes(from)) throw new Error(`${JSON.stringify(from)} is not in ${text}`);
    return text.replace(from, to);
  };
}

/** As `git status` prints a path with spaces. */
export function quoted(path: string): string {
  return path.includes(' ') ? `"${path}"` : path;
}

type Files = Readonly<Record<string, string | Buffer | null>>;

/** A bare remote, the vault that the runner works in, and a person's laptop. */
export class VaultGitLab {
  folder = '';

  static forEachTest(): VaultGitLab {
    const lab = new VaultGitLab();
    beforeEach(() => {
      lab.folder = realpathSync(mkdtempSync(join(tmpdir(), 'opus vault git ')));
      lab.git(lab.folder, 'init', '--quiet', '--bare', '--initial-branch=main', lab.remote);
      lab.git(lab.folder, 'clone', '--quiet', lab.remote, lab.laptop);
      lab.onLaptop({ [first]: noteText('FR-1'), [second]: noteText('FR-2'), 'Notes/Über uns.md': 'Plain\n' });
      lab.git(lab.folder, 'clone', '--quiet', lab.remote, lab.vault);
    });
    afterEach(() => {
      rmSync(lab.folder, { recursive: true, force: true });
    });
    return lab;
  }

  get remote(): string {
    return join(this.folder, 'remote.git');
  }

  get vault(): string {
    return join(this.folder, 'the vault');
  }

  get laptop(): string {
    return join(this.folder, 'laptop');
  }

  /** Git as a person runs it, with the person's identity. */
  git(directory: string, ...args: string[]): string {
    const identity = ['-c', 'user.name=Person', '-c', 'user.email=person@localhost', '-c', 'core.quotePath=false'];
    const env = { PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const stdio = 'pipe';
    return execFileSync('git', [...identity, ...args], { cwd: directory, encoding: 'utf8', stdio, env }).trimEnd();
  }

  inVault(...args: string[]): string {
    return this.git(this.vault, ...args);
  }

  /** A commit of a person on top of what the remote has, pushed. */
  onLaptop(files: Files): void {
    if (existsSync(join(this.laptop, '.git', 'refs', 'remotes', 'origin', 'main'))) this.pullOnLaptop();
    this.put(this.laptop, files);
    this.git(this.laptop, 'add', '--all');
    this.git(this.laptop, 'commit', '--quiet', '--message', 'On the laptop');
    this.git(this.laptop, 'push', '--quiet', 'origin', 'HEAD:main');
  }

  editOnLaptop(path: string, edit: (text: string) => string): void {
    this.pullOnLaptop();
    this.onLaptop({ [path]: edit(readFileSync(join(this.laptop, path), 'utf8')) });
  }

  pullOnLaptop(): void {
    this.git(this.laptop, 'fetch', '--quiet', 'origin');
    this.git(this.laptop, 'reset', '--quiet', '--hard', 'origin/main');
  }

  put(directory: string, files: Files): void {
    for (const [path, content] of Object.entries(files)) {
      const target = join(directory, path);
      if (content === null) rmSync(target, { recursive: true });
      else {
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, content);
      }
    }
  }

  read(path: string): string {
    return readFileSync(join(this.vault, path), 'utf8');
  }

  /** A person's edit in the vault's folder that is not committed. */
  edit(path: string, edit: (text: string) => string): void {
    this.put(this.vault, { [path]: edit(this.read(path)) });
  }

  /** What the runner's write-back does. */
  runnerWrites(path: string, keys: readonly (readonly [string, string])[], status: 'in-progress' | null = null): void {
    const change = status === null ? null : { expect: ['planned'] as const, to: status };
    const planned = planKeyWrite(this.read(path), { keys, status: change });
    if (planned.kind === 'refused') throw new Error(planned.problem.message);
    this.put(this.vault, { [path]: planned.text });
  }

  options(overrides: Partial<VaultGitOptions> = {}): VaultGitOptions {
    return {
      root: this.vault,
      remote: this.remote,
      branch: 'main',
      reportsFolder: () => '20_runs',
      featureFolder: () => '10_features',
      clock: { now: () => Date.UTC(2026, 0, 2) },
      ...overrides,
    };
  }

  open(overrides: Partial<VaultGitOptions> = {}): VaultSync {
    return createVaultGit(this.options(overrides));
  }

  sync(overrides: Partial<VaultGitOptions> = {}): Promise<VaultSyncOutcome> {
    return this.open(overrides).sync();
  }

  /** Git of the runner; `before` sees every call first. */
  spyOnGit(before: (args: readonly string[]) => void): HostGit {
    const git = createHostGit();
    return {
      run: (args, call) => {
        before(args);
        return git.run(args, call);
      },
      text: (doing, args, call) => {
        before(args);
        return git.text(doing, args, call);
      },
    };
  }

  gitWithInput(directory: string, input: string, ...args: string[]): string {
    return execFileSync('git', args, { cwd: directory, encoding: 'utf8', input }).trimEnd();
  }

  linkInVault(path: string, target: string): void {
    symlinkSync(target, join(this.vault, path));
  }

  remoteText(path: string): string {
    return this.git(this.remote, 'show', `main:${path}`);
  }

  remoteHead(): string {
    return this.git(this.remote, 'rev-parse', 'main');
  }

  /** Short status of what is not committed, a line each. */
  status(): string[] {
    return this.inVault('status', '--porcelain', '--untracked-files=all')
      .split('\n')
      .filter((line) => line !== '');
  }

  /** Everything a person could miss: the branch, the index, the files. */
  snapshot(): string {
    const files = this.inVault('ls-files', '--cached', '--others', '-z').split('\0');
    const texts = [...new Set(files)].map((path) => {
      const target = join(this.vault, path);
      return path === '' || !existsSync(target) ? `${path} -` : `${path} ${readFileSync(target, 'base64')}`;
    });
    return [
      readFileSync(join(this.vault, '.git', 'HEAD'), 'utf8'),
      this.inVault('for-each-ref', 'refs/heads'),
      this.inVault('ls-files', '--stage'),
      ...texts,
    ].join('\n');
  }
}

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Sandbox } from '../../runner/core/ports/sandbox.ts';
import type { Tree } from '../../runner/core/ports/worktrees.ts';
import { openGitLab, plainGit, refusal, type GitLab } from '../support/git-lab.ts';

/** Whatever an agent leaves in its tree, no program of its choice runs outside, and only files become a commit. */
let lab: GitLab;
let base: string;
let tree: Tree;
/** Every attack tries to make this file; where it exists, something ran on the host. */
let canary: string;

beforeEach(async () => {
  lab = openGitLab();
  canary = join(lab.folder, 'canary');
  base = lab.seed({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
  await lab.worktrees.fetch(lab.repository, 'main');
  tree = await lab.prepare(base);
});
afterEach(() => {
  vi.unstubAllEnvs();
  expect(existsSync(canary)).toBe(false);
  for (const repository of [lab.mirror, lab.origin]) {
    expect(plainGit(repository, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
  }
  lab.dispose();
});

/** A sandbox that runs the same command on the host itself, as where no sandbox works. */
const unconfined: Sandbox = {
  probe: () => Promise.resolve({ kind: 'none', reason: 'off', hint: '' }),
  run: (request) => {
    const [program, ...args] = request.argv;
    const stdout = execFileSync(program, args, {
      cwd: request.cwd,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...request.env },
    });
    return Promise.resolve({
      ending: 'exited',
      exitCode: 0,
      durationMs: 0,
      tail: '',
      outputBytes: 0,
      stdout,
      refusedHosts: [],
    });
  },
};

function hostileConfiguration(): string {
  const run = `touch '${canary}'`;
  return [
    '[core]',
    '\trepositoryformatversion = 0',
    `\tfsmonitor = "${run}"`,
    `\thooksPath = hooks`,
    `\tsshCommand = "${run}"`,
    `\tpager = "${run}"`,
    `\tworktree = /`,
    '[filter "evil"]',
    `\tclean = "${run}; cat"`,
    `\tsmudge = "${run}; cat"`,
    `\tprocess = "${run}"`,
    '[diff "evil"]',
    `\ttextconv = "${run}; cat"`,
    `\tcommand = "${run}"`,
    '[merge "evil"]',
    `\tdriver = "${run}"`,
    '',
  ].join('\n');
}

/** A git directory whose every setting and hook makes the canary. */
function hostileRepository(folder: string): void {
  mkdirSync(join(folder, 'hooks'), { recursive: true });
  mkdirSync(join(folder, 'objects'));
  mkdirSync(join(folder, 'refs'));
  writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(folder, 'config'), hostileConfiguration());
  for (const hook of [
    'pre-commit',
    'post-checkout',
    'post-index-change',
    'reference-transaction',
    'fsmonitor-watchman',
  ]) {
    writeFileSync(join(folder, 'hooks', hook), `#!/bin/sh\ntouch '${canary}'\n`, { mode: 0o755 });
  }
}

describe('a git directory of the agent’s own', () => {
  it('cannot be put in place of the one given', async () => {
    const result = await lab.agent(
      tree,
      'rm -rf .git; mv .git x; rmdir .git; ln -sf /tmp .git; cat .git; git status --short',
    );
    expect(result.tail).toContain('gitdir: ');
    expect(await lab.commit(tree)).toBeNull();
  });

  it('is not read where the one given was replaced all the same', async () => {
    writeFileSync(join(tree.path, '.gitattributes'), '* filter=evil diff=evil merge=evil\n');
    execFileSync('rm', [join(tree.path, '.git')]);
    hostileRepository(join(tree.path, '.git'));
    writeFileSync(join(tree.path, 'a.txt'), 'two\n');
    const made = (await lab.commit(tree)) ?? '';
    expect(plainGit(lab.mirror, 'diff', '--name-only', base, made)).toBe('.gitattributes\na.txt');
    await lab.worktrees.diff(lab.repository, base, made, 10_000);
    await lab.worktrees.merge({ repository: lab.repository, base, head: made, message: 'Merge', trailers: [] });
    await lab.prepare(made);
  });

  it('does nothing when the disposable one is poisoned', async () => {
    const gitdir = join(tree.path, '..', 'gitdir');
    writeFileSync(join(gitdir, 'config'), hostileConfiguration());
    mkdirSync(join(gitdir, 'hooks'));
    writeFileSync(join(gitdir, 'hooks', 'post-index-change'), `#!/bin/sh\ntouch '${canary}'\n`, { mode: 0o755 });
    writeFileSync(join(gitdir, 'objects/info/alternates'), '/\n');
    writeFileSync(join(gitdir, 'index'), 'no index');
    writeFileSync(join(tree.path, '.gitattributes'), '* filter=evil\n');
    expect(plainGit(lab.mirror, 'show', `${(await lab.commit(tree)) ?? ''}:a.txt`)).toBe('one');
    const fresh = await lab.prepare(base);
    expect(await lab.agent(fresh, 'git status --porcelain')).toMatchObject({ exitCode: 0, tail: '' });
  });
});

describe('a filter of the user’s own configuration', () => {
  it.each(['confined', 'unconfined'])('is not run (%s)', async (kind) => {
    const home = join(lab.folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, '.gitconfig'), hostileConfiguration());
    vi.stubEnv('HOME', home);
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(home, '.gitconfig'));
    vi.stubEnv('GIT_EXTERNAL_DIFF', `touch '${canary}'`);
    writeFileSync(join(tree.path, '.gitattributes'), '* filter=evil diff=evil\n');
    writeFileSync(join(tree.path, 'a.txt'), 'two\n');
    const worktrees = lab.open(kind === 'confined' ? {} : { sandbox: unconfined });
    const made = await worktrees.commit({
      tree,
      message: 'Work',
      trailers: [],
      limits: { memory: 1e9, processes: 64, disk: 1e9 },
    });
    expect(made).not.toBeNull();
    expect(await worktrees.diff(lab.repository, base, made ?? '', 10_000)).toContain('+two');
  });
});

describe('a repository inside the tree', () => {
  const makeNested = (): Promise<unknown> =>
    lab.agent(
      tree,
      'mkdir sub; cd sub; git init -q .; git config user.name x; git config user.email x@x; echo 1 > f; git add f; git commit -qm one',
    );

  it('is refused by name', async () => {
    await makeNested();
    expect(await refusal(lab.commit(tree))).toMatchObject({
      code: 'git.nested-repository',
      message: expect.stringContaining('sub') as string,
    });
  });

  it('is refused without a commit in it, too', async () => {
    await lab.agent(tree, 'mkdir sub; git init -q sub; echo 1 > sub/f');
    expect((await refusal(lab.commit(tree))).code).toBe('git.nested-repository');
  });

  it('runs nothing in the second round, when its filters are there', async () => {
    await makeNested();
    await refusal(lab.commit(tree));
    const inner = join(tree.path, 'sub', '.git');
    execFileSync('rm', ['-r', join(inner, 'hooks')]);
    execFileSync('rm', [join(inner, 'config')]);
    mkdirSync(join(inner, 'hooks'));
    writeFileSync(join(inner, 'config'), hostileConfiguration());
    writeFileSync(join(tree.path, 'sub', '.gitattributes'), '* filter=evil\n');
    writeFileSync(join(tree.path, 'sub', 'f'), '2\n');
    expect((await refusal(lab.commit(tree))).code).toBe('git.nested-repository');
  });

  it('is no matter where it is ignored', async () => {
    await lab.agent(tree, 'echo node_modules > .gitignore; mkdir -p node_modules/x; git init -q node_modules/x');
    expect(plainGit(lab.mirror, 'ls-tree', '--name-only', (await lab.commit(tree)) ?? '')).toBe(
      '.gitignore\na.txt\nb.txt',
    );
  });

  it('is refused before any git sees it where there is no sandbox', async () => {
    hostileRepository(join(tree.path, 'sub', '.git'));
    const run = vi.fn<Sandbox['run']>((request) => unconfined.run(request));
    const worktrees = lab.open({ sandbox: { ...unconfined, run } });
    const attempt = worktrees.commit({
      tree,
      message: 'Work',
      trailers: [],
      limits: { memory: 1e9, processes: 64, disk: 1e9 },
    });
    expect((await refusal(attempt)).code).toBe('git.nested-repository');
    expect(run).not.toHaveBeenCalled();
  });
});

describe('odd entries', () => {
  it('never block: FIFOs and sockets are left out', async () => {
    await lab.agent(tree, 'mkfifo pipe; mkdir d; mkfifo d/pipe; echo x > d/x');
    expect(plainGit(lab.mirror, 'diff', '--name-only', base, (await lab.commit(tree)) ?? '')).toBe('d/x');
  });

  it('say what is wrong when a FIFO took the place of a file', async () => {
    await lab.agent(tree, 'rm a.txt; mkfifo a.txt');
    expect(await refusal(lab.commit(tree))).toMatchObject({
      code: 'git.failed',
      message: expect.stringContaining('a.txt') as string,
    });
  });

  it('are links that are kept as links and never followed', async () => {
    writeFileSync(join(lab.folder, 'secret'), 'the secret\n');
    await lab.agent(
      tree,
      `ln -s '${lab.folder}/secret' link; rm b.txt; ln -s /etc/passwd b.txt; ln -s '${lab.folder}' folder`,
    );
    const made = (await lab.commit(tree)) ?? '';
    expect(plainGit(lab.mirror, 'ls-tree', '-r', made).match(/^120000/gm)).toHaveLength(3);
    expect(plainGit(lab.mirror, 'show', `${made}:link`)).toBe(join(lab.folder, 'secret'));
    await lab.prepare(made);
    await lab.worktrees.remove('FR-1-1');
    expect(existsSync(join(lab.folder, 'secret'))).toBe(true);
  });

  it('are names of every kind', async () => {
    await lab.agent(
      tree,
      `touch -- '-rf' '--help' "$(printf 'new\\nline')" "it's \\"quoted\\"" 'ünï ☃' ':(top)x' "$(printf 'bad\\377')" 'a b' '#x' '!y' '*' '$(id)'`,
    );
    const made = (await lab.commit(tree)) ?? '';
    expect(plainGit(lab.mirror, 'diff', '--name-only', '-z', base, made).split('\0').filter(Boolean)).toHaveLength(12);
    const stat = await lab.worktrees.diffStat(lab.repository, base, made);
    expect(stat.files.map((file) => file.path)).toContain('new\nline');
  });

  it('are shut folders and files', async () => {
    await lab.agent(tree, 'mkdir shut; echo x > shut/x; chmod 000 shut/x shut');
    expect(plainGit(lab.mirror, 'diff', '--name-only', base, (await lab.commit(tree)) ?? '')).toBe('shut/x');
  });

  it('cannot be names that git itself would obey', async () => {
    await lab.agent(tree, 'mkdir .GIT git~1; echo x > .GIT/config; echo x > git~1/config');
    expect((await refusal(lab.commit(tree))).code).toBe('git.failed');
  });
});

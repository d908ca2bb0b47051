import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Tree } from '../../runner/core/ports/worktrees.ts';
import { openGitLab, plainGit, refusal, type GitLab } from '../support/git-lab.ts';

let lab: GitLab;
let base: string;
let tree: Tree;
/** Where it exists, something ran on the host. */
let canary: string;

beforeEach(async () => {
  lab = openGitLab();
  canary = join(lab.folder, 'canary');
  base = lab.seed({ 'a.txt': 'one\n', 'b.txt': 'b\n' });
  await lab.worktrees.fetch(lab.repository, 'main');
  tree = await lab.prepare(base);
});
afterEach(() => {
  expect(existsSync(canary)).toBe(false);
  expect(plainGit(lab.mirror, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
  lab.dispose();
});

describe('what is refused', () => {
  it('is a new submodule', async () => {
    await lab.agent(
      tree,
      `git init -q sub; cd sub; git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; cd ..; printf '[submodule "sub"]\\n\\tpath = sub\\n\\turl = ./sub\\n' > .gitmodules`,
    );
    expect((await refusal(lab.commit(tree))).code).toBe('git.submodule-refused');
  });

  it('is a submodule pointed elsewhere', async () => {
    await lab.agent(tree, `printf '[submodule "x"]\\n\\tpath = x\\n\\turl = https://evil.example/x\\n' > .gitmodules`);
    expect((await refusal(lab.commit(tree))).code).toBe('git.submodule-refused');
  });

  it.each([
    [
      'by the attributes of before',
      { '.gitattributes': '*.bin filter=lfs -text\n', 'x.bin': 'content\n' },
      'echo other > x.bin',
    ],
    [
      'by an attribute the agent took away',
      { '.gitattributes': '*.bin filter=lfs\n', 'x.bin': 'c\n' },
      'rm .gitattributes; echo o > x.bin',
    ],
    [
      'by an attribute the agent brought',
      { 'x.bin': 'c\n' },
      `printf '*.bin filter=lfs\\n' > .gitattributes; echo o > x.bin`,
    ],
    [
      'in a folder with attributes of its own',
      { 'd/.gitattributes': '*.bin filter=lfs\n', 'd/x.bin': 'c\n' },
      'rm d/x.bin',
    ],
    [
      'by what it holds',
      {},
      `printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%064d\\nsize 5\\n' 1 > x.bin`,
    ],
  ])('is a change to an LFS path: %s', async (_how, files, script) => {
    const start = lab.seed({ ...files, 'c.txt': 'c\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    const lfs = await lab.prepare(start);
    writeFileSync(join(lfs.path, 'c.txt'), 'other\n');
    const harmless = lab.commit(lfs);
    await expect(harmless).resolves.not.toBeNull();
    await lab.agent(lfs, script);
    expect(await refusal(lab.commit(lfs))).toMatchObject({
      code: 'git.lfs-refused',
      message: expect.stringContaining('x.bin') as string,
    });
  });

  it('is a tree of which nothing is left', async () => {
    await lab.agent(tree, 'find . -mindepth 1 -delete 2>/dev/null; rm -rf "$PWD"');
    expect((await refusal(lab.commit(tree))).code).toBe('git.tree-gone');
  });

  it('is a tree whose folder is gone or is a link', async () => {
    execFileSync('rm', ['-r', tree.path]);
    expect((await refusal(lab.commit(tree))).code).toBe('git.tree-gone');
    execFileSync('ln', ['-s', '/etc', tree.path]);
    expect((await refusal(lab.commit(tree))).code).toBe('git.tree-gone');
  });

  it('is a file of 5 GB that takes no room', async () => {
    writeFileSync(join(tree.path, 'huge'), '');
    truncateSync(join(tree.path, 'huge'), 5 * 1024 ** 3);
    expect(await refusal(lab.commit(tree))).toMatchObject({
      code: 'git.tree-too-large',
      message: expect.stringContaining('huge') as string,
    });
  });

  it('is more files than anyone writes, though a base may have as many', async () => {
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`many/${index}`, `${index}`]));
    const start = lab.seed(many);
    const worktrees = lab.open({ maxFiles: 10 });
    await worktrees.fetch(lab.repository, 'main');
    const crowded = await lab.prepare(start);
    const request = {
      tree: crowded,
      message: 'Work',
      trailers: [],
      limits: { memory: 1e9, processes: 64, disk: 1e9 },
    } as const;
    expect(await worktrees.commit(request)).toBeNull();
    await lab.agent(crowded, 'i=0; while [ $i -lt 12 ]; do echo > more$i; i=$((i+1)); done');
    expect((await refusal(worktrees.commit(request))).code).toBe('git.tree-too-large');
  });

  it('is an origin that would run a command', async () => {
    const error = await refusal(lab.worktrees.fetch({ name: 'evil', url: `ext::sh -c touch% ${canary}` }, 'main'));
    expect(error.code).toBe('git.failed');
    await refusal(lab.worktrees.fetch({ name: 'evil', url: `--upload-pack=touch ${canary}` }, 'main'));
  });

  it('is a name that leaves the folder of the jobs or the mirrors', async () => {
    const outside = { repository: lab.repository, job: '../../x', use: 'agent', commit: base, writable: true } as const;
    await refusal(lab.worktrees.prepare(outside));
    await refusal(lab.worktrees.remove('..'));
    expect((await refusal(lab.worktrees.fetch({ ...lab.repository, name: '../x' }, 'main'))).code).toBe(
      'config.invalid',
    );
  });
});

import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHostGit } from '../../runner/adapters/git/host-git.ts';
import type { Tree } from '../../runner/core/ports/worktrees.ts';
import { openGitLab, plainGit, refusal, type GitLab } from '../support/git-lab.ts';

let lab: GitLab;
beforeEach(() => {
  lab = openGitLab();
});
afterEach(() => {
  expect(plainGit(lab.origin, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
  if (existsSync(lab.mirror)) {
    expect(plainGit(lab.mirror, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
  }
  lab.dispose();
});

describe('the mirror', () => {
  it('follows the base of the origin', async () => {
    const first = lab.seed({ 'a.txt': 'one\n' });
    expect(await lab.worktrees.fetch(lab.repository, 'main')).toBe(first);
    const second = lab.seed({ 'a.txt': 'two\n' });
    expect(await lab.worktrees.fetch(lab.repository, 'main')).toBe(second);
  });

  it('says which repository is missing', async () => {
    const error = await refusal(lab.worktrees.fetch({ name: 'web', url: join(lab.folder, 'nowhere.git') }, 'main'));
    expect(error).toMatchObject({
      code: 'git.repository-missing',
      message: expect.stringContaining("'web'") as string,
    });
    expect(error.hint).toContain('repos.web.url');
  });

  it('says when a known origin went away', async () => {
    lab.seed({ 'a.txt': 'one\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    renameSync(lab.origin, `${lab.origin}.away`);
    expect((await refusal(lab.worktrees.fetch(lab.repository, 'main'))).code).toBe('git.repository-missing');
    renameSync(`${lab.origin}.away`, lab.origin);
  });

  it('says that a folder is no repository', async () => {
    mkdirSync(join(lab.folder, 'plain'));
    const error = await refusal(lab.worktrees.fetch({ name: 'web', url: join(lab.folder, 'plain') }, 'main'));
    expect(error.code).toBe('git.repository-missing');
  });

  it('says that a repository has no commit', async () => {
    const error = await refusal(lab.worktrees.fetch(lab.repository, 'main'));
    expect(error).toMatchObject({ code: 'git.base-missing', message: expect.stringContaining('no commit') as string });
  });

  it('names the branches there are when the base is not among them', async () => {
    lab.seed({ 'a.txt': 'one\n' });
    const error = await refusal(lab.worktrees.fetch(lab.repository, 'develop'));
    expect(error).toMatchObject({ code: 'git.base-missing', hint: expect.stringContaining('main') as string });
  });

  it('says that an origin is damaged, and stays whole itself', async () => {
    lab.seed({ 'a.txt': 'one\n' });
    const broken = join(lab.folder, 'broken.git');
    plainGit(lab.folder, 'clone', '--quiet', '--bare', lab.origin, broken);
    rmSync(join(broken, 'objects'), { recursive: true });
    mkdirSync(join(broken, 'objects'));
    const error = await refusal(lab.worktrees.fetch({ name: 'broken', url: broken }, 'main'));
    expect(error).toMatchObject({ code: 'git.failed', message: expect.stringContaining("'broken'") as string });
    expect(existsSync(join(lab.dataFolder, 'repos', 'broken.git'))).toBe(false);
  });

  it.each([
    [
      'its configuration',
      (mirror: string) => {
        writeFileSync(join(mirror, 'config'), '[core\n\0');
      },
    ],
    [
      'its head',
      (mirror: string) => {
        writeFileSync(join(mirror, 'HEAD'), '');
      },
    ],
    [
      'a reference',
      (mirror: string) => {
        writeFileSync(join(mirror, 'refs/origin/main'), '');
      },
    ],
  ])('is made anew when %s is damaged, and brings back what jobs kept', async (_what, damage) => {
    const first = lab.seed({ 'a.txt': 'one\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    const tree = await lab.prepare(first);
    writeFileSync(join(tree.path, 'b.txt'), 'b\n');
    const made = (await lab.commit(tree)) ?? '';
    await lab.worktrees.keep(lab.repository, 'FR-1-1', made);
    damage(lab.mirror);
    const second = lab.seed({ 'a.txt': 'two\n' });
    expect(await lab.worktrees.fetch(lab.repository, 'main')).toBe(second);
    expect(await lab.worktrees.kept(lab.repository, 'FR-1-1')).toBe(made);
  });

  it('survives the locks of a killed process', async () => {
    lab.seed({ 'a.txt': 'one\n' });
    const worktrees = lab.open({ git: createHostGit({ lockPatienceMs: 20 }) });
    await worktrees.fetch(lab.repository, 'main');
    const second = lab.seed({ 'a.txt': 'two\n' });
    for (const name of ['refs/origin/main.lock', 'packed-refs.lock', 'config.lock'])
      writeFileSync(join(lab.mirror, name), '');
    expect(await worktrees.fetch(lab.repository, 'main')).toBe(second);
    mkdirSync(join(lab.mirror, 'refs/opus/jobs'), { recursive: true });
    writeFileSync(join(lab.mirror, 'refs/opus/jobs/FR-1-1.lock'), '');
    await worktrees.keep(lab.repository, 'FR-1-1', second);
    expect(await worktrees.kept(lab.repository, 'FR-1-1')).toBe(second);
  });

  it('is made once by many at the same time', async () => {
    const commit = lab.seed({ 'a.txt': 'one\n' });
    const runners = [lab.open(), lab.open(), lab.open()];
    const heads = await Promise.all(
      runners.flatMap((one) => [one.fetch(lab.repository, 'main'), one.fetch(lab.repository, 'main')]),
    );
    expect(new Set(heads)).toEqual(new Set([commit]));
  });

  it('keeps every commit when its packs are put together', async () => {
    const commit = lab.seed({ 'a.txt': 'one\n' });
    const worktrees = lab.open({ packsBeforeRepack: 1 });
    await worktrees.fetch(lab.repository, 'main');
    const tree = await lab.prepare(commit);
    writeFileSync(join(tree.path, 'b.txt'), 'b\n');
    const made = await lab.commit(tree);
    await worktrees.fetch(lab.repository, 'main');
    expect(plainGit(lab.mirror, 'cat-file', '-t', made ?? '')).toBe('commit');
  });
});

describe('a tree', () => {
  let base: string;
  beforeEach(async () => {
    base = lab.seed({ 'a.txt': 'one\n', 'src/deep/b.txt': 'b\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
  });
  const again = (writable: boolean): Promise<Tree> => lab.prepare(base, 'FR-1-1', writable);

  it('is the commit and nothing else', async () => {
    const tree = await lab.prepare(base);
    expect(readFileSync(join(tree.path, 'src/deep/b.txt'), 'utf8')).toBe('b\n');
    writeFileSync(join(tree.path, 'left.txt'), 'left');
    const fresh = await lab.prepare(base);
    expect(existsSync(join(fresh.path, 'left.txt'))).toBe(false);
  });

  it('is used again after it was only read', async () => {
    const first = lstatSync((await again(false)).path).ino;
    expect(lstatSync((await again(false)).path).ino).toBe(first);
    const written = await again(true);
    expect(lstatSync(written.path).ino).toBe(first);
    writeFileSync(join(written.path, 'left.txt'), 'left');
    expect(existsSync(join((await again(false)).path, 'left.txt'))).toBe(false);
  });

  it('is made anew when a crash came before its state was written', async () => {
    const tree = await again(false);
    writeFileSync(join(tree.path, '..', 'state.json'), '{"commit":');
    writeFileSync(join(tree.path, 'left.txt'), 'left');
    await again(false);
    expect(existsSync(join(tree.path, 'left.txt'))).toBe(false);
  });

  it('keeps the tests apart from the agent', async () => {
    const agent = await lab.prepare(base);
    const test = await lab.worktrees.prepare({
      repository: lab.repository,
      job: 'FR-1-1',
      use: 'test',
      commit: base,
      writable: true,
    });
    writeFileSync(join(agent.path, 'left.txt'), 'left');
    expect(existsSync(join(test.path, 'left.txt'))).toBe(false);
  });

  it('gives the agent a git that works', async () => {
    const tree = await lab.prepare(base);
    const result = await lab.agent(
      tree,
      'set -e; test -z "$(git status --porcelain)"; git log --oneline | grep -q Seed; echo more >> a.txt; git diff | grep -q +more; git add a.txt; git commit -qm mine; git diff --stat origin/main | grep -q a.txt; git log --format=%an -1',
    );
    expect(result).toMatchObject({ exitCode: 0, tail: expect.stringContaining('Opus Orchestrator') as string });
  });

  it('gives a reading agent a git that works', async () => {
    const tree = await again(false);
    const result = await lab.agent(
      tree,
      'set -e; git status --porcelain; git diff; git log -1; ! touch a.txt 2>/dev/null; ! rm .git 2>/dev/null',
    );
    expect(result).toMatchObject({ ending: 'exited', exitCode: 0 });
  });

  it('lets nobody write the mirror from inside', async () => {
    const tree = await lab.prepare(base);
    const result = await lab.agent(
      tree,
      `touch '${lab.mirror}/objects/x' 2>/dev/null || echo refused; ls '${lab.mirror}'`,
    );
    expect(result.tail.trim().split('\n')).toEqual(['refused', 'objects']);
  });

  it('can be removed whatever is in it', async () => {
    const tree = await lab.prepare(base);
    writeFileSync(join(lab.folder, 'precious'), 'x');
    const done = await lab.agent(
      tree,
      `mkdir shut; touch shut/x "$(printf 'bad\\377name')"; mkdir "$(printf 'bad\\376dir')"; touch "$(printf 'bad\\376dir')/x"; chmod 000 shut; ln -s '${lab.folder}' out; n=$(printf '%0200d' 0); i=0; while [ $i -lt 30 ]; do mkdir $n && cd -P ./$n; i=$((i+1)); done; true`,
    );
    expect(done.exitCode).toBe(0);
    await lab.worktrees.remove('FR-1-1');
    expect(existsSync(tree.path)).toBe(false);
    expect(existsSync(join(lab.folder, 'precious'))).toBe(true);
    await lab.worktrees.remove('FR-1-1');
  });
});

describe('a commit', () => {
  let base: string;
  let tree: Tree;
  beforeEach(async () => {
    base = lab.seed({ 'a.txt': 'one\n', 'old/b.txt': 'b\n', '.gitignore': 'ignored\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    tree = await lab.prepare(base);
  });

  it('is what was written, on the base, with its trailers', async () => {
    await lab.agent(
      tree,
      'echo two > a.txt; mkdir -p new; echo n > new/n.txt; rm -r old; echo x > ignored; chmod +x a.txt',
    );
    const made = await lab.commit(tree, {
      message: 'Work\n\nOpus-Job: other',
      trailers: [
        ['Opus-Job', 'FR-1-1'],
        ['Opus-Stage', 'code'],
      ],
    });
    expect(plainGit(lab.mirror, 'rev-parse', `${made ?? ''}^`)).toBe(base);
    expect(plainGit(lab.mirror, 'diff', '--name-status', base, made ?? '')).toBe(
      'M\ta.txt\nA\tnew/n.txt\nD\told/b.txt',
    );
    expect(plainGit(lab.mirror, 'ls-tree', made ?? '', 'a.txt')).toContain('100755');
    expect(plainGit(lab.mirror, 'log', '-1', '--format=%an <%ae>%n%(trailers)', made ?? '')).toBe(
      'Opus Orchestrator <opus@localhost>\nOpus-Job: FR-1-1\nOpus-Stage: code',
    );
  });

  it('is none when nothing changed, whatever the agent committed itself', async () => {
    expect(await lab.commit(tree)).toBeNull();
    await lab.agent(tree, 'echo x > ignored; git commit --allow-empty -qm mine; touch a.txt');
    expect(await lab.commit(tree)).toBeNull();
  });

  it('sees an edit of the same size in the same second', async () => {
    writeFileSync(join(tree.path, 'a.txt'), 'two\n');
    expect(plainGit(lab.mirror, 'show', `${(await lab.commit(tree)) ?? ''}:a.txt`)).toBe('two');
  });

  it('can be made of nothing but what was there', async () => {
    await lab.agent(tree, 'rm a.txt .gitignore; mv old/b.txt .; rmdir old');
    const made = await lab.commit(tree);
    expect(plainGit(lab.mirror, 'ls-tree', '--name-only', made ?? '')).toBe('b.txt');
  });

  it('can be repeated on its own result', async () => {
    appendFileSync(join(tree.path, 'a.txt'), 'more\n');
    const first = await lab.commit(tree);
    const next = await lab.prepare(first ?? '');
    appendFileSync(join(next.path, 'a.txt'), 'and more\n');
    expect(plainGit(lab.mirror, 'rev-parse', `${(await lab.commit(next)) ?? ''}~2`)).toBe(base);
  });

  it('is kept under the name of its job', async () => {
    expect(await lab.worktrees.kept(lab.repository, 'FR-1-1')).toBeNull();
    await lab.worktrees.keep(lab.repository, 'FR-1-1', base);
    expect(await lab.worktrees.kept(lab.repository, 'FR-1-1')).toBe(base);
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHostGit } from '../../runner/adapters/git/host-git.ts';
import type { DiffStat } from '../../runner/core/ports/worktrees.ts';
import { openGitLab, plainGit, refusal, type GitLab } from '../support/git-lab.ts';

let lab: GitLab;
let base: string;

beforeEach(async () => {
  lab = openGitLab();
  base = lab.seed({ 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n' });
  await lab.worktrees.fetch(lab.repository, 'main');
});
afterEach(() => {
  expect(plainGit(lab.origin, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
  lab.dispose();
});

/** A commit of a job on the base. */
async function work(files: Readonly<Record<string, string | Buffer>>, from = base): Promise<string> {
  const tree = await lab.prepare(from);
  for (const [path, content] of Object.entries(files)) writeFileSync(join(tree.path, path), content);
  const made = await lab.commit(tree);
  if (made === null) throw new Error('nothing changed');
  return made;
}

function hook(name: string, script: string): void {
  mkdirSync(join(lab.origin, 'hooks'), { recursive: true });
  writeFileSync(join(lab.origin, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const branch = 'opus/FR-1-1-x';

describe('a push', () => {
  it('makes the branch, and is a success when repeated', async () => {
    const made = await work({ 'a.txt': 'other\n' });
    await lab.worktrees.push(lab.repository, branch, made, null);
    await lab.worktrees.push(lab.repository, branch, made, null);
    expect(await lab.worktrees.remoteHead(lab.repository, branch)).toBe(made);
    await lab.worktrees.fetch(lab.repository, 'main');
    expect((await lab.worktrees.heads(lab.repository)).get(branch)).toBe(made);
  });

  it('goes on from what was expected, even to a commit that does not follow it', async () => {
    const first = await work({ 'a.txt': 'first\n' });
    const second = await work({ 'a.txt': 'second\n' });
    await lab.worktrees.push(lab.repository, branch, first, null);
    await lab.worktrees.push(lab.repository, branch, second, first);
    expect(await lab.worktrees.remoteHead(lab.repository, branch)).toBe(second);
  });

  it('never overwrites what someone else pushed', async () => {
    const made = await work({ 'a.txt': 'other\n' });
    await lab.worktrees.push(lab.repository, branch, made, null);
    const theirs = lab.seed({ 'c.txt': 'theirs\n' }, branch);
    const next = await work({ 'a.txt': 'next\n' });
    expect(await refusal(lab.worktrees.push(lab.repository, branch, next, made))).toMatchObject({
      code: 'git.branch-moved',
    });
    expect((await refusal(lab.worktrees.push(lab.repository, branch, next, null))).code).toBe('git.branch-moved');
    expect((await refusal(lab.worktrees.deleteRemoteBranch(lab.repository, branch, made))).code).toBe(
      'git.branch-moved',
    );
    expect(await lab.worktrees.remoteHead(lab.repository, branch)).toBe(theirs);
  });

  it('does not bring back a branch that was deleted', async () => {
    const made = await work({ 'a.txt': 'other\n' });
    await lab.worktrees.push(lab.repository, branch, made, null);
    await lab.worktrees.deleteRemoteBranch(lab.repository, branch, made);
    await lab.worktrees.deleteRemoteBranch(lab.repository, branch, made);
    expect(await lab.worktrees.remoteHead(lab.repository, branch)).toBeNull();
    const next = await work({ 'a.txt': 'next\n' });
    expect((await refusal(lab.worktrees.push(lab.repository, branch, next, made))).code).toBe('git.branch-moved');
  });

  it('says what the origin’s hook said', async () => {
    hook('pre-receive', 'echo "no Friday deployments" >&2; exit 1');
    const made = await work({ 'a.txt': 'other\n' });
    expect(await refusal(lab.worktrees.push(lab.repository, branch, made, null))).toMatchObject({
      code: 'forge.push-refused',
      message: expect.stringContaining('no Friday deployments') as string,
    });
  });

  it('survives the lock of a killed push', async () => {
    const made = await work({ 'a.txt': 'other\n' });
    mkdirSync(join(lab.origin, 'refs/heads/opus'), { recursive: true });
    writeFileSync(join(lab.origin, 'refs/heads', `${branch}.lock`), '');
    const worktrees = lab.open({ git: createHostGit({ lockPatienceMs: 20 }) });
    await worktrees.push(lab.repository, branch, made, null);
    expect(await worktrees.remoteHead(lab.repository, branch)).toBe(made);
  });

  it('is seen by others only as a whole: many pushers, one winner', async () => {
    const commits = [await work({ 'a.txt': '1\n' }), await work({ 'a.txt': '2\n' }), await work({ 'a.txt': '3\n' })];
    const results = await Promise.allSettled(
      commits.map((made) => lab.worktrees.push(lab.repository, branch, made, null)),
    );
    const won = results.flatMap((result, index) => (result.status === 'fulfilled' ? [commits[index]] : []));
    expect(won).toEqual([await lab.worktrees.remoteHead(lab.repository, branch)]);
  });
});

describe('a merge', () => {
  const trailers = [['Opus-Job', 'FR-1-1']] as const;

  it('has the base first and the work second, and is found again by its job', async () => {
    const head = await work({ 'a.txt': 'one\ntwo\nTHREE\n' });
    const moved = lab.seed({ 'b.txt': 'moved\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    const outcome = await lab.worktrees.merge({
      repository: lab.repository,
      base: moved,
      head,
      message: 'Merge it',
      trailers,
    });
    expect(outcome.kind).toBe('merged');
    expect(plainGit(lab.mirror, 'log', '-1', '--format=%P %s', outcome.commit)).toBe(`${moved} ${head} Merge it`);
    expect(plainGit(lab.mirror, 'show', `${outcome.commit}:a.txt`)).toContain('THREE');
    expect(await lab.worktrees.findMerge(lab.repository, 'main', 'FR-1-1')).toBeNull();
    await lab.worktrees.push(lab.repository, 'main', outcome.commit, moved);
    lab.seed({ 'c.txt': 'later\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    expect(await lab.worktrees.findMerge(lab.repository, 'main', 'FR-1-1')).toBe(outcome.commit);
    expect(await lab.worktrees.findMerge(lab.repository, outcome.commit, 'FR-1-1')).toBe(outcome.commit);
    expect(await lab.worktrees.findMerge(lab.repository, 'main', 'FR-1')).toBeNull();
    expect(await lab.worktrees.isAncestor(lab.repository, head, outcome.commit)).toBe(true);
    expect(await lab.worktrees.isAncestor(lab.repository, outcome.commit, head)).toBe(false);
  });

  it('is not taken from a message that only claims it', async () => {
    const head = await work({ 'a.txt': 'x\n' });
    const outcome = await lab.worktrees.merge({
      repository: lab.repository,
      base,
      head,
      message: 'Merge\n\nOpus-Job: FR-9-9',
      trailers: [['Opus-Job', 'FR-1-1\nOpus-Job: FR-8-8']],
    });
    for (const job of ['FR-9-9', 'FR-8-8']) {
      expect(await lab.worktrees.findMerge(lab.repository, outcome.commit, job)).toBeNull();
    }
  });

  it('names what conflicts, and leaves the tree a fix starts from', async () => {
    const head = await work({ 'a.txt': 'one\nmine\nthree\n', 'b.txt': 'mine\n' });
    const moved = lab.seed({ 'a.txt': 'one\ntheirs\nthree\n', 'b.txt': null });
    await lab.worktrees.fetch(lab.repository, 'main');
    const outcome = await lab.worktrees.merge({
      repository: lab.repository,
      base: moved,
      head,
      message: 'Merge',
      trailers,
    });
    expect(outcome).toMatchObject({
      kind: 'conflict',
      files: ['a.txt', 'b.txt'],
      detail: expect.stringContaining('CONFLICT') as string,
    });
    const tree = await lab.prepare(outcome.commit);
    const seen = await lab.agent(tree, 'cat a.txt');
    expect(seen.tail).toMatch(/<<<<<<<[^]*mine|theirs[^]*>>>>>>>/);
    writeFileSync(join(tree.path, 'a.txt'), 'one\nboth\nthree\n');
    const mended = (await lab.commit(tree)) ?? '';
    expect(await lab.worktrees.isAncestor(lab.repository, moved, mended)).toBe(true);
  });

  it('of what has nothing in common says so', async () => {
    const tree = plainGit(lab.mirror, 'mktree', '--missing');
    const alone = plainGit(lab.mirror, '-c', 'user.name=x', '-c', 'user.email=x', 'commit-tree', tree, '-m', 'alone');
    const attempt = lab.worktrees.merge({ repository: lab.repository, base, head: alone, message: 'Merge', trailers });
    expect((await refusal(attempt)).code).toBe('git.conflict');
  });
});

describe('a diff', () => {
  it('is what the work adds since it left the base', async () => {
    const head = await work({ 'a.txt': 'one\ntwo\n3\n', 'ü.txt': 'new\n', 'image.bin': Buffer.from([0, 1, 2, 0]) });
    const moved = lab.seed({ 'b.txt': 'moved\n' });
    await lab.worktrees.fetch(lab.repository, 'main');
    const diff = await lab.worktrees.diff(lab.repository, moved, head, 100_000);
    expect(diff).toContain('-three\n+3');
    expect(diff).toContain('ü.txt');
    expect(diff).not.toContain('moved');
    expect(await lab.worktrees.diffStat(lab.repository, moved, head)).toEqual<DiffStat>({
      added: 2,
      removed: 1,
      files: [
        { path: 'a.txt', added: 1, removed: 1 },
        { path: 'image.bin', added: null, removed: null },
        { path: 'ü.txt', added: 1, removed: 0 },
      ],
    });
  });

  it('names a renamed file by its new name', async () => {
    const tree = await lab.prepare(base);
    await lab.agent(tree, 'mv a.txt moved.txt');
    const head = (await lab.commit(tree)) ?? '';
    const stat = await lab.worktrees.diffStat(lab.repository, base, head);
    expect(stat.files).toEqual([{ path: 'moved.txt', added: 0, removed: 0 }]);
  });

  it('is cut at a line and says so', async () => {
    const head = await work({ 'long.txt': 'line of text\n'.repeat(10_000) });
    const diff = await lab.worktrees.diff(lab.repository, base, head, 1000);
    expect(Buffer.byteLength(diff)).toBeLessThan(1100);
    expect(diff.trimEnd().split('\n').at(-1)).toContain('cut here at 1000 bytes');
    const whole = await lab.worktrees.diff(lab.repository, base, head, 1_000_000);
    expect(await lab.worktrees.diff(lab.repository, base, head, Buffer.byteLength(whole))).toBe(whole);
  });

  it('of nothing is empty', async () => {
    expect(await lab.worktrees.diff(lab.repository, base, base, 100)).toBe('');
    expect(await lab.worktrees.diffStat(lab.repository, base, base)).toEqual({ files: [], added: 0, removed: 0 });
  });
});

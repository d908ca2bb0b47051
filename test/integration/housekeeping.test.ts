import { spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createStrayWatch, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';
import { anAttempt } from '../support/records.ts';
import { openHousekeepingLab, type HousekeepingLab } from '../support/housekeeping-lab.ts';

let lab: HousekeepingLab;
beforeEach(async () => {
  lab = await openHousekeepingLab();
});
afterEach(() => lab.dispose());

const treesThere = (): string[] => readdirSync(join(lab.data, 'worktrees')).sort();
const logged = (): string => readFileSync(join(lab.data, 'logs/runner.log'), 'utf8');
const branches = (): string[] =>
  lab.git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/opus/').split('\n').filter(Boolean);

describe('working folders', () => {
  it('of finished jobs go, whatever an agent left there; those of unfinished jobs stay', async () => {
    for (const [id, status] of [
      ['KL-1-1', 'succeeded'],
      ['KL-2-1', 'canceled'],
      ['KL-3-1', 'failed'],
      ['KL-4-1', 'waiting'],
    ] as const) {
      lab.add(id, { status });
      await lab.tree(id, { 'counted.txt': 'not committed\n' });
      await lab.parts.dependencies.files.folder(id, 'attempt');
    }
    expect(await lab.run('leftovers')).toEqual([]);
    expect(treesThere()).toEqual(['KL-4-1']);
    expect(readdirSync(join(lab.data, 'attempts'))).toEqual(['KL-4-1']);
    expect(readFileSync(join(lab.data, 'worktrees/KL-4-1/agent/tree/counted.txt'), 'utf8')).toBe('not committed\n');
  });

  it('of a finished job stay while something of it is still at work', async () => {
    lab.add('KL-1-1', { status: 'canceled' });
    await lab.tree('KL-1-1');
    const end = lab.parts.runtime.running.begin(anAttempt({ jobId: 'KL-1-1' }));
    await lab.run('leftovers');
    expect(treesThere()).toEqual(['KL-1-1']);
    end();
    await lab.run('leftovers');
    expect(treesThere()).toEqual([]);
  });

  it('of a job that nobody knows go when a commit holds what is in them', async () => {
    await lab.commit(await lab.tree('KL-1-1', { 'counted.txt': 'kept\n' }));
    await lab.tree('KL-2-1');
    await lab.parts.dependencies.files.folder('KL-2-1', 'attempt');
    expect(await lab.run('leftovers')).toEqual([]);
    expect(treesThere()).toEqual([]);
    expect(readdirSync(join(lab.data, 'attempts'))).toEqual([]);
  });

  it('of a job that nobody knows stay, and are told of, when an agent wrote there what no commit holds', async () => {
    const tree = await lab.tree('KL-1-1', { 'counted.txt': 'committed\n' });
    await lab.commit(tree);
    writeFileSync(join(tree.path, 'more.txt'), 'an hour of work\n');
    await lab.parts.dependencies.files.folder('KL-1-1', 'attempt');
    for (let hour = 0; hour < 2; hour += 1) {
      const [problem, ...others] = await lab.run('leftovers');
      expect(others).toEqual([]);
      expect(problem).toMatchObject({ code: 'git.tree-kept' });
      expect(problem?.message).toContain(join(lab.data, 'worktrees/KL-1-1'));
      expect(problem?.hint).toContain(`rm -r '${join(lab.data, 'worktrees/KL-1-1')}'`);
    }
    expect(readFileSync(join(tree.path, 'more.txt'), 'utf8')).toBe('an hour of work\n');
    expect(readdirSync(join(lab.data, 'attempts'))).toEqual(['KL-1-1']);
    expect(logged().match(/git\.tree-kept/g)).toHaveLength(1);
  });

  it('that cannot be compared stay, and are told of', async () => {
    const tree = await lab.tree('KL-1-1', { 'counted.txt': 'not committed\n' });
    const state = join(tree.path, '../state.json');
    writeFileSync(state, readFileSync(state, 'utf8').replace('"app"', '"another"'));
    await lab.tree('KL-2-1');
    writeFileSync(join(lab.data, 'worktrees/KL-2-1/agent/state.json'), '{');
    expect((await lab.run('leftovers')).map(({ message }) => message)).toEqual([
      expect.stringContaining('KL-1-1'),
      expect.stringContaining('KL-2-1'),
    ]);
    expect(treesThere()).toEqual(['KL-1-1', 'KL-2-1']);
  });

  it('that an agent never got writable go with their job', async () => {
    const { worktrees } = lab.parts.dependencies;
    const commit = await worktrees.fetch(lab.repository, 'main');
    for (const [job, use, writable] of [
      ['KL-1-1', 'agent', false],
      ['KL-2-1', 'test', true],
    ] as const) {
      const tree = await worktrees.prepare({ repository: lab.repository, job, use, commit, writable });
      writeFileSync(join(tree.path, 'made-by-tests.txt'), 'x');
    }
    expect(await lab.run('leftovers')).toEqual([]);
    expect(treesThere()).toEqual([]);
  });

  it('that are none of ours are left alone', async () => {
    mkdirSync(join(lab.data, 'worktrees/.of somebody'), { recursive: true });
    expect(await lab.run('leftovers')).toEqual([]);
    expect(treesThere()).toEqual(['.of somebody']);
  });
});

describe('commits and branches', () => {
  const made = async (job: string): Promise<string> => lab.commit(await lab.tree(job, { [`${job}.txt`]: 'x\n' }));
  const keptIn = async (): Promise<string[]> =>
    (await lab.parts.dependencies.worktrees.keptJobs(lab.repository, 'main')).map(({ job }) => job);

  it('that are merged need not be kept for a job that is done or unknown; all others are', async () => {
    const { worktrees } = lab.parts.dependencies;
    const [done, open, unknown] = [await made('KL-1-1'), await made('KL-2-1'), await made('KL-3-1')];
    await made('KL-4-1');
    const base = await worktrees.fetch(lab.repository, 'main');
    let tip = base;
    for (const head of [done, open, unknown]) {
      const merged = await worktrees.merge({ repository: lab.repository, base: tip, head, message: 'M', trailers: [] });
      tip = merged.commit;
    }
    await worktrees.push(lab.repository, 'main', tip, base);
    await worktrees.fetch(lab.repository, 'main');
    lab.add('KL-1-1', { status: 'succeeded', headCommit: done });
    lab.add('KL-2-1', { status: 'waiting', headCommit: open });
    await lab.run('leftovers');
    expect(await keptIn()).toEqual(['KL-2-1', 'KL-4-1']);
  });

  it('a branch of a merged job goes if it is where the runner left it; every other one stays, and strange ones are told of once', async () => {
    const { worktrees } = lab.parts.dependencies;
    const commit = await made('KL-1-1');
    const other = await made('KL-2-1');
    const push = (job: string, at = commit): Promise<void> => worktrees.push(lab.repository, `opus/${job}`, at, null);
    for (const job of ['KL-1-1', 'KL-3-1', 'KL-4-1', 'KL-5-1', 'KL-6-1', 'KL-7-1']) await push(job);
    await push('KL-2-1', other);
    lab.add('KL-1-1', { status: 'succeeded', headCommit: commit, mergeCommit: commit });
    lab.add('KL-2-1', { status: 'succeeded', headCommit: commit, mergeCommit: commit });
    lab.add('KL-3-1', { status: 'failed', headCommit: commit });
    lab.add('KL-4-1', { status: 'canceled', headCommit: commit });
    lab.add('KL-5-1', { status: 'waiting', headCommit: commit });
    // Its pipeline ended with the delivery.
    lab.add('KL-7-1', { status: 'succeeded', headCommit: commit });
    for (let time = 0; time < 2; time += 1) {
      await lab.run('leftovers');
      expect(branches()).toEqual([2, 3, 4, 5, 6, 7].map((number) => `opus/KL-${number}-1`));
      await lab.restart();
    }
    expect(logged().match(/The branch opus\/KL-\d-1 /g)).toEqual([
      'The branch opus/KL-2-1 ',
      'The branch opus/KL-6-1 ',
    ]);
  });
});

it('what killed processes left half written in the mirror goes, however long the runner has run', async () => {
  await lab.parts.dependencies.worktrees.fetch(lab.repository, 'main');
  const mirror = join(lab.data, 'repos/app.git');
  const old = [
    'objects/pack/tmp_pack_abc',
    'objects/tmp_objdir',
    'refs/opus/x.lock',
    '../.app.abc.tmp',
    'packed-refs.lock',
  ];
  for (const name of ['objects/pack/tmp_pack_new', ...old]) {
    mkdirSync(join(mirror, name, '..'), { recursive: true });
    writeFileSync(join(mirror, name), 'x');
  }
  for (const name of old) utimesSync(join(mirror, name), 1, 1);
  expect(await lab.run('leftovers')).toEqual([]);
  expect(old.filter((name) => existsSync(join(mirror, name)))).toEqual([]);
  expect(existsSync(join(mirror, 'objects/pack/tmp_pack_new'))).toBe(true);
});

describe('locks in a local origin', () => {
  const lockPath = (): string => join(lab.origin, 'refs/heads/main.lock');
  const lock = (ageMs: number): void => {
    writeFileSync(lockPath(), '');
    const at = new Date(Date.now() - ageMs);
    utimesSync(lockPath(), at, at);
  };

  it('that a killed push left are removed, so that pushing works again', async () => {
    const { worktrees } = lab.parts.dependencies;
    lock(11 * 60_000);
    writeFileSync(join(lab.origin, 'packed-refs.lock'), '');
    utimesSync(join(lab.origin, 'packed-refs.lock'), 1, 1);
    const commit = await lab.commit(await lab.tree('KL-1-1', { 'a.txt': 'x\n' }));
    const base = await worktrees.fetch(lab.repository, 'main');
    await expect(worktrees.push(lab.repository, 'main', commit, base)).rejects.toThrow();
    expect(await lab.run('leftovers')).toEqual([]);
    expect(existsSync(join(lab.origin, 'packed-refs.lock'))).toBe(false);
    await worktrees.push(lab.repository, 'main', commit, base);
    expect(lab.git('rev-parse', 'main').trim()).toBe(commit);
  });

  it('that are young stay', async () => {
    lock(60_000);
    expect(await lab.run('leftovers')).toEqual([]);
    expect(existsSync(lockPath())).toBe(true);
  });

  it.each([
    ['there', (): SpawnOptions => ({ cwd: lab.origin })],
    ['on it from elsewhere', (): SpawnOptions => ({ cwd: lab.folder, env: { GIT_DIR: './origin.git' } })],
  ])('stay and are told of while a git works %s', async (_where, options) => {
    lock(11 * 60_000);
    const name = join(lab.folder, 'git-receive-pack');
    symlinkSync('/bin/sleep', name);
    const git = spawn(name, ['600'], { ...options(), stdio: 'ignore' });
    const gone = once(git, 'exit');
    onTestFinished(async () => {
      git.kill('SIGKILL');
      await gone;
    });
    await once(git, 'spawn');
    const [problem] = await lab.run('leftovers');
    expect(problem).toMatchObject({ code: 'git.lock-left' });
    expect(problem?.message).toContain(`process ${git.pid}`);
    expect(problem?.hint).toContain(`rm '${lockPath()}'`);
    expect(existsSync(lockPath())).toBe(true);
    git.kill('SIGKILL');
    await gone;
    expect(await lab.run('leftovers')).toEqual([]);
    expect(existsSync(lockPath())).toBe(false);
  });
});

it('a sandbox that belongs to no run ends when it is seen twice; one of this process does not', async () => {
  const name = sandboxName(`/data/strays-${process.pid}`);
  const mine = spawn('sleep', ['600'], { argv0: name, stdio: 'ignore' });
  const closed = once(mine, 'close');
  const parent = spawn('bash', ['-c', 'exec -a "$0" sleep 600 & echo $!', name], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const stray = Number(line.toString());
  await vi.waitFor(() => {
    expect(readFileSync(`/proc/${stray}/cmdline`, 'utf8')).toMatch(name);
    expect(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${stray}/status`, 'utf8'))?.[1]).not.toBe(String(parent.pid));
  });
  const look = createStrayWatch(name);
  expect([look(), look()]).toEqual([0, 1]);
  await vi.waitFor(() => {
    const state = existsSync(`/proc/${stray}/stat`) ? readFileSync(`/proc/${stray}/stat`, 'utf8').split(' ')[2] : 'Z';
    expect(state).toBe('Z');
  });
  await vi.waitFor(() => {
    expect(look()).toBe(0);
  });
  expect(mine.exitCode ?? mine.signalCode).toBeNull();
  mine.kill();
  await closed;
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLocalForge } from '../../runner/adapters/forge-local/local-forge.ts';
import { createHostGit } from '../../runner/adapters/git/host-git.ts';
import { openGitLab, plainGit, refusal, type GitLab } from '../support/git-lab.ts';
import { forgeContract } from './forge.contract.ts';

const connect = () => createLocalForge({ git: createHostGit({ lockPatienceMs: 20 }) });

forgeContract('the local forge', () => {
  const lab = openGitLab();
  lab.seed({ 'a.txt': 'one\n' });
  let made = 0;
  return {
    repository: lab.repository,
    connect,
    branch: (name) => lab.seed({ 'a.txt': `${(made += 1)}\n` }, name),
    dispose: () => {
      expect(plainGit(lab.origin, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/error|missing|broken/);
      lab.dispose();
    },
  };
});

async function withLab(use: (lab: GitLab) => Promise<void>): Promise<void> {
  const lab = openGitLab();
  try {
    await use(lab);
  } finally {
    lab.dispose();
  }
}

const requestIn = (lab: GitLab, url = lab.origin) => ({
  repository: { name: 'app', url },
  job: 'FR-1-1',
  head: 'opus/FR-1-1',
  base: 'main',
  commit: lab.seed({ 'a.txt': 'one\n' }, 'opus/FR-1-1'),
  title: 'x',
  body: 'y',
});

it('keeps pull requests in the origin, where a collection of garbage leaves them', () =>
  withLab(async (lab) => {
    const opened = await connect().open(requestIn(lab));
    expect(opened.url).toMatch(/^file:\/\/\/.*\/app\.git#pull\/1$/);
    plainGit(lab.origin, 'gc', '--quiet', '--prune=now');
    expect(await connect().find(lab.repository, 'opus/FR-1-1')).toEqual(opened);
  }));

it('knows the same repository by a file URL, and one that is not bare', () =>
  withLab(async (lab) => {
    await connect().open(requestIn(lab));
    const url = `file://${lab.origin.replaceAll(' ', '%20')}`;
    expect((await connect().find({ name: 'app', url }, 'opus/FR-1-1'))?.number).toBe(1);
    plainGit(lab.folder, 'clone', '--quiet', lab.origin, 'working');
    expect((await connect().open(requestIn(lab, join(lab.folder, 'working')))).number).toBe(1);
  }));

it('survives the lock of a killed writer', () =>
  withLab(async (lab) => {
    const forge = connect();
    const { number } = await forge.open(requestIn(lab));
    writeFileSync(join(lab.origin, 'refs/opus/pulls', `${number}.lock`), '');
    expect((await forge.close(lab.repository, number)).state).toBe('closed');
  }));

it('refuses what is no folder of this machine', async () => {
  const repository = { name: 'web', url: 'https://example.com/web.git' };
  expect((await refusal(connect().find(repository, 'x'))).code).toBe('forge.unsupported');
  expect((await refusal(connect().find({ name: 'web', url: '/nowhere/web.git' }, 'x'))).code).toBe(
    'git.repository-missing',
  );
});

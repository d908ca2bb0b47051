import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Github } from '../../runner/adapters/forge-github/create-github.ts';
import { createGitWorktrees } from '../../runner/adapters/git/git-worktrees.ts';
import { createUnconfinedSandbox } from '../../runner/adapters/sandbox/unconfined.ts';
import type { OpenPullRequest } from '../../runner/core/ports/forge.ts';
import type { Worktrees } from '../../runner/core/ports/worktrees.ts';
import { openGithubLab, type GithubLab } from '../support/github-lab.ts';
import { refusal } from '../support/git-lab.ts';

let lab: GithubLab;
let folder: string;

beforeEach(async () => {
  lab = await openGithubLab();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'github-access-')));
});
afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab.stop();
});

const head = 'opus/FR-1-1-x';

const requestOf = (commit: string): OpenPullRequest => ({
  ...{ repository: lab.repository, job: 'FR-1-1', head, base: 'main', commit, title: 'x', body: 'y' },
});

const worktreesOf = (github: Github): Worktrees =>
  createGitWorktrees({
    dataFolder: folder,
    sandbox: createUnconfinedSandbox({ reason: 'no agent runs here', hint: '' }),
    authorization: (repository) => github.authorization(repository),
    pushTarget: (repository) => github.forge.pushTarget(repository),
  });

/** A commit in the mirror that no branch has yet. */
async function work(worktrees: Worktrees, job = 'FR-1-1'): Promise<string> {
  const base = await worktrees.fetch(lab.repository, 'main');
  const theirs = lab.branch(`side-${job}`);
  await worktrees.fetch(lab.repository, 'main');
  const merged = await worktrees.merge({
    repository: lab.repository,
    base,
    head: theirs,
    message: 'Work',
    trailers: [],
  });
  if (merged.kind !== 'merged') throw new Error('clashes');
  return merged.commit;
}

function app(permissions: Record<string, 'read' | 'write'>, ahead = (): number => 0): Github {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const { id } = lab.server.app({ slug: 'opus-app', publicKey, account: 'me', permissions, repositories: ['me/web'] });
  const credentials = { kind: 'app', id: String(id), key: { kind: 'env', name: 'K' } } as const;
  return lab.clientOf({ credentials }, () => privateKey, { clock: { now: () => Date.now() + ahead() } });
}

describe('git over http', () => {
  it('pushes by a token that is in no file, address or reflog of the mirror', async () => {
    lab.hosted.isPrivate = true;
    const github = lab.client();
    const worktrees = worktreesOf(github);
    const commit = await work(worktrees);
    await worktrees.push(lab.repository, head, commit, null);
    expect(await worktrees.remoteHead(lab.repository, head)).toBe(commit);
    const value = (await github.authorization(lab.repository)) ?? '';
    const encoded = value.replace('Basic ', '');
    const token = Buffer.from(encoded, 'base64').toString().replace('x-access-token:', '');
    expect(token).toMatch(/^ghp_/);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(0);
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name), 'latin1');
      expect(content.includes(token) || content.includes(encoded)).toBe(false);
    }
  });

  it('is given no token for another host', async () => {
    const github = lab.client();
    for (const url of ['https://example.org/me/web.git', 'git@127.0.0.1:me/web.git', '/srv/web.git']) {
      expect(await github.authorization({ name: 'web', url })).toBeNull();
    }
  });

  it('names the protected branch that may not be pushed', async () => {
    const worktrees = worktreesOf(lab.client());
    const commit = await work(worktrees);
    lab.server.protect(lab.hosted, 'main');
    const base = lab.hosted.bare.branch('main');
    expect((await refusal(worktrees.push(lab.repository, 'main', commit, base))).code).toBe('forge.push-refused');
  });
});

describe('a GitHub App', () => {
  const enough = { contents: 'write', pull_requests: 'write', metadata: 'read' } as const;

  it('opens as itself, and goes on when its tokens end', async () => {
    let ahead = 0;
    const github = app(enough, () => ahead);
    const commit = lab.branch(head);
    const { number } = await github.forge.open(requestOf(commit));
    const first = await github.authorization(lab.repository);
    ahead = 56 * 60_000;
    expect((await github.forge.open({ ...requestOf(commit), title: 'z' })).number).toBe(number);
    expect(await github.authorization(lab.repository)).not.toBe(first);
    expect(lab.server.state.pulls(lab.hosted)[0]?.author).toBe('opus-app[bot]');
    expect(await github.pullRequestsOf('web').self()).toBe('opus-app[bot]');
  });

  it('that lacks a permission says which', async () => {
    const commit = lab.branch(head);
    const refused = await refusal(
      app({ contents: 'write', pull_requests: 'read', metadata: 'read' }).forge.open(requestOf(commit)),
    );
    expect(refused.code).toBe('forge.forbidden');
    expect(refused.message).toContain('pull_requests: write');
  });
});

describe('opening', () => {
  it('goes through a fork where the repository may not be written', async () => {
    const github = lab.client({}, 'eve');
    const worktrees = worktreesOf(github);
    const commit = await work(worktrees);
    await worktrees.push(lab.repository, head, commit, null);
    expect(lab.hosted.bare.branch(head)).toBeNull();
    expect(await worktrees.remoteHead(lab.repository, head)).toBe(commit);
    const opened = await github.forge.open(requestOf(commit));
    expect(await lab.client({}, 'eve').forge.open(requestOf(commit))).toEqual(opened);
    expect(await github.forge.find(lab.repository, head)).toEqual(opened);
    expect(lab.server.effects('fork')).toBe(1);
    expect(lab.server.effects('pull')).toBe(1);
    await worktrees.deleteRemoteBranch(lab.repository, head, commit);
    expect(await worktrees.remoteHead(lab.repository, head)).toBeNull();
  });

  it('leaves the pull request of somebody else alone', async () => {
    const commit = lab.branch(head);
    lab.server.as('ann').open(lab.hosted, { title: 'Mine', head, base: 'main' });
    expect((await refusal(lab.client().forge.open(requestOf(commit)))).code).toBe('forge.branch-taken');
    expect(lab.server.state.pulls(lab.hosted)[0]?.title).toBe('Mine');
  });

  it('adds labels, reviewers, the issue and the draft by what is asked, once', async () => {
    const commit = lab.branch(head);
    const issue = lab.server.as('ann').openIssue(lab.hosted, { title: 'Wish' });
    const wanted = { ...requestOf(commit), draft: true, labels: ['opus'], reviewers: ['ann'], closes: issue.number };
    const { forge } = lab.client();
    await forge.open(wanted);
    await forge.open(wanted);
    const [pull] = lab.server.state.pulls(lab.hosted);
    expect(pull).toMatchObject({ isDraft: true, body: expect.stringContaining(`Closes #${issue.number}`) as string });
    expect([...(pull?.labels ?? [])]).toEqual(['opus']);
    expect([...(pull?.requestedReviewers ?? [])]).toEqual(['ann']);
    expect(lab.server.calls()['pulls/request-reviewers']).toBe(1);
    expect(lab.server.calls()['pulls/update']).toBeUndefined();
  });

  it('says that the base is gone, that the repository is archived, and that there is none', async () => {
    const commit = lab.branch(head);
    expect((await refusal(lab.client().forge.open({ ...requestOf(commit), base: 'gone' }))).code).toBe(
      'git.base-missing',
    );
    lab.hosted.isArchived = true;
    expect((await refusal(lab.client().forge.open(requestOf(commit)))).code).toBe('forge.archived');
    lab.hosted.isPrivate = true;
    expect((await refusal(lab.client({}, 'eve').forge.find(lab.repository, head))).code).toBe(
      'forge.repository-missing',
    );
  });
});

describe('the check of the credentials', () => {
  const lacking = async (github: Github) =>
    (await github.check({ ...lab.repository, base: 'main' })).filter(({ ok }) => !ok).map(({ what }) => what);

  it('finds nothing lacking where nothing lacks, and names workflows that a push starts', async () => {
    lab.server
      .as('me')
      .push(lab.hosted, { branch: 'main', files: { '.github/workflows/ci.yml': 'name: CI\non: [push]\njobs: {}\n' } });
    const findings = await lab.client().check({ ...lab.repository, base: 'main' });
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(findings.map(({ what }) => what).join('\n')).toMatch(
      /credentials are valid: opus[\s\S]*main is not protected/,
    );
  });

  it('names the scope, the permission or the branch that lacks', async () => {
    expect(await lacking(lab.client({}, 'opus', { scopes: ['public_repo'] }))).toEqual([
      'the token lacks the scope workflow',
    ]);
    expect(await lacking(app({ contents: 'read', pull_requests: 'write', metadata: 'read' }))).toContain(
      'the app lacks contents: write (it has read)',
    );
    const gone = await lab.client().check({ ...lab.repository, base: 'gone' });
    expect(gone).toContainEqual(expect.objectContaining({ ok: false, what: 'me/web has no branch gone' }));
  });
});

import { execFile } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Octokit } from '@octokit/rest';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Repository } from '../support/github/records.ts';
import { startGitHub, type GitHub } from '../support/github/start-github.ts';

const run = promisify(execFile);
const hour = 3_600_000;
const place = { owner: 'acme', repo: 'app' };

let github: GitHub;
let repository: Repository;
let octokit: Octokit;
let token: string;
let now: number;

beforeEach(async () => {
  now = Date.parse('2026-01-01T00:00:00Z');
  github = await startGitHub({ now: () => now, limit: 50 });
  repository = github.createRepository({ owner: 'acme', name: 'app', roles: { opus: 'write', alice: 'write' } });
  token = github.token('opus');
  octokit = clientOf(token);
});

afterEach(async () => {
  await github.stop();
});

function clientOf(auth: string): Octokit {
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return new Octokit({ auth, baseUrl: github.apiUrl, log: quiet });
}

function open(branch = 'one') {
  github.as('opus').push(repository, { branch, files: { [`${branch}.txt`]: 'text\n' } });
  return github.as('opus').open(repository, { title: branch, head: branch, base: 'main' });
}

/** Pushes a commit with these files and returns what Git says, which is what people see. */
async function push(token: string, branch: string, path: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'push-'));
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    HOME: folder,
  };
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const settings = [`http.extraHeader=Authorization: Basic ${basic}`, 'user.name=opus', 'user.email=opus@localhost'];
  const git = (...args: string[]) =>
    run('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], { cwd: folder, env });
  try {
    await git('clone', '--quiet', github.cloneUrl(repository), '.');
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), 'on: push\n');
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Write a file');
    await git('push', 'origin', `HEAD:${branch}`);
    return '';
  } catch (error) {
    return (error as { stderr: string }).stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it('refuses pushes in the words of GitHub', async () => {
  github.protect(repository, 'main');
  const full = github.token('opus');
  const toMain = await push(full, 'main', 'a.txt');
  expect(toMain).toContain('remote: error: GH006: Protected branch update failed for refs/heads/main.');
  expect(toMain).toContain('(protected branch hook declined)');
  const noWorkflows = await push(github.token('opus', { scopes: ['repo'] }), 'ci', '.github/workflows/ci.yml');
  expect(noWorkflows).toContain('create or update workflow `.github/workflows/ci.yml` without `workflow` scope)');
  expect(await push(github.token('bob'), 'x', 'a.txt')).toContain('Permission to acme/app.git denied to bob.');
  repository.isArchived = true;
  expect(await push(full, 'x', 'a.txt')).toContain('archived so it is read-only');
  github.revoke(full);
  expect(await push(full, 'x', 'a.txt')).toContain('could not read Username');
  expect([...repository.bare.refs().keys()]).toEqual(['main']);
});

it('counts what is asked, gives back what is not new, and refuses when the hour is used up', async () => {
  open('one');
  open('two');
  const first = await octokit.rest.pulls.list({ ...place, per_page: 1 });
  expect(first.headers.link).toContain('rel="next"');
  expect(first.headers['x-ratelimit-remaining']).toBe('49');
  const known = { ...place, per_page: 1, headers: { 'if-none-match': first.headers.etag } };
  await expect(octokit.rest.pulls.list(known)).rejects.toMatchObject({ status: 304 });
  expect((await octokit.rest.rateLimit.get()).data.rate.remaining).toBe(49);
  expect(await octokit.paginate(octokit.rest.pulls.list, { ...place, per_page: 1 })).toHaveLength(2);
  github.quota.leave(token, 0);
  const refused = octokit.rest.pulls.list(place);
  await expect(refused).rejects.toMatchObject({ status: 403, response: { headers: { 'x-ratelimit-remaining': '0' } } });
  now += hour;
  expect((await octokit.rest.pulls.list(place)).status).toBe(200);
  expect(github.calls(now)).toEqual({ 'pulls/list': 1 });
});

it('does what was asked and loses the answer', async () => {
  github.as('opus').push(repository, { branch: 'one', files: { a: 'b' } });
  github.fail({ operation: 'pulls/create', kind: 'reset', afterEffect: true });
  const create = { ...place, title: 'One', head: 'one', base: 'main' };
  await expect(octokit.rest.pulls.create(create)).rejects.toMatchObject({ status: 500 });
  expect((await octokit.rest.pulls.list({ ...place, head: 'acme:one' })).data).toHaveLength(1);
  github.fail({ operation: 'pulls/list', kind: 'secondary', retryAfter: 7 });
  const limited = octokit.rest.pulls.list(place);
  await expect(limited).rejects.toMatchObject({ status: 403, response: { headers: { 'retry-after': '7' } } });
});

it('lets a token do what it may, and no more', async () => {
  const reading = clientOf(github.token('opus', { kind: 'fine-grained', permissions: { pull_requests: 'read' } }));
  const pull = open();
  const comment = { ...place, issue_number: pull.number, body: 'Hello' };
  await expect(reading.rest.issues.createComment(comment)).rejects.toThrow(
    'Resource not accessible by personal access token',
  );
  const stranger = clientOf(github.token('bob'));
  await expect(stranger.rest.pulls.merge({ ...place, pull_number: pull.number })).rejects.toMatchObject({
    status: 403,
  });
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const permissions = { checks: 'write' } as const;
  const wanted = { slug: 'opus', publicKey: keys.publicKey, account: 'acme', permissions, repositories: null };
  const app = github.app(wanted);
  const claims = { iat: now / 1000 - 60, exp: now / 1000 + 540, iss: app.id };
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const sign = (given: string) => createSign('RSA-SHA256').update(given).sign(keys.privateKey, 'base64url');
  const asApp = clientOf(`${text}.${sign(text)}`);
  expect((await asApp.rest.apps.getAuthenticated()).data?.slug).toBe('opus');
  expect((await asApp.rest.apps.getRepoInstallation(place)).data.id).toBe(app.installation);
  const installation = { installation_id: app.installation };
  const made = await asApp.rest.apps.createInstallationAccessToken(installation);
  const check = { ...place, name: 'lint', head_sha: pull.headCommit };
  const created = await clientOf(made.data.token).rest.checks.create(check);
  await clientOf(made.data.token).rest.checks.update({
    ...place,
    check_run_id: created.data.id,
    conclusion: 'success',
  });
  await expect(octokit.rest.checks.create(check)).rejects.toThrow('You must authenticate via a GitHub App.');
  const forged = clientOf(`${text}.${sign('other')}`).rest.apps.getAuthenticated();
  await expect(forged).rejects.toMatchObject({ status: 401 });
});

it('merges in each way, and notices what ends a pull request elsewhere', async () => {
  const [merge, rebase] = [open('merge'), open('rebase')];
  const [ff, gone] = [open('forward'), open('gone')];
  await octokit.rest.pulls.merge({ ...place, pull_number: merge.number });
  await octokit.rest.pulls.merge({ ...place, pull_number: rebase.number, merge_method: 'rebase' });
  await octokit.rest.pulls.updateBranch({ ...place, pull_number: ff.number });
  await octokit.rest.git.updateRef({ ...place, ref: 'heads/main', sha: ff.headCommit });
  await octokit.rest.git.deleteRef({ ...place, ref: 'heads/gone' });
  const files = repository.bare.git('ls-tree', '--name-only', 'main').split('\n');
  expect(files).toEqual(['README.md', 'forward.txt', 'merge.txt', 'rebase.txt']);
  expect([merge, rebase, ff, gone].map((pull) => [pull.state, pull.mergedAt !== null])).toEqual([
    ['closed', true],
    ['closed', true],
    ['closed', true],
    ['closed', false],
  ]);
  github.as('alice').push(repository, { branch: 'clash', files: { 'README.md': 'theirs\n' } });
  const clash = github.as('alice').open(repository, { title: 'Clash', head: 'clash', base: 'main' });
  github.as('alice').push(repository, { branch: 'main', files: { 'README.md': 'ours\n' } });
  const got = await octokit.rest.pulls.get({ ...place, pull_number: clash.number });
  expect([got.data.mergeable, got.data.mergeable_state]).toEqual([false, 'dirty']);
});

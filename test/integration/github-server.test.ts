import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Octokit } from '@octokit/rest';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Repository } from '../support/github/records.ts';
import { startGitHub, type GitHub } from '../support/github/start-github.ts';
import type { Delivery } from '../support/github/webhooks.ts';

const run = promisify(execFile);

let github: GitHub;
let repository: Repository;
let octokit: Octokit;
let token: string;
const clones: string[] = [];
const place = { owner: 'acme', repo: 'app' };

beforeEach(async () => {
  github = await startGitHub();
  repository = github.createRepository({ owner: 'acme', name: 'app', roles: { opus: 'write', alice: 'write' } });
  token = github.token('opus');
  octokit = clientOf(token);
});

afterEach(async () => {
  for (const folder of clones.splice(0)) rmSync(folder, { recursive: true });
  await github.stop();
});

function clientOf(auth: string): Octokit {
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  return new Octokit({ auth, baseUrl: github.apiUrl, log: quiet });
}

/** Git as the runner uses it: over HTTP, with the token as its password. Asynchronous, as the server is in this process. */
async function git(directory: string, ...args: string[]): Promise<string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const env = {
    PATH: process.env['PATH'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: '3',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
    GIT_CONFIG_KEY_1: 'user.name',
    GIT_CONFIG_VALUE_1: 'opus',
    GIT_CONFIG_KEY_2: 'user.email',
    GIT_CONFIG_VALUE_2: 'opus@localhost',
  };
  return (await run('git', args, { cwd: directory, env })).stdout.trim();
}

async function clone(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'clone-'));
  clones.push(folder);
  await git(folder, 'clone', '--quiet', github.cloneUrl(repository), '.');
  return folder;
}

async function commit(folder: string, path: string, text: string): Promise<string> {
  writeFileSync(join(folder, path), text);
  await git(folder, 'add', '--all');
  await git(folder, 'commit', '--quiet', '--message', `Write ${path}`);
  return git(folder, 'rev-parse', 'HEAD');
}

function query(text: string, variables: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  return octokit.graphql(text, { ...variables, baseUrl: github.graphqlUrl.replace('/graphql', '') });
}

const observed = `query ($number: Int!) {
  rateLimit { cost remaining resetAt }
  repository(owner: "acme", name: "app") {
    pullRequest(number: $number) {
      state isDraft headRefName headRefOid baseRefName baseRefOid mergeable mergeStateStatus merged reviewDecision
      headRepositoryOwner { login }
      mergedBy { login }
      mergeCommit { oid }
      reviews(first: 10) { nodes { state author { login } authorAssociation commit { oid } } }
      reviewThreads(first: 10) {
        nodes { id isResolved isOutdated path line comments(first: 10) { nodes { body diffHunk author { login } } } }
      }
      comments(first: 10) { nodes { body author { __typename login } } }
      timelineItems(first: 5, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { login } } } }
      commits(last: 1) {
        nodes { commit { oid statusCheckRollup { state contexts(first: 50) { nodes {
          ... on CheckRun {
            name status conclusion databaseId detailsUrl isRequired(pullRequestNumber: $number)
            checkSuite { workflowRun { databaseId } }
          }
          ... on StatusContext { context state isRequired(pullRequestNumber: $number) }
        } } } } }
      }
    }
  }
}`;

it('keeps a pull request from its push to its merge', async () => {
  github.protect(repository, 'main', { requiredChecks: ['test'], requiredApprovals: 1 });
  const deliveries: Delivery[] = [];
  github.onWebhook((delivery) => deliveries.push(delivery));
  const folder = await clone();
  await git(folder, 'checkout', '--quiet', '-b', 'opus/one');
  const first = await commit(folder, 'one.txt', 'one\n');
  await git(folder, 'push', '--quiet', 'origin', 'opus/one');

  const opened = await octokit.rest.pulls.create({ ...place, title: 'One', head: 'opus/one', base: 'main' });
  const { number } = opened.data;
  expect(opened.data.head.sha).toBe(first);
  await expect(octokit.rest.pulls.create({ ...place, title: 'One', head: 'opus/one', base: 'main' })).rejects.toThrow(
    'A pull request already exists for acme:opus/one.',
  );
  const found = await octokit.rest.pulls.list({ ...place, head: 'acme:opus/one' });
  expect(found.data.map((pull) => pull.number)).toEqual([number]);

  const pull = github.state.pulls(repository)[0];
  if (pull === undefined) throw new Error('There is no pull request.');
  const { body } = { body: 'Say two.' };
  github.as('alice').review(pull, { state: 'CHANGES_REQUESTED', body, comments: [{ path: 'one.txt', line: 1, body }] });
  const log = 'first\nsecond';
  const failed = github.ci(repository).report(first, { name: 'test', workflow: 'ci', conclusion: 'failure', log });
  const ask = { ...place, job_id: failed.id };
  const text = await octokit.rest.actions.downloadJobLogsForWorkflowRun(ask);
  expect(text.data).toMatch(/second\n.*##\[error\]/);

  const second = await commit(folder, 'one.txt', 'two\n');
  await git(folder, 'push', '--quiet', '--force', 'origin', 'opus/one');
  const early = octokit.rest.pulls.merge({ ...place, pull_number: number, sha: first });
  await expect(early).rejects.toMatchObject({ status: 409 });
  const blocked = octokit.rest.pulls.merge({ ...place, pull_number: number, sha: second });
  await expect(blocked).rejects.toMatchObject({ status: 405 });
  expect(await query(observed, { number })).toMatchObject({
    repository: {
      pullRequest: {
        state: 'OPEN',
        headRefOid: second,
        mergeable: 'MERGEABLE',
        mergeStateStatus: 'BLOCKED',
        reviewDecision: 'CHANGES_REQUESTED',
        reviewThreads: {
          nodes: [{ isResolved: false, isOutdated: true, comments: { nodes: [{ diffHunk: '@@ -0,0 +1 @@\n+one' }] } }],
        },
      },
    },
  });

  github.as('alice').review(pull, { state: 'APPROVED' });
  github.ci(repository).report(second, { name: 'test', workflow: 'ci', conclusion: 'success' });
  const merge = { ...place, pull_number: number, sha: second, merge_method: 'squash' as const };
  const merged = await octokit.rest.pulls.merge(merge);
  expect(repository.bare.branch('main')).toBe(merged.data.sha);
  expect(repository.bare.git('show', 'main:one.txt')).toBe('two');
  expect(await query(observed, { number })).toMatchObject({
    repository: {
      pullRequest: { state: 'MERGED', mergedBy: { login: 'opus' }, mergeCommit: { oid: merged.data.sha } },
    },
  });
  expect(deliveries.map(({ event, action }) => (action === null ? event : `${event}.${action}`))).toEqual([
    'push',
    'pull_request.opened',
    'pull_request_review_comment.created',
    'pull_request_review.submitted',
    'check_run.created',
    'check_run.completed',
    'push',
    'pull_request.synchronize',
    'pull_request_review.submitted',
    'check_run.created',
    'check_run.completed',
    'pull_request.closed',
    'push',
  ]);
  expect([github.effects('pull'), github.effects('merge')]).toEqual([1, 1]);
});

it('refuses what its description does not know, and says so at the end', async () => {
  const unknown = octokit.request('POST /repos/{owner}/{repo}/pulls', { ...place, head: 'a', base: 'main', colour: 1 });
  await expect(unknown).rejects.toMatchObject({ status: 422 });
  const wrong = octokit.request('GET /repos/{owner}/{repo}/pulls', { ...place, state: 'merged' as 'open' });
  await expect(wrong).rejects.toMatchObject({ status: 422 });
  await expect(query('{ repository(owner: "acme", name: "app") { colour } }')).rejects.toThrow('Cannot query field');
  await expect(query('{ repository(owner: "acme", name: "app") { stargazerCount } }')).rejects.toThrow('not kept here');
  repository.defaultBranch = 7 as unknown as string;
  await expect(octokit.rest.repos.get(place)).rejects.toThrow('/default_branch must be string');
  expect(github.takeViolations()).toHaveLength(5);
});

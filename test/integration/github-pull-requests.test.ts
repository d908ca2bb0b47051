import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Github } from '../../runner/adapters/forge-github/create-github.ts';
import type { ObservedCheck, ObservedPullRequest, PullRequests } from '../../runner/core/ports/pull-requests.ts';
import { openGithubLab, type GithubLab } from '../support/github-lab.ts';
import type { Pull } from '../support/github/records.ts';

let lab: GithubLab;
let github: Github;
let pulls: PullRequests;
let commit: string;
let pull: Pull;

const head = 'opus/FR-1-1-x';

beforeEach(async () => {
  lab = await openGithubLab();
  commit = lab.branch(head);
  github = lab.client();
  pulls = github.pullRequestsOf('web');
  const text = { title: 'x', body: 'y' };
  const opened = await github.forge.open({
    repository: lab.repository,
    job: 'FR-1-1',
    head,
    base: 'main',
    commit,
    ...text,
  });
  pull = lab.server.state.pulls(lab.hosted).find(({ number }) => number === opened.number) as Pull;
});
afterEach(() => lab.stop());

async function seen(): Promise<ObservedPullRequest> {
  const [observed] = await pulls.observe(lab.repository, [pull.number]);
  if (observed === undefined) throw new Error('not observed');
  return observed;
}

async function failed(): Promise<ObservedCheck> {
  const check = (await seen()).checks.find(({ state }) => state === 'failed');
  if (check === undefined) throw new Error('nothing failed');
  return check;
}

describe('looking', () => {
  it('tells reviews, threads, comments and checks of many in one query', async () => {
    const ann = lab.server.as('ann');
    ann.comment(pull, 'Nice. <!-- opus:reply:1 -->');
    ann.review(pull, { state: 'APPROVED', body: 'Good' });
    await pulls.reply({ repository: lab.repository, number: pull.number, thread: null, text: 'Thanks', key: 'a b' });
    lab.server.ci(lab.hosted).report(commit, { name: 'build', workflow: 'CI', conclusion: 'success' });
    lab.server.ci(lab.hosted).status(commit, 'ci/lint', 'failure', 'Too long');
    const before = lab.server.calls()['graphql'] ?? 0;
    const observed = await pulls.observe(lab.repository, [pull.number, 999]);
    expect((lab.server.calls()['graphql'] ?? 0) - before).toBe(1);
    expect(observed).toHaveLength(1);
    expect(observed[0]).toMatchObject({
      number: pull.number,
      state: 'open',
      head,
      headCommit: commit,
      base: 'main',
      endedBy: null,
      reviews: [{ author: 'ann', state: 'approved', commit, body: 'Good' }],
      checks: expect.arrayContaining([
        expect.objectContaining({ name: 'build', state: 'passed', commit, run: 1 }),
        expect.objectContaining({ id: 'status:ci/lint', state: 'failed', summary: 'Too long' }),
      ]) as unknown,
    });
    // Ann's mark is hers, not ours.
    expect(observed[0]?.comments.map(({ author, key }) => [author, key])).toEqual([
      ['ann', null],
      ['opus', 'a b'],
    ]);
  });

  it('tells who merged it, and that its branch is gone', async () => {
    lab.server.as('ann').merge(pull);
    lab.server.as('ann').deleteBranch(lab.hosted, head);
    expect(await seen()).toMatchObject({ state: 'merged', endedBy: 'ann', headCommit: null });
  });

  it('at 10 open pull requests every half minute takes at most 120 calls an hour', async () => {
    for (let more = 2; more <= 10; more += 1) {
      const branch = `opus/FR-${more}-1`;
      lab.branch(branch);
      lab.server.as('ann').open(lab.hosted, { title: 'x', head: branch, base: 'main' });
    }
    lab.server.ci(lab.hosted).report(commit, { name: 'build', workflow: 'CI', conclusion: 'failure' });
    const numbers = lab.server.state.pulls(lab.hosted).map(({ number }) => number);
    await pulls.observe(lab.repository, numbers);
    await pulls.self();
    const before = lab.server.seen.length;
    for (let look = 0; look < 4; look += 1) {
      lab.later(30_000);
      await pulls.observe(lab.repository, numbers);
      await pulls.self();
      await pulls.mayWrite(lab.repository, 'ann');
    }
    // Once an hour it is asked what ann may do.
    expect(numbers).toHaveLength(10);
    expect(lab.server.seen.length - before).toBe(4 + 1);
  });
});

describe('a failed check', () => {
  it('is explained by the end of the step that failed, out of a log of 50 MB', async () => {
    lab.server.ci(lab.hosted).report(commit, {
      name: 'build',
      workflow: 'CI',
      conclusion: 'failure',
      steps: [
        { name: 'Run npm ci', conclusion: 'success', log: 'installed' },
        {
          name: 'Run npm test',
          conclusion: 'failure',
          *log() {
            for (let line = 0; line < 5_000; line += 1) yield `ok ${line} ${'.'.repeat(10_240)}\n`;
            yield 'not ok: 1 is not 2\n';
          },
        },
        { name: 'Post job', conclusion: 'success', log: 'cleaned' },
      ],
    });
    const failure = await pulls.failureOf(lab.repository, await failed());
    expect(failure).toMatchObject({ check: 'build', step: 'Run npm test' });
    expect(failure.tail).toMatch(/not ok: 1 is not 2\n##\[error\]Process completed with exit code 1\.$/);
    expect(failure.tail.split('\n').length).toBeLessThanOrEqual(200);
    expect(Buffer.byteLength(failure.tail)).toBeLessThanOrEqual(16 * 1024);
  });

  it('of another maker is explained by its own words', async () => {
    lab.server
      .ci(lab.hosted)
      .report(commit, { name: 'scan', conclusion: 'failure', title: 'Two holes', summary: 'In a.txt' });
    expect(await pulls.failureOf(lab.repository, await failed())).toMatchObject({
      job: null,
      step: null,
      tail: 'Two holes\n\nIn a.txt',
    });
  });

  it('is run again once, however often that is asked for, and its next run is the second', async () => {
    const ci = lab.server.ci(lab.hosted);
    ci.report(commit, { name: 'build', workflow: 'CI', conclusion: 'failure' });
    const check = await failed();
    expect(check.run).toBe(1);
    lab.server.fail({ kind: 'reset', afterEffect: true, match: /rerun$/ });
    expect(await pulls.rerun(lab.repository, check)).toBe(true);
    expect(await pulls.rerun(lab.repository, check)).toBe(true);
    expect(lab.server.effects('rerun')).toBe(1);
    const again = lab.hosted.checkRuns.at(-1);
    if (again === undefined) throw new Error('not run again');
    ci.finish(again, { conclusion: 'failure' });
    expect((await failed()).run).toBe(2);
  });

  it('that is a mere status cannot be run again', async () => {
    lab.server.ci(lab.hosted).status(commit, 'ci/lint', 'failure');
    expect(await pulls.rerun(lab.repository, await failed())).toBe(false);
  });
});

describe('answering', () => {
  it('in a thread is done once, and the thread resolved', async () => {
    lab.server.as('ann').review(pull, {
      state: 'CHANGES_REQUESTED',
      body: 'Please',
      comments: [{ path: 'a.txt', line: 1, body: 'Why?' }],
    });
    const [thread] = (await seen()).threads;
    expect(thread).toMatchObject({
      path: 'a.txt',
      line: 1,
      isResolved: false,
      comments: [{ author: 'ann', body: 'Why?' }],
    });
    const id = thread?.id ?? '';
    const answer = { repository: lab.repository, number: pull.number, thread: id, text: 'Because.', key: 'k' };
    await pulls.reply(answer);
    await pulls.reply(answer);
    await pulls.resolve(lab.repository, id);
    const [after] = (await seen()).threads;
    expect(after?.isResolved).toBe(true);
    expect(after?.comments.map(({ author, key }) => [author, key])).toEqual([
      ['ann', null],
      ['opus', 'k'],
    ]);
  });
});

describe('merging', () => {
  const merge = (wanted: string) =>
    pulls.merge({
      repository: lab.repository,
      number: pull.number,
      commit: wanted,
      method: 'merge',
      title: 't',
      message: 'm',
    });

  it('merges no other commit than the one that was approved', async () => {
    const moved = lab.branch(head);
    expect(await merge(commit)).toEqual({ kind: 'moved', head: moved });
    expect(lab.server.effects('merge')).toBe(0);
  });

  it('waits for what the protection asks for', async () => {
    lab.server.protect(lab.hosted, 'main', { requiredChecks: ['build'] });
    expect((await merge(commit)).kind).toBe('not-yet');
    lab.server.ci(lab.hosted).report(commit, { name: 'build', workflow: 'CI', conclusion: 'success' });
    expect((await merge(commit)).kind).toBe('merged');
  });

  it('says what clashes, what is closed and what is a draft, and makes a draft ready', async () => {
    lab.server.as('ann').draft(pull, true);
    expect((await merge(commit)).kind).toBe('not-yet');
    await pulls.markReady(lab.repository, pull.number);
    lab.server.as('ann').push(lab.hosted, { branch: 'main', files: { 'a.txt': 'theirs\n' } });
    expect((await merge(commit)).kind).toBe('conflict');
    lab.server.as('ann').close(pull);
    expect(await merge(commit)).toEqual({ kind: 'closed' });
  });
});

it('knows who may write, and asks once an hour', async () => {
  const asked = (): number => lab.server.calls()['repos/get-collaborator-permission-level'] ?? 0;
  for (const login of ['ann', 'eve']) lab.server.state.person(login);
  expect(await pulls.mayWrite(lab.repository, 'ann')).toBe(true);
  expect(await pulls.mayWrite(lab.repository, 'eve')).toBe(false);
  expect(await pulls.mayWrite(lab.repository, 'Ann')).toBe(true);
  expect(asked()).toBe(2);
  lab.hosted.roles.delete('ann');
  lab.later(3_600_001);
  expect(await pulls.mayWrite(lab.repository, 'ann')).toBe(false);
});

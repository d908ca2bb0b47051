import { expect, it } from 'vitest';
import type { Fault } from '../support/github/faults.ts';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const hour = 3_600_000;
const quick = { timeoutMs: 400, retryPauseMs: 1 } as const;

/** A job from its dispatch to its end, with one fault wherever something is written. */
async function throughFaults(lab: MergeLab, id: string, fault: Omit<Fault, 'operation'>): Promise<void> {
  lab.note(id);
  for (const operation of ['pulls/create', 'pulls/merge', 'issues/add-labels'])
    lab.github.fail({ ...fault, operation });
  expect(await lab.dispatch(id), JSON.stringify(lab.job(id).error)).toMatchObject({
    waitingFor: 'approval',
    error: null,
  });
  expect(await lab.approve(id), JSON.stringify(lab.job(id).error)).toMatchObject({ status: 'succeeded', error: null });
  // What was done is seen at once, and is no failure.
  if (fault.afterEffect === true) expect(lab.story(id).at(-1)).toBe('merge.0 passed');
  if (fault.afterEffect === true) expect(lab.story(id).filter((line) => line.startsWith('merge'))).toHaveLength(1);
  lab.github.faults.clear();
}

it('a server that fails, does not answer, or whose answer is lost after the effect, makes no second pull request and no second merge', async () => {
  const lab = await makeMergeLab({ forge: quick, policy: ['pullRequests: { labels: [opus] }'] });
  const faults: readonly Omit<Fault, 'operation'>[] = [
    { kind: 'reset', afterEffect: true },
    { kind: 'timeout', afterEffect: true },
    { kind: 'status', status: 502 },
  ];
  for (const [index, fault] of faults.entries()) await throughFaults(lab, `FR-${index + 1}`, fault);
  expect(lab.github.effects('pull')).toBe(faults.length);
  expect(lab.github.effects('merge')).toBe(faults.length);
  expect(lab.github.state.pulls(lab.repository).map(({ mergedAt }) => mergedAt === null)).not.toContain(true);
  expect(lab.repository.bare.git('rev-list', '--count', '--merges', 'main')).toBe(String(faults.length));
  expect([...lab.repository.bare.refs().keys()]).toEqual(['main']);
});

it('an answer to a reviewer whose answer is lost is written once', async () => {
  const lab = await makeMergeLab({ forge: quick });
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  const comments = [{ path: 'FR-1.txt', line: 1, body: 'Say it twice.' }];
  lab.github.as('alice').review(lab.pull('FR-1'), { state: 'CHANGES_REQUESTED', body: 'Not yet.', comments });
  lab.github.fail({ operation: 'graphql', kind: 'reset', afterEffect: true, match: /addPullRequestReviewThreadReply/ });
  lab.github.fail({ operation: 'issues/create-comment', kind: 'reset', afterEffect: true });
  expect(await lab.look('FR-1')).toMatchObject({ waitingFor: 'approval', error: null });
  const [thread] = lab.pull('FR-1').threads;
  expect(thread?.comments.map(({ author }) => author)).toEqual(['alice', 'opus']);
  expect(lab.pull('FR-1').comments.map(({ author }) => author)).toEqual(['opus']);
});

it('both kinds of rate limit hold the job until they end, and use up no try', async () => {
  const lab = await makeMergeLab({ forge: quick });
  const { github } = lab;
  lab.note('FR-1');
  github.quota.leave(lab.token, 0);
  const { reset } = github.quota.rate(lab.token, 'core');
  const held = await lab.dispatch('FR-1');
  expect(held).toMatchObject({ status: 'waiting', waitingFor: 'forge', error: { code: 'forge.rate-limited' } });
  expect(held.holdUntil).toBe((reset + 1) * 1000);
  const asked = github.seen.length;
  for (let times = 0; times < 4; times++) expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'forge' });
  expect(github.seen.slice(asked).filter(({ operation }) => operation !== 'git')).toEqual([]);
  lab.pass(hour + 2_000);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'approval', error: null });
  github.fail({ operation: 'pulls/merge', kind: 'secondary', retryAfter: 90 });
  const merging = await lab.approve('FR-1');
  expect(merging).toMatchObject({ waitingFor: 'forge', error: { code: 'forge.rate-limited' } });
  lab.pass(91_000);
  expect(await lab.goOn('FR-1')).toMatchObject({ status: 'succeeded' });
  expect([github.effects('pull'), github.effects('merge')]).toEqual([1, 1]);
});

it('a token that is revoked in the middle, and a push that is refused, need a person, and a retry goes on', async () => {
  const lab = await makeMergeLab({ forge: quick });
  const { github, repository } = lab;
  lab.note('FR-1');
  github.fail({ operation: 'git', match: /git-upload-pack$/, kind: 'reset' });
  await expect(lab.dispatch('FR-1')).rejects.toMatchObject({ code: 'git.failed' });
  const job = await lab.application.dispatch('FR-1', { again: false });
  github.revoke(lab.token);
  const work = () => lab.application.work(job.id, { approve: null, signal: new AbortController().signal });
  expect(await work()).toMatchObject({ waitingFor: 'human', error: { code: 'forge.unauthorized' } });
  lab.useToken(github.token('opus'));
  github.protect(repository, job.branch);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'human', error: { code: 'forge.push-refused' } });
  repository.protections.delete(job.branch);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'approval', error: null });
  expect(lab.story('FR-1').filter((line) => line.startsWith('code'))).toEqual(['code.0 passed']);
  await lab.restart();
  github.fail({ operation: 'git', match: /git-receive-pack$/, kind: 'reset', afterEffect: true });
  expect(await lab.approve('FR-1')).toMatchObject({ status: 'succeeded' });
  expect([github.effects('pull'), github.effects('merge')]).toEqual([1, 1]);
});

import { expect, it } from 'vitest';
import { makeMergeLab } from '../support/merge-lab.ts';

const minute = 60_000;
const hour = 60 * minute;

it('of two approved jobs the second is brought up to the new base, its required checks are awaited, and then it is merged', async () => {
  const lab = await makeMergeLab({ stages: ['code', 'test'], policy: ['pullRequests: { method: squash }'] });
  const { github, repository } = lab;
  const ci = github.ci(repository);
  for (const id of ['FR-1', 'FR-2']) {
    lab.note(id);
    await lab.dispatch(id);
    ci.report(lab.job(id).headCommit ?? '', { name: 'build', conclusion: 'success' });
  }
  github.protect(repository, 'main', { requiredChecks: ['build'], strict: true });
  expect(await lab.approve('FR-1')).toMatchObject({ status: 'succeeded' });
  const approved = lab.job('FR-2').headCommit;
  const held = await lab.approve('FR-2');
  expect(held).toMatchObject({ status: 'waiting', waitingFor: 'forge', error: { code: 'forge.not-yet' } });
  expect(lab.property('FR-2', 'run_note')).toContain('its checks begin anew on the new base');
  expect(held.headCommit).not.toBe(approved);
  expect(lab.pull('FR-2').headCommit).toBe(held.headCommit);
  expect(lab.attempts('FR-2').at(-1)).toMatchObject({ stage: 'merge', error: { code: 'forge.not-yet' } });
  const check = ci.start(held.headCommit ?? '', { name: 'build' });
  expect(await lab.goOn('FR-2')).toMatchObject({
    waitingFor: 'forge',
    error: { message: expect.stringContaining('build not ended') as string },
  });
  ci.finish(check, { conclusion: 'success' });
  expect(await lab.goOn('FR-2')).toMatchObject({ status: 'succeeded', error: null });
  expect(github.effects('merge')).toBe(2);
  const messages = repository.bare.git('log', '--format=%s%n%(trailers:key=Opus-Job,valueonly)', 'main');
  expect(messages.split('\n').filter((line) => line !== '')).toEqual([
    'FR-2: Count FR-2 (#2)',
    'FR-2-1',
    'FR-1: Count FR-1 (#1)',
    'FR-1-1',
    'Initial commit',
  ]);
});

it('a check that fails on the new base, and a clash with it, go back to code; a new approval is asked for', async () => {
  const lab = await makeMergeLab();
  const { github, repository } = lab;
  for (const id of ['FR-1', 'FR-2']) {
    lab.note(id, { title: 'The shared file' });
    await lab.dispatch(id);
  }
  lab.note('FR-3');
  await lab.dispatch('FR-3');
  await lab.approve('FR-1');
  expect(await lab.approve('FR-2')).toMatchObject({ waitingFor: 'approval', gate: { kind: 'merge' } });
  expect(lab.story('FR-2')).toEqual([
    'code.0 passed',
    'deliver.0 passed',
    'merge.0 rejected',
    'code.1 passed',
    'deliver.1 passed',
  ]);
  const ci = github.ci(repository);
  ci.report(lab.job('FR-3').headCommit ?? '', { name: 'build', conclusion: 'success' });
  const held = await lab.approve('FR-3');
  expect(held).toMatchObject({ waitingFor: 'forge' });
  const failed = ci.report(held.headCommit ?? '', {
    name: 'build',
    workflow: 'ci',
    conclusion: 'failure',
    log: 'broken by the base\n',
  });
  expect(await lab.goOn('FR-3')).toMatchObject({
    waitingFor: 'forge',
    error: { message: expect.stringContaining('running once more') as string },
  });
  const again = repository.checkRuns.findLast(({ name }) => name === 'build');
  if (again === undefined || again === failed) throw new Error('It was not run again.');
  ci.finish(again, { conclusion: 'failure', log: 'broken by the base\n' });
  expect(await lab.goOn('FR-3')).toMatchObject({ waitingFor: 'approval', gate: { kind: 'merge' } });
  expect(lab.story('FR-3').slice(-3)).toEqual(['merge.0 rejected', 'code.1 passed', 'deliver.1 passed']);
  expect(JSON.stringify(lab.attempts('FR-3').findLast(({ stage }) => stage === 'merge')?.result)).toContain(
    'broken by the base',
  );
  expect(github.effects('merge')).toBe(1);
});

it('a forge that says not yet for hours ends with a person, and a branch that others moved is left to them', async () => {
  const lab = await makeMergeLab({ policy: ['pullRequests: { method: rebase, draft: true }'] });
  const { github, repository } = lab;
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  github.protect(repository, 'main', { requiredApprovals: 1 });
  expect(await lab.approve('FR-1')).toMatchObject({
    waitingFor: 'forge',
    error: { message: expect.stringContaining('approving review') as string },
  });
  lab.pass(11 * hour);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'forge' });
  lab.pass(2 * hour);
  expect(await lab.goOn('FR-1')).toMatchObject({ waitingFor: 'human', error: { code: 'forge.merge-refused' } });
  github.as('alice').review(lab.pull('FR-1'), { state: 'APPROVED' });
  await lab.goOn('FR-1');
  const { headRef } = lab.pull('FR-1');
  github.state.listen(({ event, action }) => {
    if (event === 'pull_request' && action === 'closed')
      github.as('ben').push(repository, { branch: headRef, files: { 'late.txt': 'late\n' } });
  });
  expect(await lab.approve('FR-1')).toMatchObject({ status: 'succeeded' });
  expect([...repository.bare.refs().keys()].sort()).toEqual(['main', headRef]);
  expect(repository.bare.git('rev-list', '--count', '--merges', 'main')).toBe('0');
  expect(github.effects('merge')).toBe(1);
});

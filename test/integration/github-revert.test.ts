import { expect, it } from 'vitest';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const filesOf = (lab: MergeLab): string[] =>
  lab.repository.bare
    .git('ls-tree', '--name-only', 'main')
    .split('\n')
    .filter((name) => name.startsWith('FR-'));

const begin = (lab: MergeLab, id: string, comment = '') => lab.application.revert(lab.job(id).id, comment);

async function merged(lab: MergeLab, id: string, method: 'merge' | 'squash' | 'rebase'): Promise<void> {
  await lab.policy([`pullRequests: { method: ${method} }`]);
  lab.note(id);
  await lab.dispatch(id);
  // A second commit, so that a rebase is more than one.
  const head = await lab.application.decide(lab.job(id).id, 'changes', 'once more', { person: 'ada', channel: 'cli' });
  await lab.application.work(head.id, { approve: null, signal: new AbortController().signal });
  expect(await lab.approve(id)).toMatchObject({ status: 'succeeded' });
}

it('what was merged, squashed or rebased is taken back by a pull request that waits for its own approval', async () => {
  const lab = await makeMergeLab({ stages: ['code', 'test'] });
  for (const [id, method] of [
    ['FR-1', 'merge'],
    ['FR-2', 'squash'],
    ['FR-3', 'rebase'],
  ] as const)
    await merged(lab, id, method);
  expect(filesOf(lab)).toEqual(['FR-1.txt', 'FR-2.txt', 'FR-3.txt']);
  for (const id of ['FR-1', 'FR-2', 'FR-3']) {
    const reverting = await begin(lab, id, 'It was slow.');
    expect(reverting).toMatchObject({ id: `${id}-2`, reverts: `${id}-1`, branch: `opus/revert-${id}-1` });
    expect((await lab.application.revert(`${id}-1`, '')).id).toBe(reverting.id);
    expect(await lab.goOn(id)).toMatchObject({ waitingFor: 'approval', gate: { hash: reverting.headCommit } });
    expect(lab.story(id)).toEqual(['test.0 passed', 'deliver.0 passed']);
    expect(lab.pull(id).title).toBe(`Revert ${id}: Count ${id}`);
    expect(lab.property(id, 'status')).toBe('in-review');
    expect(await lab.approve(id)).toMatchObject({ status: 'succeeded' });
    expect(lab.property(id, 'status')).toBe('parked');
  }
  expect(filesOf(lab)).toEqual([]);
  expect([...lab.repository.bare.refs().keys()]).toEqual(['main']);
  await expect(lab.application.revert('FR-1-1', '')).rejects.toMatchObject({ code: 'registry.not-revertable' });
});

it('what was built on it is put before a person, and what was changed again since is refused', async () => {
  const lab = await makeMergeLab();
  await merged(lab, 'FR-1', 'merge');
  for (const id of ['FR-2', 'FR-3']) {
    lab.note(id, { depends_on: '["[[FR-1]]"]' });
    await lab.dispatch(id);
  }
  await lab.approve('FR-3');
  lab.github.as('alice').push(lab.repository, { branch: 'main', files: { 'FR-1.txt': 'quite another\n' } });
  await expect(begin(lab, 'FR-1')).rejects.toMatchObject({
    code: 'git.conflict',
    message: 'FR-1-1 cannot be taken back by itself: FR-1.txt changed again in main since.',
  });
  expect(lab.job('FR-1').id).toBe('FR-1-1');
  expect(lab.job('FR-2')).toMatchObject({ waitingFor: 'approval' });
  await begin(lab, 'FR-3');
  await lab.application.cancel('FR-3-2', 'kept after all');
  expect(lab.property('FR-3', 'status')).toBe('done');
  lab.github.as('alice').push(lab.repository, {
    branch: 'main',
    files: { 'FR-1.txt': lab.repository.bare.git('show', `${lab.job('FR-1').mergeCommit ?? ''}:FR-1.txt`) + '\n' },
  });
  await begin(lab, 'FR-1');
  expect(lab.job('FR-2')).toMatchObject({
    waitingFor: 'human',
    gate: null,
    error: { code: 'vault.dependency-reverted' },
  });
  expect(lab.property('FR-2', 'status')).toBe('needs-human');
  expect(lab.property('FR-2', 'run_note')).toMatch(
    /^FR-1, which FR-2 depends on, is being reverted by FR-1-2\. To go on all the same/,
  );
  expect(await lab.goOn('FR-2')).toMatchObject({ waitingFor: 'approval', error: null });
});

import { expect, it } from 'vitest';
import { makeMergeLab } from '../support/merge-lab.ts';

it('an approved pull request is merged on GitHub, and its branch and trees are gone', async () => {
  const lab = await makeMergeLab();
  lab.note('FR-1');
  expect(await lab.dispatch('FR-1')).toMatchObject({ status: 'waiting', waitingFor: 'approval', error: null });
  const done = await lab.approve('FR-1');
  expect(done).toMatchObject({ status: 'succeeded', error: null });
  expect(lab.github.effects('merge')).toBe(1);
});

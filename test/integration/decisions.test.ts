import { expect, it, onTestFinished } from 'vitest';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { makeWorld } from '../support/case-world.ts';
import { person, runOnce } from '../support/run-case.ts';

it('of two decisions that arrive together one is taken, and the other is told that nothing is asked any more', async () => {
  const world = makeWorld();
  onTestFinished(() => {
    world.dispose();
  });
  const { document } = await runOnce(world);
  expect(document).toMatchObject({ status: 'waiting', waitingFor: 'approval' });
  const runner = await composeRunner(loadConfig(world.configFile));
  onTestFinished(() => runner.stop());
  await runner.start();
  const decided = await Promise.allSettled(
    ['ada', 'ben'].map((name) => runner.application.decide('ABC-7-1', 'approve', '', { ...person, person: name })),
  );
  expect(decided.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(decided.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'registry.no-gate' } });
});

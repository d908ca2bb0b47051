import { expect } from 'vitest';
import { python, sh } from '../../support/case-world.ts';
import { decideOnce, runOnce, type Case } from '../../support/run-case.ts';

const gate = {
  note: 'in-review',
  job: 'waiting',
  waitingFor: 'approval',
  exit: 0,
  code: '',
  sentence: 'Waiting for your decision (`merge@…`).',
};
const done = {
  note: 'done',
  job: 'succeeded',
  waitingFor: '',
  exit: 0,
  code: '',
  sentence: 'Done. Merged into main as `…`.',
};

export const success: readonly Case[] = [
  {
    name: 'The work succeeds',
    world: { stages: ['plan', 'code', 'test', 'review'] },
    check: (world, { document }) => {
      expect(document?.stages.map(({ name, status }) => `${name} ${status}`)).toEqual(
        ['plan', 'code', 'test', 'review', 'deliver'].map((name) => `${name} passed`),
      );
      expect(document?.pr?.state).toBe('open');
    },
    expected: gate,
  },
  {
    name: 'The work succeeds and is approved',
    act: async (world) => {
      await runOnce(world);
      return await decideOnce(world, 'approve');
    },
    check: (world, { document }) => {
      expect(world.fileOf('main', 'parts/two.txt')).toBe('two, round 0');
      expect(world.git(world.origin, 'log', '-1', '--format=%(trailers:key=Opus-FR,valueonly)', 'main')).toBe('ABC-7');
      expect(world.git(world.origin, 'branch', '--list', 'opus/*')).toBe('');
      expect(document?.pr?.state).toBe('merged');
    },
    expected: done,
  },
  {
    name: 'Every agent is a shell script, and each gate is approved at once',
    world: { agents: { plan: sh('well'), code: sh('well'), review: sh('well') }, stages: ['plan', 'code', 'test', 'review'] },
    act: (world) => runOnce(world, { approve: true }),
    expected: done,
  },
  {
    name: 'The tests fail, and the agent mends it with what they said',
    world: { agents: { code: python('mends-what-fails') } },
    check: (_world, { document }) => {
      expect(document?.rounds).toBe(1);
    },
    expected: gate,
  },
];

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { python, sh, type World } from '../../support/case-world.ts';
import { withoutBubblewrap } from '../../support/no-sandbox.ts';
import { decideOnce, runOnce, type Case } from '../../support/run-case.ts';
import { atTheGate, merged } from './expectations.ts';

export const success: readonly Case[] = [
  {
    name: 'The work succeeds',
    world: { stages: ['plan', 'code', 'test', 'review'] },
    check: (_world, { document }) => {
      expect(document?.stages.map(({ name, status }) => `${name} ${status}`)).toEqual(
        ['plan', 'code', 'test', 'review', 'deliver'].map((name) => `${name} passed`),
      );
      expect(document?.pr?.state).toBe('open');
    },
    expected: atTheGate,
  },
  {
    name: 'The work succeeds and is approved',
    act: async (world) => {
      await runOnce(world);
      return await decideOnce(world, 'approve');
    },
    check: (world, { document }) => {
      expect(world.fileOf('main', 'parts/two.txt')).toBe('two, round 0');
      expect(world.git(world.origin, 'log', '-1', '--format=%(trailers:key=Opus-FR,valueonly)', 'main').trim()).toBe(
        'ABC-7',
      );
      expect(world.git(world.origin, 'branch', '--list', 'opus/*')).toBe('');
      expect(document?.pr?.state).toBe('merged');
    },
    expected: merged,
  },
  {
    name: 'Every agent is a shell script, and each gate is approved at once',
    world: {
      agents: { plan: sh('well'), code: sh('well'), review: sh('well') },
      stages: ['plan', 'code', 'test', 'review'],
    },
    act: (world) => runOnce(world, { approve: true }),
    expected: merged,
  },
  {
    name: 'The tests fail, and the agent mends it with what they said',
    world: { agents: { code: python('mends-what-fails') } },
    check: (_world, { document }) => {
      expect(document?.rounds).toBe(1);
    },
    expected: atTheGate,
  },
  {
    name: 'An agent of the test stage adds a test, which the runner runs',
    world: { agents: { test: sh('well') } },
    check: (world, { document }) => {
      const test = document?.stages.find(({ name }) => name === 'test');
      expect(test?.evidence).toMatchObject([{ exitCode: 0, commit: document?.commit }]);
      expect(world.fileOf(document?.branch ?? '', 'check.sh')).toContain('test -s parts/two.txt');
    },
    expected: atTheGate,
  },
  {
    name: 'The first result is malformed, the second is right',
    world: { agents: { code: python('malformed-once') } },
    check: (world, { document }) => {
      expect(document?.stages[0]).toMatchObject({ name: 'code', status: 'passed', attempts: 1 });
      expect(logsOf(world.data)).toContain('ABC-7-1.code.0.0.1-again.log');
    },
    expected: atTheGate,
  },
  {
    name: 'The agent prints 200 MB',
    world: { agents: { code: sh('flood') } },
    check: (world) => {
      const log = join(world.data, 'logs', 'ABC-7-1', 'ABC-7-1.code.0.0.1.log');
      expect(statSync(log).size).toBeLessThan(11_000_000);
    },
    expected: atTheGate,
  },
  {
    name: 'No test command is configured',
    world: { repository: { test: null } },
    check: (world) => {
      expect(world.report('ABC-7-1')).toContain('nothing was tested');
      expect(pullRequestOf(world)).toContain('nothing was tested');
    },
    expected: atTheGate,
  },
  {
    name: '`sandbox: preferred` where bubblewrap is not installed',
    world: { config: ['sandbox: preferred'] },
    act: (world) => runOnce(world, { overrides: { sandbox: withoutBubblewrap } }),
    check: (world, { warnings }) => {
      expect(warnings[0]).toMatch(/WITHOUT a sandbox: bubblewrap is not installed/);
      expect(world.report('ABC-7-1')).toContain('the agents ran without a sandbox');
      expect(pullRequestOf(world)).toContain('ran without a sandbox');
    },
    expected: atTheGate,
  },
  {
    name: 'The base moves meanwhile, and both changes merge',
    act: async (world) => {
      await runOnce(world);
      world.pushToBase({ 'other.txt': 'elsewhere\n' });
      return await decideOnce(world, 'approve');
    },
    check: (world) => {
      expect(world.fileOf('main', 'other.txt')).toBe('elsewhere');
      expect(world.fileOf('main', 'parts/two.txt')).toBe('two, round 0');
    },
    expected: merged,
  },
];

function logsOf(data: string): string[] {
  return readdirSync(join(data, 'logs', 'ABC-7-1'));
}

function pullRequestOf(world: World): string {
  return world.git(world.origin, 'cat-file', '-p', 'refs/opus/pulls/1');
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { opus, opusJson } from '../../support/case-commands.ts';
import { processesOf } from '../../support/case-soundness.ts';
import { sh } from '../../support/case-world.ts';
import type { Case } from '../../support/run-case.ts';
import { until } from '../../support/sandbox-runs.ts';
import { atTheGate, merged, needsHuman, refused, rejected } from './expectations.ts';

/** Agent notes are in force as if their owner had confirmed them. */
const trusted = 'trust: auto';

export const commandLine: readonly Case[] = [
  {
    name: '`opus run`',
    world: { config: [trusted] },
    act: (world) => opusJson(world, ['run', 'ABC-7']),
    check: async (world, { document }) => {
      const status = await opus(world, ['status', '--json']);
      expect(status.exit).toBe(0);
      expect(JSON.parse(status.stdout)).toMatchObject({
        runner: null,
        jobs: [{ job: 'ABC-7-1', gate: document?.gate }],
      });
    },
    expected: atTheGate,
  },
  {
    name: '`opus run`, then `opus approve`',
    world: { config: [trusted] },
    act: async (world) => {
      await opusJson(world, ['run', 'ABC-7']);
      return await opusJson(world, ['approve', 'ABC-7']);
    },
    expected: merged,
  },
  {
    name: '`opus run --approve`',
    world: { config: [trusted] },
    act: (world) => opusJson(world, ['run', 'ABC-7', '--approve']),
    expected: merged,
  },
  {
    name: '`opus run`, then `opus reject`',
    world: { config: [trusted] },
    act: async (world) => {
      await opusJson(world, ['run', 'ABC-7']);
      return await opusJson(world, ['reject', 'ABC-7']);
    },
    expected: rejected,
  },
  {
    name: '`opus run`, and the agent fails',
    world: { config: [trusted], agents: { code: sh('exit-7') } },
    act: (world) => opusJson(world, ['run', 'ABC-7']),
    expected: needsHuman(
      'agent.failed',
      'The agent coder of the code stage of ABC-7-1 ended with exit code 7. Its last line: the model is not reachable',
    ),
  },
  {
    name: '`opus run` of a feature request that is not there',
    world: { config: [trusted] },
    act: (world) => opusJson(world, ['run', 'ABC-99']),
    expected: refused('planned', 2, 'vault.fr-not-found', 'No note in the vault has the id ABC-99.'),
  },
  {
    name: '`opus run` with a mistake in opus.yml',
    act: (world) => {
      writeFileSync(world.configFile, 'vault: { path: ./vault }\nrepo: {}\n');
      return opusJson(world, ['run', 'ABC-7']);
    },
    expected: refused(
      'planned',
      2,
      'config.invalid',
      '…/opus.yml:1: `repos` is missing. Write for example `repos: { app: { url: ./repos/app.git, test: npm test } }`. …/opus.yml:2: `repo` is not a key that opus knows. Write `repos`.',
    ),
  },
  {
    name: '`opus run` before `opus trust`',
    act: (world) => opusJson(world, ['run', 'ABC-7']),
    expected: refused('planned', 2, 'vault.agent-missing', 'No confirmed agent note works in the plan stage.'),
  },
  interrupted('killed', 'SIGKILL', null),
  interrupted('stopped by Ctrl-C', 'SIGINT', 130),
];

/** Ended while the agent and its children work; then another agent goes on with the same job. */
function interrupted(how: string, signal: NodeJS.Signals, exit: number | null): Case {
  return {
    name: `\`opus run\` is ${how} while the agent works, then \`opus run\` again`,
    world: { config: [trusted], agents: { code: sh('hang') } },
    act: async (world) => {
      const log = join(world.data, 'logs', 'ABC-7-1', 'ABC-7-1.code.0.0.1.log');
      const ended = await opus(world, ['run', 'ABC-7', '--json'], async (child) => {
        await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('still here'));
        expect(processesOf(world.folder).length).toBeGreaterThan(2);
        child.kill(signal);
      });
      expect(ended.exit).toBe(exit);
      await until(() => processesOf(world.folder).length === 0);
      world.setAgent('code', sh('well'));
      return await opusJson(world, ['run', 'ABC-7']);
    },
    check: (_world, { document }) => {
      expect(document?.stages[0]).toMatchObject({ name: 'code', status: 'passed', attempts: 2 });
      expect(document?.rounds).toBe(0);
    },
    expected: atTheGate,
  };
}

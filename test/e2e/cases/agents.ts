import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { python, sh } from '../../support/case-world.ts';
import type { Case } from '../../support/run-case.ts';
import { needsHuman } from './expectations.ts';

export const agents: readonly Case[] = [
  {
    name: 'The tests never pass',
    world: { agents: { code: python('wrong-words') }, config: ['rounds: 2'] },
    check: (world, { document }) => {
      expect(document?.rounds).toBe(2);
      expect(document?.stages.at(-1)?.evidence?.[0]).toMatchObject({ exitCode: 1, tail: 'words.txt is wrong\n' });
      expect(world.git(world.origin, 'branch', '--list', 'opus/*')).toBe('');
    },
    expected: needsHuman('stage.rounds-exhausted', 'After 2 fix rounds the tests still fail.'),
  },
  {
    name: 'The reviewer refuses every time',
    world: { agents: { review: python('refuses') }, config: ['rounds: 1'] },
    check: (world) => {
      expect(world.report('ABC-7-1')).toContain('Round 1: the part says too little.');
    },
    expected: needsHuman('stage.rounds-exhausted', 'After 1 fix round review still refuses with 1 open issue.'),
  },
  {
    name: 'The agent never ends, and neither do its children',
    world: {
      agents: { code: sh('hang', ['timeout: 700ms']) },
      config: ['retry: { attempts: 2, base: 1ms }'],
    },
    check: (world) => {
      expect(logOf(world.data)).toContain('still here');
    },
    expected: needsHuman(
      'agent.timeout',
      'The agent coder of the code stage of ABC-7-1 did not end within 700ms and was stopped with all its processes, 2 times in a row in the code stage.',
    ),
  },
  {
    name: 'The agent falls silent',
    world: { agents: { code: sh('stall', ['stall: 700ms']) } },
    expected: needsHuman(
      'agent.stalled',
      'The agent coder of the code stage of ABC-7-1 printed nothing for 700ms and was stopped with all its processes.',
    ),
  },
  {
    name: 'The agent changes nothing',
    world: { agents: { code: python('no-change') } },
    expected: needsHuman('agent.no-change', 'The agent of the code stage of ABC-7-1 ended without changing anything.'),
  },
  {
    name: 'The agent writes no result',
    world: { agents: { code: python('no-result') } },
    expected: needsHuman(
      'agent.no-result',
      'The agent coder of the code stage of ABC-7-1 ended well but wrote no result.',
    ),
  },
  {
    name: 'The result is malformed, also when asked for again',
    world: { agents: { code: python('malformed') } },
    check: (world) => {
      expect(readdirSync(join(world.data, 'logs', 'ABC-7-1')).sort()).toEqual([
        'ABC-7-1.code.0.0.1-again.log',
        'ABC-7-1.code.0.0.1.log',
      ]);
    },
    expected: needsHuman(
      'agent.malformed-result',
      'The agent of the code stage of ABC-7-1 wrote a malformed result twice: it is not JSON: Unterminated string in JSON at position 23 (line 1 column 24).',
    ),
  },
  {
    name: 'The agent reports an error by a sentinel file',
    world: { agents: { code: sh('sentinel') } },
    expected: needsHuman(
      'agent.failed',
      'The agent coder of the code stage of ABC-7-1 reported an error: the quota of the model is used up',
    ),
  },
  {
    name: 'The agent ends with exit code 7',
    world: { agents: { code: sh('exit-7') }, config: ['retry: { attempts: 3, base: 1ms }'] },
    expected: needsHuman(
      'agent.failed',
      'The agent coder of the code stage of ABC-7-1 ended with exit code 7. Its last line: the model is not reachable, 3 times in a row in the code stage.',
    ),
  },
  {
    name: 'The program of the agent is not there',
    world: { agents: { code: { command: ['no-such-agent', '{{prompt_file}}'] } } },
    expected: needsHuman(
      'agent.not-found',
      'The agent coder of the code stage of ABC-7-1 could not be started: the program no-such-agent is not on PATH.',
    ),
  },
  {
    name: 'The set-up command fails',
    world: { repository: { setup: 'sh no-such-setup.sh' } },
    expected: needsHuman(
      'stage.setup-failed',
      'The set-up command of words (sh no-such-setup.sh) ended with 2 in ABC-7-1.',
    ),
  },
  {
    name: 'The agent starts a Git repository inside the worktree',
    world: { agents: { code: sh('nested') } },
    expected: needsHuman(
      'git.nested-repository',
      'The agent of ABC-7-1 left a git repository of its own in tools/inner/.',
    ),
  },
  {
    name: 'The agent adds a submodule',
    world: { agents: { code: sh('submodule') } },
    expected: needsHuman('git.submodule-refused', 'The agent of ABC-7-1 added or changed a submodule: lib.'),
  },
];

function logOf(data: string): string {
  return readFileSync(join(data, 'logs', 'ABC-7-1', 'ABC-7-1.code.0.0.1.log'), 'utf8');
}

import { expect } from 'vitest';
import { python, type AgentCommand, type World } from '../../support/case-world.ts';
import { decideOnce, runOnce, type Case, type Outcome } from '../../support/run-case.ts';
import { atTheGate, merged, needsHuman } from './expectations.ts';

const conflict = { 'words.txt': 'hello\ntheirs\n' };
const thirdPart = { 'parts/three.txt': 'three\n' };

export const merging: readonly Case[] = [
  {
    name: 'The base moves and conflicts; a fix round settles it and asks again',
    world: { agents: { code: python('settles-the-conflict') } },
    act: (world) => approveAfter(world, conflict),
    check: (world, { document }) => {
      expect(document?.rounds).toBe(1);
      expect(world.fileOf(document?.branch ?? '', 'words.txt')).toBe('hello\nours and theirs');
    },
    expected: atTheGate,
  },
  {
    name: 'The base moves and conflicts; the settled change is approved',
    world: { agents: { code: python('settles-the-conflict') } },
    act: async (world) => {
      await approveAfter(world, conflict);
      return await decideOnce(world, 'approve');
    },
    check: (world) => {
      expect(world.fileOf('main', 'words.txt')).toBe('hello\nours and theirs');
    },
    expected: merged,
  },
  {
    name: 'The base moves and conflicts; the agent leaves the markers in the file',
    world: { agents: { code: python('leaves-the-conflict') }, config: ['rounds: 1'] },
    act: (world) => approveAfter(world, conflict),
    check: (world) => {
      expect(world.fileOf('main', 'words.txt')).toBe('hello\ntheirs');
    },
    expected: needsHuman(
      'stage.rounds-exhausted',
      'After 1 fix round the change still does not merge cleanly with the base.',
    ),
  },
  {
    name: 'The base moves, and the tests fail on the merge; a fix round mends it',
    world: { agents: { code: python('makes-room') } },
    act: async (world) => {
      const asked = await approveAfter(world, thirdPart);
      expect(asked.document).toMatchObject({ waitingFor: 'approval', rounds: 1 });
      return await decideOnce(world, 'approve');
    },
    check: (world) => {
      expect(world.git(world.origin, 'ls-tree', '--name-only', 'main', 'parts/')).toBe(
        'parts/one.txt\nparts/three.txt',
      );
    },
    expected: merged,
  },
  mergeThatNeverPasses(python('well')),
];

function mergeThatNeverPasses(code: AgentCommand): Case {
  return {
    name: 'The base moves, and the tests go on failing on the merge',
    world: { agents: { code }, config: ['rounds: 1'] },
    act: (world) => approveAfter(world, thirdPart),
    check: (world) => {
      expect(world.git(world.origin, 'ls-tree', '--name-only', 'main', 'parts/')).toBe(
        'parts/one.txt\nparts/three.txt',
      );
    },
    expected: needsHuman('stage.rounds-exhausted', 'After 1 fix round the tests still fail.'),
  };
}

/** What was approved meets a base that somebody moved meanwhile. */
async function approveAfter(world: World, files: Readonly<Record<string, string>>): Promise<Outcome> {
  await runOnce(world);
  world.pushToBase(files);
  return await decideOnce(world, 'approve');
}

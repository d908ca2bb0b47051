import type { ProgressLine } from '../../../runner/engine/stage-context.ts';
import { expect } from 'vitest';
import { python, sh, type World, type WorldOptions } from '../../support/case-world.ts';
import { decideOnce, runOnce, type Case, type Outcome } from '../../support/run-case.ts';
import { atTheGate, merged, rejected } from './expectations.ts';

const planned: WorldOptions = { stages: ['plan', 'code', 'test', 'review'], policy: ['planApproval: true'] };
const atThePlan = { ...atTheGate, note: 'in-progress', sentence: 'Waiting for your decision (`plan@…`).' };

export const decisions: readonly Case[] = [
  {
    name: 'Changes are asked for with a comment',
    world: { agents: { code: python('answers-the-comment') } },
    act: async (world) => {
      const first = await runOnce(world);
      const second = await decideOnce(world, 'changes', 'Please say bonjour.');
      expect(second.document?.gate).not.toBe(first.document?.gate);
      expect(second.document?.pr?.number).toBe(first.document?.pr?.number);
      return second;
    },
    check: (world, { document }) => {
      expect(world.fileOf(document?.branch ?? '', 'parts/two.txt')).toBe('bonjour, round 1');
      expect(world.report('ABC-7-1')).toContain('Please say bonjour.');
    },
    expected: atTheGate,
  },
  {
    name: 'Changes are asked for without a comment',
    act: async (world) => {
      await runOnce(world);
      return await decideOnce(world, 'changes');
    },
    expected: {
      ...atTheGate,
      exit: 2,
      code: 'config.usage',
      sentence: 'Asking for changes needs a comment that says which.',
    },
  },
  {
    name: 'The change is rejected',
    act: async (world) => {
      await runOnce(world);
      return await decideOnce(world, 'reject');
    },
    check: (world, { document }) => {
      expect(document?.pr?.state).toBe('closed');
      expect(world.git(world.origin, 'ls-tree', '--name-only', 'main', 'parts/')).toBe('parts/one.txt');
    },
    expected: rejected,
  },
  {
    name: 'The note says `approve` and the hash of the gate',
    act: async (world) => {
      const { document } = await runOnce(world);
      writeDecision(world, `approve ${document?.gate?.split('@')[1] ?? ''}`);
      return await takeDecision(world);
    },
    expected: merged,
  },
  {
    name: 'The note says `approve` and the hash of an earlier commit',
    act: async (world) => {
      const before = world.git(world.origin, 'rev-parse', 'main').slice(0, 8);
      await runOnce(world);
      writeDecision(world, `approve ${before}`);
      return await takeDecision(world);
    },
    check: (world, { document }) => {
      expect(document?.pr?.state).toBe('open');
      expect(world.note()).toMatch(/^run_note: .*The decision in the note names/m);
    },
    expected: {
      ...atTheGate,
      code: 'registry.gate-stale',
      sentence: 'The decision in the note names …; asked for is merge@….',
    },
  },
  {
    name: 'The note names the wrong hash first, and then rejects',
    act: async (world) => {
      const { document } = await runOnce(world);
      writeDecision(world, 'approve 00000000');
      expect((await takeDecision(world)).error?.code).toBe('registry.gate-stale');
      world.edit((text) => text.replace('approve 00000000', `reject ${document?.gate?.split('@')[1] ?? ''}`));
      return { ...(await takeDecision(world)), exit: 0 };
    },
    expected: rejected,
  },
  {
    name: 'The note says `changes` with the hash and a comment',
    world: { agents: { code: python('answers-the-comment') } },
    act: async (world) => {
      const { document } = await runOnce(world);
      writeDecision(world, `changes ${document?.gate?.split('@')[1] ?? ''} Please say bonjour.`);
      return await takeDecision(world);
    },
    check: (world, { document }) => {
      expect(world.fileOf(document?.branch ?? '', 'parts/two.txt')).toBe('bonjour, round 1');
    },
    expected: atTheGate,
  },
  {
    name: 'The plan waits for an approval',
    world: planned,
    check: (_world, { document }) => {
      expect(document?.stages).toMatchObject([{ name: 'plan', status: 'passed' }]);
    },
    expected: atThePlan,
  },
  {
    name: 'The plan is approved, then the change',
    world: planned,
    act: async (world) => {
      await runOnce(world);
      expect((await decideOnce(world, 'approve')).document?.gate).toMatch(/^merge@/);
      return await decideOnce(world, 'approve');
    },
    expected: merged,
  },
  {
    name: 'The plan is approved after the note was changed',
    world: planned,
    act: async (world) => {
      const { document } = await runOnce(world);
      world.edit((text) => `${text}\r\nAnd a third part.\r\n`);
      const refused = await decideOnce(world, 'approve');
      expect(refused.document?.gate).not.toBe(document?.gate);
      return refused;
    },
    expected: {
      ...atThePlan,
      exit: 3,
      code: 'registry.gate-stale',
      sentence: `10_features/tools/words & parts/ABC-7 Zweiter Teil.md was changed since you were shown plan@…; asked for is plan@… now.`,
    },
  },
  {
    name: 'The branch is pushed to after the gate was shown',
    act: async (world) => {
      const { document } = await runOnce(world);
      world.git(world.origin, 'update-ref', `refs/heads/${document?.branch ?? ''}`, 'main');
      return await decideOnce(world, 'approve');
    },
    check: (world) => {
      expect(world.git(world.origin, 'ls-tree', '--name-only', 'main', 'parts/')).toBe('parts/one.txt');
    },
    expected: {
      ...atTheGate,
      exit: 3,
      code: 'registry.gate-stale',
      sentence: 'The branch of ABC-7-1 is at …, not at … which you were shown.',
    },
  },
  {
    name: 'The user parks the note while the agent works',
    act: (world) =>
      runOnce(world, {
        onProgress: whenTheAgentStarts(() => {
          world.edit((text) => text.replace(/^status: .*?(\r?)$/m, 'status: parked$1'));
        }),
      }),
    check: (world) => {
      expect(world.git(world.origin, 'branch', '--list', 'opus/*')).toBe('');
    },
    expected: { ...rejected, note: 'parked', exit: 1 },
  },
  {
    name: 'The user writes into the note while the agent works',
    act: (world) =>
      runOnce(world, {
        onProgress: whenTheAgentStarts(() => {
          world.edit((text) => `${text}\r\nAlso mind the umlauts: äöü.\r\n`);
        }),
      }),
    expected: atTheGate,
  },
  {
    name: 'The user renames the note and moves it while the agent works',
    act: async (world) => {
      const asked = await runOnce(world, {
        onProgress: whenTheAgentStarts(() => {
          world.moveNote('10_features/done/Second part.md');
        }),
      });
      expect(asked.document?.waitingFor).toBe('approval');
      expect(world.note()).toMatch(/^gate: "?merge@/m);
      return await decideOnce(world, 'approve');
    },
    check: (world) => {
      expect(world.report('ABC-7-1')).toContain('[[Second part]]');
    },
    expected: merged,
  },
  {
    name: 'The user deletes the note while the agent works',
    act: (world) =>
      runOnce(world, {
        onProgress: whenTheAgentStarts(() => {
          world.moveNote(null);
        }),
      }),
    check: (world) => {
      expect(world.note()).toBe('');
    },
    expected: {
      note: '',
      job: 'failed',
      waitingFor: '',
      exit: 1,
      code: 'vault.fr-not-found',
      sentence:
        'The note 10_features/tools/words & parts/ABC-7 Zweiter Teil.md of ABC-7-1 is not the feature request ABC-7 any more.',
    },
  },
  {
    name: 'The agent failed; its note is mended and confirmed, and the job is retried',
    world: { agents: { code: sh('exit-7') } },
    act: async (world) => {
      await runOnce(world);
      world.setAgent('code', sh('well'));
      return await runOnce(world, {
        begin: ({ application }) => application.retry('ABC-7', { from: null, rounds: null, comment: '' }),
      });
    },
    expected: atTheGate,
  },
  {
    name: 'The rounds were used up; the job is retried with a comment and one more',
    world: {
      agents: { code: python('answers-the-comment') },
      repository: { test: 'grep -q bonjour parts/two.txt' },
      config: ['rounds: 0'],
    },
    act: async (world) => {
      const { error } = await runOnce(world);
      expect(error?.code).toBe('stage.rounds-exhausted');
      return await runOnce(world, {
        begin: ({ application }) =>
          application.retry('ABC-7', { from: null, rounds: 1, comment: 'Please say bonjour.' }),
      });
    },
    expected: atTheGate,
  },
  {
    name: 'The feature request is dispatched again while its first job waits',
    act: async (world) => {
      await runOnce(world);
      return await runOnce(world, { begin: ({ application }) => application.dispatch('ABC-7', { again: true }) });
    },
    check: (world, { document }) => {
      expect(document).toMatchObject({ job: 'ABC-7-2', pr: { number: 2, state: 'open' } });
      expect(world.git(world.origin, 'cat-file', '-p', 'refs/opus/pulls/1')).toContain('"state":"closed"');
      expect(world.report('ABC-7-1')).toContain('**Canceled.**');
    },
    expected: atTheGate,
  },
];

function writeDecision(world: World, decision: string): void {
  world.edit((text) => text.replace('decision: ""', `decision: ${decision}`));
}

function takeDecision(world: World): Promise<Outcome> {
  return runOnce(world, { begin: ({ application }) => application.takeNoteDecision('ABC-7') });
}

/** What the vault was to be told before is told by then. */
function whenTheAgentStarts(action: () => void): (line: ProgressLine) => void {
  return ({ stage, kind }) => {
    if (stage === 'code' && kind === 'started') action();
  };
}

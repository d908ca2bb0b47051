import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { sh } from '../../support/case-world.ts';
import { withoutBubblewrap } from '../../support/no-sandbox.ts';
import { runOnce, type Case } from '../../support/run-case.ts';
import { atTheGate, refused } from './expectations.ts';

export const refusals: readonly Case[] = [
  {
    name: 'The note names a repository that opus.yml does not',
    world: { note: (text) => text.replace('repo: words', 'repo: nowhere') },
    expected: refused(
      'planned',
      2,
      'vault.fr-invalid',
      '10_features/tools/words & parts/ABC-7 Zweiter Teil.md:6: opus.yml names no repository `nowhere`.',
    ),
  },
  {
    name: 'The properties of the note are broken',
    world: { note: (text) => text.replace('mood:   undecided', 'mood: [undecided') },
    expected: refused(
      'planned',
      2,
      'vault.fr-invalid',
      '10_features/tools/words & parts/ABC-7 Zweiter Teil.md:12: The frontmatter is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
    ),
  },
  {
    name: 'No note has the id',
    world: { note: (text) => text.replace('id: ABC-7', 'id: ABC-8') },
    expected: refused('planned', 2, 'vault.fr-not-found', 'No note in the vault has the id ABC-7.'),
  },
  {
    name: 'Another note has the same id',
    world: { dependency: (text) => text.replace('id: ABC-2', 'id: ABC-7') },
    expected: refused(
      'planned',
      2,
      'vault.fr-invalid',
      '10_features/ABC-2.md:2: ABC-7 is the id of 10_features/tools/words & parts/ABC-7 Zweiter Teil.md too.',
    ),
  },
  {
    name: 'A dependency is not done',
    world: { dependency: (text) => text.replace('status: done', 'status: in-review') },
    expected: refused(
      'planned',
      2,
      'vault.fr-not-dispatchable',
      'ABC-7 depends on ABC-2 (in-review), which is not done.',
    ),
  },
  {
    name: 'The feature request is done already',
    world: { note: (text) => text.replace('status: planned', 'status: done') },
    expected: refused('done', 2, 'vault.fr-not-dispatchable', 'ABC-7 has the status "done", which is not dispatched.'),
  },
  {
    name: 'Nobody has confirmed the agent notes',
    act: (world) => runOnce(world, { confirm: false }),
    check: (_world, { warnings }) => {
      expect(warnings[0]).toMatch(/^Not confirmed, so not in force: .*coder\.md \(new\)/);
    },
    expected: refused('planned', 2, 'vault.agent-missing', 'No confirmed agent note works in the plan stage.'),
  },
  {
    name: 'An agent note was changed since it was confirmed',
    act: async (world) => {
      await runOnce(world, { begin: () => Promise.reject(new Error('Only confirmed.')) });
      world.setAgent('code', sh('exit-7'));
      return await runOnce(world, { confirm: false });
    },
    check: (_world, { warnings }) => {
      expect(warnings[0]).toMatch(/^Not confirmed, so not in force: .*coder\.md \(changed\)/);
    },
    expected: atTheGate,
  },
  {
    name: 'A sandbox is required and bubblewrap is not installed',
    act: (world) => runOnce(world, { overrides: { sandbox: withoutBubblewrap } }),
    expected: refused(
      'planned',
      3,
      'sandbox.unavailable',
      'Jobs are not started, since the sandbox cannot work here: bubblewrap is not installed.',
    ),
  },
  {
    name: 'The repository is not where opus.yml says',
    act: (world) => {
      renameSync(world.origin, join(world.folder, 'repos', 'moved.git'));
      return runOnce(world);
    },
    expected: refused(
      'planned',
      1,
      'git.repository-missing',
      "There is no git repository for 'words' at …/repos/words.git.",
    ),
  },
];

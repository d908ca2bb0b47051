import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { python, sh, type AgentCommand, type World } from '../../support/case-world.ts';
import { runOnce, type Case, type Outcome } from '../../support/run-case.ts';
import { atTheGate, needsHuman } from './expectations.ts';

/** In the environment of the runner, whatever it is worth. */
const secretName = 'OPUS_TEST_MARK';

export const attacks: readonly Case[] = [
  {
    name: 'The agent deletes the worktree',
    world: { agents: { code: sh('delete-all') } },
    expected: needsHuman('git.tree-gone', 'The agent of ABC-7-1 deleted everything in its tree.'),
  },
  {
    name: 'The agent looks for secrets in the home folder, the vault, the data folder, the origin and its first process',
    world: { agents: { code: python('looks-around', 'at={{config_dir}}', `secret=${secretName}`) } },
    check: (world, outcome) => {
      const lines = branchFile(world, outcome, 'words.txt').split('\n').slice(1);
      const found = new Map(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      const missing = 'no: No such file or directory';
      for (const name of [
        'note of the vault',
        'configuration',
        'registry',
        'bare origin',
        'mirror',
        'write to vault',
      ]) {
        expect(found.get(name), name).toBe(missing);
      }
      expect(found.get('key in the home folder')).toBe(missing);
      expect(found.get('files of the home folder')).toBe('yes: []');
      expect(found.get('folder of all attempts')).toBe("yes: ['ABC-7-1']");
      expect(found.get('write to root')).toBe('no: Read-only file system');
      expect(found.get('name of a secret')).toBe('no');
      expect(existsSync(join(homedir(), 'left-by-an-agent'))).toBe(false);
    },
    expected: atTheGate,
  },
  {
    name: 'The agent reaches for the network',
    world: { agents: { code: python('calls-out', 'port=0') } },
    act: callsOut,
    check: (world, outcome) => {
      const lines = branchFile(world, outcome, 'words.txt').split('\n').slice(1);
      expect(lines).toHaveLength(3);
      for (const line of lines) expect(line).toContain(': no: ');
    },
    expected: atTheGate,
  },
  {
    name: 'The agent replaces .git, its hooks and its configuration',
    world: { agents: { code: python('attacks-git', 'at={{config_dir}}') } },
    check: (world, outcome) => {
      expect(existsSync(join(world.folder, 'pwned'))).toBe(false);
      expect(branchFile(world, outcome, 'parts/two.txt')).toBe('two, round 0');
    },
    expected: atTheGate,
  },
  {
    name: 'The reviewer tries to change the worktree',
    world: { agents: { review: python('meddles') } },
    check: (world, outcome) => {
      expect(world.report('ABC-7-1')).toContain('Tried to write: no: Read-only file system');
      expect(branchFile(world, outcome, 'words.txt')).toBe('hello\nworld');
    },
    expected: atTheGate,
  },
  unsafeResult('a symbolic link to /etc/passwd', sh('link'), 'is a symbolic link'),
  unsafeResult('a pipe', sh('pipe'), 'is not a plain file'),
  unsafeResult('a hard link', sh('hard-link'), 'is a hard link'),
  {
    ...unsafeResult('a sparse file of 5 GB', sh('sparse'), 'is 5120 MB large, more than the 4 MB that are read'),
    world: { agents: { code: sh('sparse') }, config: ['limits: { disk: 8G }'] },
  },
];

function unsafeResult(what: string, code: AgentCommand, sentence: string): Case {
  return {
    name: `The result file is ${what}`,
    world: { agents: { code } },
    expected: needsHuman(
      'agent.unsafe-result',
      `The result file of the agent coder of the code stage of ABC-7-1 ${sentence}; it was not read.`,
    ),
  };
}

/** With a server on the runner's machine that nothing may reach. */
async function callsOut(world: World): Promise<Outcome> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    world.setAgent('code', python('calls-out', `port=${(server.address() as AddressInfo).port}`));
    const outcome = await runOnce(world);
    expect(connections).toBe(0);
    return outcome;
  } finally {
    server.close();
    await once(server, 'close');
  }
}

function branchFile(world: World, { document }: Outcome, path: string): string {
  return world.fileOf(document?.branch ?? '', path);
}

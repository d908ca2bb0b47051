import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { readablePathsForCommand, toolchainPaths } from '../../runner/adapters/sandbox/toolchains.ts';
import { removeFolders, requestFor, runShell, temporaryFolder } from '../support/sandbox-runs.ts';

let home: string;
beforeEach(() => {
  home = temporaryFolder('opus-home-');
});
afterEach(removeFolders);

function program(path: string, says: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${says}\n`);
  chmodSync(path, 0o755);
  return path;
}

function file(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'content');
}

describe('programs on PATH', () => {
  it('below home run with what belongs to them, and nothing else of home is there', async () => {
    program(join(home, '.pyenv/shims/py'), `cat "${home}/.pyenv/versions/3/lib"`);
    file(join(home, '.pyenv/versions/3/lib'));
    program(join(home, '.nvm/versions/node/v1/bin/nodish'), `cat "${home}/.nvm/versions/node/v1/lib/dep"`);
    file(join(home, '.nvm/versions/node/v1/lib/dep'));
    file(join(home, '.nvm/versions/node/v2/other'));
    file(join(home, '.ssh/id'));
    file(join(home, 'notes.md'));
    const path = `${join(home, '.pyenv/shims')}:${join(home, '.nvm/versions/node/v1/bin')}:/usr/bin:/bin`;
    const sandbox = createBubblewrapSandbox({ home, path });
    const { tail } = await runShell(sandbox, `py; nodish; echo; find "$HOME" -type f | sort; echo "$PATH"`);
    expect(tail.split('\n')).toEqual([
      'contentcontent',
      join(home, '.nvm/versions/node/v1/bin/nodish'),
      join(home, '.nvm/versions/node/v1/lib/dep'),
      join(home, '.pyenv/shims/py'),
      join(home, '.pyenv/versions/3/lib'),
      expect.stringContaining(path),
      '',
    ]);
  });

  it('that are links run, and bring the packages they need', async () => {
    program(join(home, 'npm/lib/node_modules/cli/main'), `cat "${home}/npm/lib/node_modules/dep/index"`);
    file(join(home, 'npm/lib/node_modules/dep/index'));
    program(join(home, '.local/share/tool/versions/1/tool'), 'echo tool');
    mkdirSync(join(home, '.local/bin'), { recursive: true });
    symlinkSync('../../npm/lib/node_modules/cli/main', join(home, '.local/bin/cli'));
    symlinkSync(join(home, '.local/share/tool/versions/1/tool'), join(home, '.local/bin/tool'));
    const sandbox = createBubblewrapSandbox({ home, path: `${join(home, '.local/bin')}:/usr/bin` });
    expect((await runShell(sandbox, 'cli; tool')).tail).toBe('contenttool\n');
    expect((await sandbox.run(requestFor(['tool']))).tail).toBe('tool\n');
  });

  it('in a package bring the folder of all packages', () => {
    file(join(home, 'project/node_modules/.bin/x'));
    file(join(home, 'project/secret'));
    const sources = { path: join(home, 'project/node_modules/.bin'), execPath: '/usr/bin/node', goRoot: undefined };
    expect(toolchainPaths(sources, { home, hidden: [] })).toEqual([join(home, 'project/node_modules')]);
  });

  it('never make a private folder visible', () => {
    for (const name of ['vault/bin', 'data/x', '.ssh', 'ok']) mkdirSync(join(home, name), { recursive: true });
    const path = [
      home,
      join(home, 'vault/bin'),
      join(home, '.ssh'),
      join(home, 'data'),
      '/',
      '/etc',
      '/tmp',
      '.',
      'ok',
    ];
    const sources = { path: path.join(':'), execPath: '/usr/bin/node', goRoot: undefined };
    const hidden = [join(home, 'vault'), join(home, 'data/x')];
    expect(toolchainPaths(sources, { home, hidden })).toEqual([]);
  });

  it('keep working with Node itself inside a repository that is hidden', () => {
    const node = program(join(home, 'repo/node/bin/node'), 'true');
    const sources = { path: '/usr/bin', execPath: node, goRoot: undefined };
    expect(toolchainPaths(sources, { home, hidden: [join(home, 'repo')] })).toEqual([node]);
  });
});

describe('a command names what it can read', () => {
  it('by the folder of each absolute argument', () => {
    for (const name of ['tools/agent.mjs', 'tools/lib/x', 'scripts/run']) file(join(home, name));
    const argv = ['node', join(home, 'tools/agent.mjs'), '--flag', join(home, 'scripts'), '/no/such', 'relative/x'];
    expect(readablePathsForCommand(argv, { home, hidden: [] })).toEqual([join(home, 'scripts'), join(home, 'tools')]);
  });

  it.each([
    ['home', 'agent.mjs', []],
    ['the vault', 'all/agent.mjs', ['all/vault']],
    ['a repository itself', 'repo/agent.mjs', ['repo']],
    ['part of a repository', 'repo/deep/agent.mjs', ['repo']],
  ])('but by that file alone where its folder is or contains %s', (_what, name, hidden) => {
    file(join(home, name));
    for (const path of hidden) mkdirSync(join(home, path), { recursive: true });
    const found = readablePathsForCommand([join(home, name)], { home, hidden: hidden.map((path) => join(home, path)) });
    expect(found).toEqual([join(home, name)]);
  });

  it('but no folder that is private itself, and no credentials', () => {
    file(join(home, '.ssh/id'));
    file(join(home, '.config/gh/hosts.yml'));
    const argv = [
      home,
      join(home, '.ssh'),
      join(home, '.ssh/id'),
      join(home, '.config/gh/hosts.yml'),
      '/',
      '/etc',
      '/root',
    ];
    expect(readablePathsForCommand(argv, { home, hidden: [] })).toEqual([]);
  });
});

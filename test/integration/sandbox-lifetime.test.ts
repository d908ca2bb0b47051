import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { explainBlocked } from '../../runner/adapters/sandbox/bubblewrap-probe.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { newMark, processesWith, removeFolders, runShell, temporaryFolder, until } from '../support/sandbox-runs.ts';

const adapter = pathToFileURL(join(import.meta.dirname, '../../runner/adapters/sandbox/bubblewrap.ts')).href;
const support = pathToFileURL(join(import.meta.dirname, '../support/sandbox-runs.ts')).href;

afterEach(removeFolders);

describe('a runner that is killed', () => {
  it.each([
    ['without network', []],
    ['with network', ['allowed.example']],
  ])('leaves no process of its agents, %s', async (_name, network) => {
    const mark = newMark();
    const script = join(temporaryFolder(), 'runner.mjs');
    writeFileSync(
      script,
      `import { createBubblewrapSandbox } from ${JSON.stringify(adapter)};
       import { runShell } from ${JSON.stringify(support)};
       await runShell(createBubblewrapSandbox(), 'sleep 600 & (setsid sleep 601 &); echo ready; sleep 602', {
         env: { MARK: ${JSON.stringify(mark)} }, network: ${JSON.stringify(network)}, onOutput: (text) => console.log(text) });`,
    );
    const runner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(runner.stdout, 'data');
    expect(processesWith(mark).length).toBeGreaterThanOrEqual(3);
    runner.kill('SIGKILL');
    await once(runner, 'exit');
    await until(() => processesWith(mark).length === 0, 5_000);
  });
});

describe('the probe', () => {
  it('says that sandboxes work here', async () => {
    expect(await createBubblewrapSandbox().probe()).toMatchObject({ kind: 'isolated' });
  });

  it('says what to install where there is no bubblewrap', async () => {
    const sandbox = createBubblewrapSandbox({ program: '/no/such/bwrap' });
    expect(await sandbox.probe()).toEqual({
      kind: 'none',
      reason: 'bubblewrap is not installed.',
      hint: 'apt-get install bubblewrap',
    });
    await expect(runShell(sandbox, 'true')).rejects.toMatchObject({ code: 'sandbox.unavailable' });
  });

  it('notices a bubblewrap that does not isolate', async () => {
    const fake = join(temporaryFolder(), 'bwrap');
    writeFileSync(
      fake,
      `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; cat <&3 >/dev/null; "$@"; echo "{ \\"exit-code\\": $? }" >&4\n`,
      { mode: 0o755 },
    );
    const probe = await createBubblewrapSandbox({ program: fake }).probe();
    expect(probe).toMatchObject({ kind: 'none' });
    expect(JSON.stringify(probe)).toMatch(/does not isolate: capabilities.*network/);
  });

  const free = {
    appArmorRestricts: false,
    userNamespacesOff: false,
    noUserNamespacesLeft: false,
    inContainer: false,
    underSystemd: false,
  };
  it.each([
    ['AppArmor', { appArmorRestricts: true }, /AppArmor/, /apparmor_restrict_unprivileged_userns=0/],
    ['a sysctl', { userNamespacesOff: true }, /switched off/, /unprivileged_userns_clone=1/],
    [
      'a sysctl that allows none',
      { noUserNamespacesLeft: true },
      /max_user_namespaces is 0/,
      /max_user_namespaces=15000/,
    ],
    ['a container', { inContainer: true }, /container/, /seccomp=unconfined/],
    ['a service', { underSystemd: true }, /service/, /RestrictNamespaces/],
  ])('names what blocks it: %s', (_name, setting, reason, hint) => {
    const found = explainBlocked('bwrap: setting up uid map: Permission denied', { ...free, ...setting });
    expect(found.reason).toMatch(reason);
    expect(found.hint).toMatch(hint);
  });

  it('says when bubblewrap is too old', () => {
    expect(explainBlocked('bwrap: Unknown option --disable-userns', free).hint).toContain('0.8');
  });
});

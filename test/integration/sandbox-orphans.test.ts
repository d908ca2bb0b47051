import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { endOrphans, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';

it('what a killed runner left is found by its name, and nobody else is touched', async () => {
  const mine = sandboxName('/data/mine');
  const left = spawn('sleep', ['600'], { argv0: mine, stdio: 'ignore' });
  const foreign = spawn('sleep', ['600'], { argv0: sandboxName('/data/other'), stdio: 'ignore' });
  await Promise.all([once(left, 'spawn'), once(foreign, 'spawn')]);
  const closed = once(left, 'close');
  expect(endOrphans(mine)).toBe(1);
  await closed;
  expect(left.signalCode).toBe('SIGKILL');
  expect(foreign.signalCode).toBeNull();
  foreign.kill();
  await once(foreign, 'close');
  expect(endOrphans(mine)).toBe(0);
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locateConfig } from '../../runner/cli/configuration.ts';
import { printError } from '../../runner/cli/render-error.ts';
import { run } from '../../runner/cli/run.ts';
import { workOnJob } from '../../runner/cli/work-on-job.ts';
import { acquireRunnerLock, type RunnerLock } from '../../runner/adapters/registry/runner-lock.ts';
import { makeFolder } from '../../runner/adapters/registry/make-folder.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';

describe('while another process works in the data folder', () => {
  let folder: string;
  let held: RunnerLock;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cli-lock-'));
    mkdirSync(join(folder, 'vault/10_features'), { recursive: true });
    writeFileSync(
      join(folder, 'opus.yml'),
      'vault: { path: ./vault }\nrepos:\n  app: { url: ./app.git, base: main, forge: local }\nsandbox: off\ndata: ./data\n',
    );
    held = acquireRunnerLock(join(folder, 'data'));
  });
  afterEach(() => {
    held.release();
    rmSync(folder, { recursive: true, force: true });
  });

  test('run says at once whom it waits for, and goes on when that has ended', async () => {
    const terminal = fakeTerminal({ cwd: folder });
    const waiting: unknown[] = [];
    const ended = run(
      {
        ...terminal,
        err: (text) => {
          waiting.push(text);
          held.release();
        },
      },
      'FR-404',
      {},
    ).catch((thrown: unknown) => thrown);
    expect(await ended).toMatchObject({ code: 'vault.fr-not-found' });
    expect(waiting[0]).toBe(
      `Another opus process (pid ${process.pid}) already runs jobs in ${join(folder, 'data')}. Waiting for it…`,
    );
  });

  test('the patience ends with what to do, which is not to kill it', async () => {
    const terminal = fakeTerminal({ cwd: folder });
    const located = locateConfig(terminal, undefined);
    const never = () => Promise.reject(new Error('never begun'));
    const work = workOnJob(terminal, located, { json: true, lockPatienceMs: 20 }, { here: never, there: never });
    const failure = await work.catch((thrown: unknown) => thrown);
    expect(printError(failure, terminal, true)).toBe(3);
    expect(terminal.errLines.join('\n')).toContain('Wait until that process ends, or name another data folder');
    expect(terminal.errLines.join('\n')).not.toContain('kill');
    expect(JSON.parse(terminal.outLines.join('\n'))).toMatchObject({ error: { code: 'registry.locked' } });
  });
});

test('a warning at the start names the command of this installation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-warning-'));
  try {
    mkdirSync(join(folder, 'vault/00_system/opus/agents'), { recursive: true });
    writeFileSync(join(folder, 'vault/00_system/opus/agents/coder.md'), 'no agent yet\n');
    const config =
      'vault: { path: ./vault }\nrepos:\n  app: { url: ./app.git, base: main, forge: local }\nsandbox: off\n';
    writeFileSync(join(folder, 'opus.yml'), config);
    const terminal = fakeTerminal({ cwd: folder, environment: { npm_command: 'exec' } });
    await run(terminal, 'FR-404', {}).catch(() => undefined);
    expect(terminal.errLines.join('\n')).toContain('confirm with: npx opus trust');
    expect(readFileSync(join(folder, 'opus.yml'), 'utf8')).toBe(config);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.skipIf(process.platform !== 'linux')('a folder that can never be is refused instead of tried for ever', () => {
  expect(() => {
    makeFolder('/proc/opus/data');
  }).toThrow('ENOENT');
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireRunnerLock } from '../../runner/adapters/registry/runner-lock.ts';
import { startScript } from '../support/child-process.ts';

describe('the lock of a data folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-lock-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('refuses a second runner and names the first', async () => {
    const holder = startScript('hold-runner-lock.ts', folder);
    await holder.line((line) => line === 'held');
    expect(() => acquireRunnerLock(folder)).toThrow(
      expect.objectContaining({
        code: 'registry.locked',
        message: `Another opus process (pid ${holder.pid}) already runs jobs in ${folder}.`,
      }),
    );
    await holder.kill();
  });

  it('is free at once after its holder was killed', async () => {
    const holder = startScript('hold-runner-lock.ts', folder);
    await holder.line((line) => line === 'held');
    await holder.kill();
    acquireRunnerLock(folder).release();
  });

  it('is free after it was released, as often as that is done', () => {
    const first = acquireRunnerLock(folder);
    first.release();
    first.release();
    const second = acquireRunnerLock(folder);
    first.release();
    expect(() => acquireRunnerLock(folder)).toThrow(expect.objectContaining({ code: 'registry.locked' }));
    second.release();
  });

  it('is of one folder only', () => {
    const first = acquireRunnerLock(join(folder, 'a'));
    const second = acquireRunnerLock(join(folder, 'b'));
    first.release();
    second.release();
  });
});

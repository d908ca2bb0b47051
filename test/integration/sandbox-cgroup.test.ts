import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CgroupLimits } from '../../runner/adapters/sandbox/cgroup-limits.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';
import { removeFolders, temporaryFolder } from '../support/sandbox-runs.ts';

// A plain folder stands in for the kernel's: what is written where, and what is read, is the same.
let parent: string;
beforeEach(() => {
  parent = temporaryFolder();
});
afterEach(removeFolders);

function open() {
  const cgroup = new CgroupLimits(parent).open(defaultSandboxLimits);
  if (cgroup === null) throw new Error('No group was made.');
  const folder = join(parent, `opus-run-${process.pid}-1`);
  return { cgroup, folder };
}

describe('the control group of a run', () => {
  it('limits memory and tasks, and is entered before the command starts', () => {
    const { cgroup, folder } = open();
    expect(readFileSync(join(folder, 'memory.max'), 'utf8')).toBe(String(4 * 1024 ** 3));
    expect(readFileSync(join(folder, 'pids.max'), 'utf8')).toBe('4096');
    expect(cgroup.command()).toEqual(['/bin/sh', '-c', 'echo 0 > "$0/cgroup.procs" && exec "$@"', folder]);
  });

  it('says which limit was met', () => {
    const { cgroup, folder } = open();
    expect(cgroup.check()).toBeNull();
    writeFileSync(join(folder, 'pids.events'), 'max 3\n');
    expect(cgroup.check()).toBe('processes');
    writeFileSync(join(folder, 'memory.events'), 'low 0\nmax 9\noom 1\noom_kill 1\n');
    expect(cgroup.check()).toBe('memory');
  });

  it('ends everything in it at once', () => {
    const { cgroup, folder } = open();
    writeFileSync(join(folder, 'cgroup.kill'), '');
    cgroup.kill();
    expect(readFileSync(join(folder, 'cgroup.kill'), 'utf8')).toBe('1');
  });

  it('is removed afterwards, and so is what a killed runner left', async () => {
    const left = join(parent, 'opus-run-999999999-4');
    mkdirSync(left);
    const { cgroup, folder } = open();
    expect(existsSync(left)).toBe(false);
    // The kernel's files vanish with the folder.
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await cgroup.remove();
    expect(existsSync(folder)).toBe(false);
  });

  it('is done without where none can be made', () => {
    expect(new CgroupLimits(null).open(defaultSandboxLimits)).toBeNull();
    expect(new CgroupLimits('/proc').open(defaultSandboxLimits)).toBeNull();
  });
});

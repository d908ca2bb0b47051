import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/**
 * Every test file gets a temporary folder of its own and may leave neither a process nor a Git tree behind.
 * A process is told by its ancestors or, when its parent died, by a mark in its environment.
 */
const outer = tmpdir();
// Kept short: a Unix socket's path has 107 bytes.
const folder = mkdtempSync(join(outer, 'ot-'));
const mark = `OPUS_TEST_MARK=${process.pid}-${Date.now()}`;
const [markName = '', markValue = ''] = mark.split('=');
process.env['TMPDIR'] = folder;
process.env[markName] = markValue;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function processes(): Process[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = /^\d+ \(.*\) (\S) (\d+) /s.exec(readOrEmpty(`/proc/${name}/stat`));
      if (!stat?.[1] || !stat[2]) return [];
      const command = readOrEmpty(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parent: Number(stat[2]), state: stat[1], command }];
    });
}

function leaked(): Process[] {
  const all = processes();
  const family = new Set([process.pid]);
  let size = 0;
  while (size !== family.size) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(
    ({ pid, state }) =>
      pid !== process.pid &&
      state !== 'Z' &&
      !before.has(pid) &&
      (family.has(pid) || readOrEmpty(`/proc/${pid}/environ`).split('\0').includes(mark)),
  );
}

// esbuild's service belongs to the test runner.
const before = new Set(processes().map(({ pid }) => pid));

function leftTrees(): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.git') || existsSync(join(folder, path, 'objects', 'pack')),
  );
}

afterAll(async () => {
  const deadline = Date.now() + 3000;
  while (leaked().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 25));
  const left = leaked();
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  const trees = leftTrees();
  rmSync(folder, { recursive: true, force: true });
  process.env['TMPDIR'] = outer;
  const complaints = [
    ...left.map(({ pid, command }) => `process ${pid} is still running: ${command}`),
    ...trees.map((path) => `a Git tree was left in the temporary folder: ${path}`),
  ];
  if (complaints.length > 0) throw new Error(`This test file leaks.\n${complaints.join('\n')}`);
});

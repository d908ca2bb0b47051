import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runnerKeys } from '#shared/domain/note-keys.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import type { World } from './case-world.ts';
import type { Outcome } from './run-case.ts';

/** What holds after every case, whatever happened in it. */
export function expectSound(world: World, outcome: Outcome, others: ReadonlyMap<string, string>): void {
  expect(processesOf(world.folder)).toEqual([]);
  for (const repository of [world.origin, join(world.data, 'repos', 'words.git')]) {
    if (existsSync(repository)) world.git(repository, 'fsck', '--strict', '--no-dangling', '--no-progress');
  }
  expectOnlyTheRunnersLines(world);
  const found = notesBeside(world);
  const reports = [...found.keys()].filter((path) => path.startsWith('20_runs/'));
  for (const report of reports) expect(report).toMatch(/^20_runs\/ABC-7-\d+\.md$/);
  const kept = (notes: ReadonlyMap<string, string>) =>
    [...notes].filter(([path]) => !reports.includes(path) && !world.changedNotes.has(path));
  expect(kept(found)).toEqual(kept(others));
  const { document } = outcome;
  if (document) expect(existsSync(join(world.data, 'repos', 'words.git'))).toBe(true);
  if (document && ['succeeded', 'failed', 'canceled'].includes(document.status)) {
    expect(foldersOf(world, document.job)).toEqual([]);
  }
}

/** What the runner keeps of a job while it is at work: the folders of its attempts and its trees. */
function foldersOf(world: World, job: string): string[] {
  return ['attempts', 'worktrees'].flatMap((kind) => {
    const folder = join(world.data, kind);
    return existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(job)) : [];
  });
}

/** Every file of the vault but the note, by path. */
export function notesBeside(world: World): Map<string, string> {
  const files = readdirSync(world.vault, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(world.vault.length + 1));
  return new Map(
    paths
      .filter((path) => path !== world.notePath())
      .sort()
      .map((path) => [path, readFileSync(join(world.vault, path), 'utf8')]),
  );
}

function expectOnlyTheRunnersLines(world: World): void {
  if (world.note() === '') return;
  const wasReadable = readFrontmatter(world.usersNote()).problems.length === 0;
  if (wasReadable) expect(readFrontmatter(world.note()).problems).toEqual([]);
  else expect(world.note()).toBe(world.usersNote());
  expect(usersLines(world.note())).toEqual(usersLines(world.usersNote()));
}

/** Lines with their ends, but those of the runner's keys and of the status. */
function usersLines(text: string): string[] {
  const runners = new RegExp(`^(?:status|${runnerKeys.join('|')}):`);
  return text.split(/(?<=\n)/).filter((line) => !runners.test(line));
}

/** Processes that have to do with the folder: by their arguments, environment or working directory. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      const command = orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      const cwd = orEmpty(() => readlinkSync(`/proc/${pid}/cwd`));
      const environment = orEmpty(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
      const holds = [command, cwd, environment].some((text) => text.includes(folder));
      return holds ? [`${pid}: ${command.replaceAll('\0', ' ')}`] : [];
    });
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

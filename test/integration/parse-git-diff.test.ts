import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseDiff } from '../../runner/core/diff/parse-diff.ts';
import { plainGit } from '../support/git-lab.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'git-diff-'));
  plainGit(folder, 'init', '-q', '-b', 'main');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const write = (name: string, text: string | Buffer): void => {
  writeFileSync(join(folder, name), text);
};

it('what git writes of every kind of change is read as it was meant', () => {
  const twenty = Array.from({ length: 20 }, (_, at) => `line ${at + 1}`);
  write('both ends.txt', `${twenty.join('\n')}\n`);
  write('dos.txt', 'one\r\ntwo\r\n');
  write('gone.txt', 'gone');
  write('old name.txt', `${twenty.join('\n')}\n`);
  write('run.sh', 'true\n');
  write('picture.png', Buffer.from([0, 1, 2]));
  plainGit(folder, 'add', '-A');
  plainGit(folder, 'commit', '-qm', 'Before');
  write('both ends.txt', ['LINE 1', ...twenty.slice(1, -1), '--- a/line 20', '+++ b/line 21'].join('\n'));
  write('dos.txt', 'one\r\n2\r\n');
  rmSync(join(folder, 'gone.txt'));
  renameSync(join(folder, 'old name.txt'), join(folder, 'neuer "Name" ü\t.txt'));
  chmodSync(join(folder, 'run.sh'), 0o755);
  write('picture.png', Buffer.from([0, 3]));
  write('a b b new', '');
  write('carriage.txt', 'x\rdiff --git a/evil b/evil\r@@ -1 +1 @@\ny\n');
  plainGit(folder, 'add', '-A');

  const { files, isCut } = parseDiff(plainGit(folder, '-c', 'core.autocrlf=false', 'diff', '--cached', '-M', 'HEAD'));
  expect(isCut).toBe(false);
  const found = files.map(({ path, from, change, added, removed }) => [path, from, change, added, removed]);
  expect(found.sort(([left], [right]) => String(left).localeCompare(String(right)))).toEqual([
    ['a b b new', null, 'added', 0, 0],
    ['both ends.txt', null, 'changed', 3, 2],
    ['carriage.txt', null, 'added', 2, 0],
    ['dos.txt', null, 'changed', 1, 1],
    ['gone.txt', null, 'deleted', 0, 1],
    ['neuer "Name" ü\t.txt', 'old name.txt', 'renamed', 0, 0],
    ['picture.png', null, 'binary', 0, 0],
    ['run.sh', null, 'changed', 0, 0],
  ]);
  const ends = files.find(({ path }) => path === 'both ends.txt');
  expect(ends?.hunks).toHaveLength(2);
  expect(ends?.hunks.flatMap(({ lines }) => lines).filter(({ kind }) => kind !== 'context')).toEqual([
    { kind: 'removed', text: 'line 1', before: 1, after: null },
    { kind: 'added', text: 'LINE 1', before: null, after: 1 },
    { kind: 'removed', text: 'line 20', before: 20, after: null },
    { kind: 'added', text: '--- a/line 20', before: null, after: 20 },
    { kind: 'added', text: '+++ b/line 21', before: null, after: 21 },
  ]);
  expect(files.find(({ path }) => path === 'run.sh')?.hunks).toEqual([{ header: 'mode 100644 → 100755', lines: [] }]);
});

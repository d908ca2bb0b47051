import { describe, expect, it } from 'vitest';
import { boundedDiff } from '../../runner/core/diff/bounded-diff.ts';
import { parseDiff } from '../../runner/core/diff/parse-diff.ts';

const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');
const changed = (path: string, ...hunk: string[]): string =>
  text(`diff --git a/${path} b/${path}`, 'index 1..2 100644', `--- a/${path}`, `+++ b/${path}`, ...hunk);
const one = (diff: string) => {
  const [file, ...others] = parseDiff(diff).files;
  expect(others).toEqual([]);
  return file;
};

describe('the lines of a diff', () => {
  it('have their numbers on the side where they are, through several hunks', () => {
    const file = one(
      changed('a.js', '@@ -1,2 +1,3 @@', ' one', '-two', '+TWO', '+three', '@@ -9 +10,0 @@ function nine() {', '-nine'),
    );
    expect(file).toMatchObject({ path: 'a.js', from: null, change: 'changed', added: 2, removed: 2, cut: null });
    expect(file?.hunks).toEqual([
      {
        header: '@@ -1,2 +1,3 @@',
        lines: [
          { kind: 'context', text: 'one', before: 1, after: 1 },
          { kind: 'removed', text: 'two', before: 2, after: null },
          { kind: 'added', text: 'TWO', before: null, after: 2 },
          { kind: 'added', text: 'three', before: null, after: 3 },
        ],
      },
      {
        header: '@@ -9 +10,0 @@ function nine() {',
        lines: [{ kind: 'removed', text: 'nine', before: 9, after: null }],
      },
    ]);
  });

  it('are not taken for headings, whatever they say', () => {
    const file = one(
      changed('a.sql', '@@ -1,3 +1,3 @@', '--- a/comment', '+++ b/comment', ' @@ -1 +1 @@', '-diff --git a/x b/x', '+'),
    );
    expect(file?.hunks[0]?.lines.map(({ kind, text: said }) => [kind, said])).toEqual([
      ['removed', '-- a/comment'],
      ['added', '++ b/comment'],
      ['context', '@@ -1 +1 @@'],
      ['removed', 'diff --git a/x b/x'],
      ['added', ''],
    ]);
  });

  it('are not taken for headings after a carriage return either', () => {
    const file = one(changed('a.test.js', '@@ -0,0 +1,2 @@', '+x\rdiff --git a/b b/b\r@@ -1 +1 @@', '+y'));
    expect(file).toMatchObject({ path: 'a.test.js', added: 2 });
  });

  it('keep their line ends, and say where the last one has none', () => {
    const marker = '\\ No newline at end of file';
    const file = one(changed('a.txt', '@@ -1,2 +1,2 @@', ' dos\r', '-last', marker, '+last\r', marker));
    expect(file?.hunks[0]?.lines.map(({ text: said, before, after }) => [said, before, after])).toEqual([
      ['dos\r', 1, 1],
      ['last', 2, null],
      [marker, null, null],
      ['last\r', null, 2],
      [marker, null, null],
    ]);
    expect(file).toMatchObject({ added: 1, removed: 1 });
  });
});

describe('the files of a diff', () => {
  it.each([
    [
      'added',
      text(
        'diff --git a/n.js b/n.js',
        'new file mode 100644',
        'index 0..1',
        '--- /dev/null',
        '+++ b/n.js',
        '@@ -0,0 +1 @@',
        '+x',
      ),
      { path: 'n.js', from: null, change: 'added', added: 1, removed: 0 },
    ],
    [
      'added with nothing in it',
      text('diff --git a/my notes.md b/my notes.md', 'new file mode 100644', 'index 0..1'),
      { path: 'my notes.md', change: 'added', added: 0, hunks: [] },
    ],
    [
      'deleted',
      text(
        'diff --git a/o.js b/o.js',
        'deleted file mode 100644',
        '--- a/o.js',
        '+++ /dev/null',
        '@@ -1 +0,0 @@',
        '-x',
      ),
      { path: 'o.js', from: null, change: 'deleted', added: 0, removed: 1 },
    ],
    [
      'moved',
      text('diff --git a/old name b/new name', 'similarity index 100%', 'rename from old name', 'rename to new name'),
      { path: 'new name', from: 'old name', change: 'renamed', hunks: [] },
    ],
    [
      'moved and changed',
      text(
        'diff --git a/a b/b',
        'similarity index 60%',
        'rename from a',
        'rename to b',
        '--- a/a',
        '+++ b/b',
        '@@ -1 +1 @@',
        '-x',
        '+y',
      ),
      { path: 'b', from: 'a', change: 'renamed', added: 1, removed: 1 },
    ],
    [
      'binary',
      text(
        'diff --git a/i.png b/i.png',
        'new file mode 100644',
        'index 0..1',
        'Binary files /dev/null and b/i.png differ',
      ),
      { path: 'i.png', change: 'binary', hunks: [] },
    ],
    [
      'made executable',
      text('diff --git a/run.sh b/run.sh', 'old mode 100644', 'new mode 100755'),
      { path: 'run.sh', change: 'changed', hunks: [{ header: 'mode 100644 → 100755', lines: [] }] },
    ],
    [
      'with blanks in its name',
      text('diff --git a/a b/c d b/a b/c d', '--- a/a b/c d\t', '+++ b/a b/c d\t', '@@ -1 +1 @@', '-x', '+y'),
      { path: 'a b/c d', change: 'changed' },
    ],
    [
      'with a name in quotes',
      text(
        'diff --git "a/\\303\\244 \\"q\\"\\t.md" "b/\\303\\244 \\"q\\"\\t.md"',
        '--- "a/\\303\\244 \\"q\\"\\t.md"',
        '+++ "b/\\303\\244 \\"q\\"\\t.md"',
        '@@ -1 +1 @@',
        '-x',
        '+y',
      ),
      { path: 'ä "q"\t.md', change: 'changed' },
    ],
    [
      'binary with a name in quotes',
      text(
        'diff --git "a/\\360\\237\\214\\212.png" "b/\\360\\237\\214\\212.png"',
        'index 1..2 100644',
        'Binary files "a/x" and "b/x" differ',
      ),
      { path: '🌊.png', change: 'binary' },
    ],
    [
      'moved from a quoted name',
      text('diff --git "a/\\303\\244" b/plain', 'similarity index 100%', 'rename from "\\303\\244"', 'rename to plain'),
      { path: 'plain', from: 'ä', change: 'renamed' },
    ],
  ])('can be %s', (_what, diff, expected) => {
    expect(one(diff)).toMatchObject(expected);
  });

  it('come in their order, and none of them from nothing', () => {
    const diff = changed('a', '@@ -1 +1 @@', '-x', '+y') + changed('b', '@@ -1 +1 @@', '-x', '+y');
    expect(parseDiff(diff)).toMatchObject({ files: [{ path: 'a' }, { path: 'b' }], isCut: false });
    expect(parseDiff('')).toEqual({ files: [], isCut: false });
  });
});

describe('a diff that is too long', () => {
  const diff = changed('a', '@@ -1 +1 @@', '-x', '+y') + changed('b', '@@ -1,2 +1,2 @@', '-x', '+y', '-z', '+u');
  const stat = (...files: [string, number | null, number | null][]) => ({
    files: files.map(([path, added, removed]) => ({ path, added, removed })),
    added: 0,
    removed: 0,
  });

  it('is whole when it is not', () => {
    const whole = boundedDiff(parseDiff(diff), null, 100);
    expect(whole).toMatchObject({ cut: false, files: [{ cut: null }, { cut: null }] });
  });

  it('ends within a file, and says so there', () => {
    const bounded = boundedDiff(parseDiff(diff), null, 4);
    expect(bounded.files.map(({ cut, hunks }) => [cut === null, hunks.flatMap(({ lines }) => lines).length])).toEqual([
      [true, 2],
      [false, 2],
    ]);
    expect(bounded.cut).toBe(false);
    expect(bounded.files[1]).toMatchObject({ added: 2, removed: 2 });
  });

  it('leaves out whole files, which it still names', () => {
    const bounded = boundedDiff(parseDiff(diff), null, 2);
    expect(bounded.cut).toBe(true);
    expect(bounded.files[1]).toMatchObject({ path: 'b', hunks: [] });
    expect(bounded.files[1]?.cut).toMatch(/left out/);
  });

  it('names what was cut off before it was read', () => {
    const cut = `${diff.slice(0, diff.lastIndexOf('-z'))}… the diff is longer and was cut here at 99 bytes\n`;
    const parsed = parseDiff(cut);
    expect(parsed).toMatchObject({ isCut: true, files: [{ path: 'a' }, { path: 'b', added: 1, removed: 1 }] });
    const bounded = boundedDiff(parsed, stat(['a', 1, 1], ['b', 2, 2], ['c.png', null, null], ['d', 5, 0]), 100);
    expect(bounded.files.map(({ path, cut: why }) => [path, why?.includes('left out') ?? null])).toEqual([
      ['a', null],
      ['b', false],
      ['c.png', true],
      ['d', true],
    ]);
    expect(bounded.files.slice(2)).toMatchObject([{ change: 'binary' }, { added: 5 }]);
    expect(bounded.cut).toBe(true);
  });

  it('is whole where the cut fell between two files', () => {
    const cut = `${changed('a', '@@ -1 +1 @@', '-x', '+y')}… the diff is longer and was cut here at 99 bytes\n`;
    const bounded = boundedDiff(parseDiff(cut), stat(['a', 1, 1], ['b', 1, 0]), 100);
    expect(bounded.files.map(({ cut: why }) => why === null)).toEqual([true, false]);
  });
});

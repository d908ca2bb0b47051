import { describe, expect, it } from 'vitest';
import { findTampering } from '../../runner/core/tamper/find-tampering.ts';

function diff(path: string, lines: readonly string[], header: readonly string[] = []): string {
  const extra = header.map((line) => `${line}\n`).join('');
  return `diff --git a/${path} b/${path}\n${extra}index 1..2 100644\n--- a/${path}\n+++ b/${path}\n@@ -10,3 +10,3 @@\n${lines.join('\n')}\n`;
}
const kinds = (text: string): string[] => findTampering(text).map(({ kind }) => kind);

describe('the guard of the tests', () => {
  it('is silent where tests are added or code alone changes', () => {
    const added = diff('test/sum.test.js', [" it('adds', () => {", '+  expect(sum(1, 2)).toBe(3);', ' });']);
    const code = diff('src/sum.js', ['-return a - b; // expect(nothing)', '+return a + b;']);
    expect(findTampering(added + code)).toEqual([]);
  });

  it.each([
    ['test/a.test.ts', "-it('adds', f);", "+it.skip('adds', f);"],
    ['src/a.spec.js', "-describe('adds', f);", "+xdescribe('adds', f);"],
    ['tests/test_a.py', ' import pytest', '+@pytest.mark.skip(reason="later")'],
    ['pkg/a_test.go', ' func TestA(t *testing.T) {', '+\tt.Skip("later")'],
    ['src/test/java/ATest.java', ' @Test', '+@Disabled'],
    ['tests/a.rs', ' #[test]', '+#[ignore]'],
  ])('finds a test that is skipped in %s, with its line', (path, first, second) => {
    const found = findTampering(diff(path, [first, second]));
    expect(found.map(({ kind, file, line }) => ({ kind, file, line }))).toEqual([
      { kind: 'test-skipped', file: path, line: first.startsWith('-') ? 10 : 11 },
    ]);
  });

  it('finds a skip behind a line that holds a carriage return and what looks like the next file', () => {
    const hidden = diff('test/a.test.js', [
      '+const a = 1;\rdiff --git a/b b/b\r@@ -1 +1 @@',
      "+it.skip('adds', () => {});",
    ]);
    expect(findTampering(hidden)).toMatchObject([{ kind: 'test-skipped', file: 'test/a.test.js', line: 11 }]);
  });

  it('finds a deleted test, and not one that was moved', () => {
    const gone = diff('test/a.test.js', ['-expect(1).toBe(2);'], ['deleted file mode 100644']);
    expect(kinds(gone)).toEqual(['test-deleted']);
    const moved =
      'diff --git a/test/a.test.js b/test/b.test.js\nsimilarity index 100%\nrename from test/a.test.js\nrename to test/b.test.js\n';
    expect(kinds(moved)).toEqual([]);
  });

  it('finds fewer assertions, and assertions that are always true', () => {
    expect(kinds(diff('test/a.test.js', ['-  expect(sum(1, 2)).toBe(3);', '+  sum(1, 2);']))).toEqual([
      'test-weakened',
    ]);
    expect(kinds(diff('test/a.test.js', ['-  expect(sum(1, 2)).toBe(3);', '+  expect(true).toBe(true);']))).toEqual([
      'assertion-empty',
    ]);
  });

  it('does not take a comment for an assertion or a skip', () => {
    const text = diff('test/a.test.js', ['-  // expect(sum(1, 2)).toBe(3);', "+  // it.skip('adds')"]);
    expect(kinds(text)).toEqual([]);
  });

  it('finds what changes how tests are run', () => {
    expect(kinds(diff('package.json', ['-    "test": "vitest run",', '+    "test": "true",']))).toEqual([
      'test-settings-changed',
    ]);
    expect(kinds(diff('package.json', ['-    "left-pad": "1.0.0",', '+    "left-pad": "1.0.1",']))).toEqual([]);
    expect(kinds(diff('vitest.config.ts', ['-        lines: 80,', '+        lines: 20,']))).toEqual([
      'test-settings-changed',
      'threshold-lowered',
    ]);
    expect(kinds(diff('src/__snapshots__/a.snap', ['-one', '+two']))).toEqual(['snapshot-changed']);
    expect(kinds(diff('.github/workflows/ci.yml', ['-a', '+b']))).toEqual(['ci-changed']);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFrontmatter, readYaml } from '#shared/frontmatter/read.ts';
import { readSimpleFrontmatter } from '#shared/frontmatter/read-simple.ts';
import { comment, scalar, wantedText, word } from '../support/frontmatter-samples.ts';

function note(...lines: string[]): string {
  return `---\n${lines.join('\n')}\n---\nbody\n`;
}

describe('reading', () => {
  it('gives the same answer by the short way as by the full parser', () => {
    const simpleLine = fc.oneof(
      fc.tuple(word, scalar, comment).map(([key, text, tail]) => `${key}: ${text}${tail}`),
      fc.tuple(word, wantedText).map(([key, text]) => `${key}: ${text}`),
      fc.tuple(fc.constantFrom('', '  '), scalar, comment).map(([indent, text, tail]) => `${indent}- ${text}${tail}`),
      word.map((key) => `${key}:`),
      fc.constantFrom('', '# comment', '...', ' x', 'a: b: c', 'x: []', 'y: a:b', 'z: http://a/b#c # d'),
    );
    let answered = 0;
    fc.assert(
      fc.property(fc.array(simpleLine, { maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (lines, lineEnd) => {
        const source = lines.map((line) => line + lineEnd).join('');
        const simple = readSimpleFrontmatter(source, 2);
        if (!simple) return;
        answered += 1;
        expect({ entries: simple, problems: [] }).toEqual(readYaml(source, 2));
      }),
      { numRuns: 6_000 },
    );
    expect(answered).toBeGreaterThan(1_000);
  });

  it.each([
    ['---\na:\n\tb: 1\n---\n', 'frontmatter.tab', 3],
    ['---\na: 1\nb: 2\na: 3\n---\n', 'frontmatter.duplicate-key', 4],
    ['---\na: 1\n', 'frontmatter.unterminated', 1],
    ['---js\na: 1\n---\n', 'frontmatter.language-tag', 1],
    ['---\n- a\n---\n', 'frontmatter.not-a-mapping', 2],
    ['---\nid: x\ntitle: a: b\n---\n', 'frontmatter.yaml', 3],
    ['---\nid: x\nglob: [*.ts]\n---\n', 'frontmatter.anchor', 3],
    ['', 'note.empty', 1],
    ['\n---\na: 1\n---\n', 'frontmatter.missing', 1],
    ['----\na: 1\n', 'frontmatter.missing', 1],
  ])('says what is wrong with %j and where', (text, code, line) => {
    expect(readFrontmatter(text).problems[0]).toMatchObject({ code, line });
  });

  it('refuses to expand aliases without end', () => {
    const lines = 'bcdefgh'.split('').map(
      (key, index) =>
        `${key}: &${key} [${Array(9)
          .fill(`*${'abcdefgh'.charAt(index)}`)
          .join(', ')}]`,
    );
    const codes = readFrontmatter(note('a: &a [x, x, x, x, x, x, x, x, x]', ...lines)).problems.map(
      (problem) => problem.code,
    );
    expect(codes).toContain('frontmatter.anchor');
  });

  it('leaves dates and times as text, and keeps the text of numbers', () => {
    const { entries } = readFrontmatter(note('due: 2026-03-12', 'at: 12:30', 'id: 007', 'sha: 1234e567'));
    expect([...entries.values()].map((entry) => entry.text)).toEqual(['2026-03-12', '12:30', '007', '1234e567']);
    expect(entries.get('due')?.value).toBe('2026-03-12');
  });

  it('ends the block at a fence after a line end only', () => {
    expect(readFrontmatter('---\na: x\u2028---\nb: y\n---\nbody').body).toBe('body');
  });
});

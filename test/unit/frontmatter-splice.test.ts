import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMap, parseDocument } from 'yaml';
import { locateFrontmatter } from '#shared/frontmatter/locate.ts';
import { formatScalar } from '#shared/frontmatter/scalar.ts';
import { spliceFrontmatter } from '#shared/frontmatter/splice.ts';
import { sample, wantedText, word } from '../support/frontmatter-samples.ts';

function spliced(text: string, keys: [string, string][], contested: string[] = []): string {
  const outcome = spliceFrontmatter(text, keys, { contested });
  return outcome.kind === 'spliced' ? outcome.text : `refused: ${outcome.problem.message}`;
}

function note(...lines: string[]): string {
  return `---\n${lines.join('\n')}\n---\nbody\n`;
}

/** What a YAML reader of the given version reads for a key; the key is found by its text, whatever its type. */
function readBack(text: string, key: string, version: '1.1' | '1.2'): unknown {
  const location = locateFrontmatter(text);
  if (location.kind !== 'found') throw new Error('no frontmatter');
  const source = text.slice(location.block.start, location.block.end);
  const { contents, errors } = parseDocument(source, { version, logLevel: 'silent', uniqueKeys: version === '1.2' });
  if (errors.length > 0 || !isMap(contents)) throw new Error(`unreadable: ${String(errors[0])}`);
  const pair = contents.items.find((item) => (item.key as { source?: string }).source === key);
  return (pair?.value as { value?: unknown } | null | undefined)?.value;
}

const runs = { numRuns: 4_000 };

describe('setting a property', () => {
  it('changes the characters of that property only, and every reader reads back the text', () => {
    fc.assert(
      fc.property(sample, fc.nat(), wantedText, ({ text, keys, spans }, pick, wanted) => {
        const key = keys[pick % Math.max(1, keys.length)] ?? 'absent';
        const outcome = spliceFrontmatter(text, [[key, wanted]]);
        if (outcome.kind === 'refused') throw new Error(outcome.problem.message);
        const [start, end] = spans.get(key) ?? [locateEnd(text), locateEnd(text)];
        expect(outcome.text.slice(0, start)).toBe(text.slice(0, start));
        expect(outcome.text.endsWith(text.slice(end))).toBe(true);
        expect(readBack(outcome.text, key, '1.1')).toBe(wanted);
        expect(readBack(outcome.text, key, '1.2')).toBe(wanted);
        const lineFeeds = outcome.text.slice(0, locateEnd(outcome.text)).match(/(?<!\r)\n/g) ?? [];
        if (text.includes('\r\n')) expect(lineFeeds).toEqual([]);
      }),
      runs,
    );
  });

  it('writes nothing when the value is there already', () => {
    fc.assert(
      fc.property(sample, word, wantedText, ({ text }, key, wanted) => {
        const first = spliceFrontmatter(text, [[key, wanted]]);
        if (first.kind === 'refused') return;
        expect(spliceFrontmatter(first.text, [[key, wanted]])).toEqual({
          kind: 'spliced',
          text: first.text,
          changed: [],
        });
      }),
      runs,
    );
  });

  it('appends several missing properties in order, before the closing fence', () => {
    fc.assert(
      fc.property(sample, fc.tuple(wantedText, wantedText), ({ text }, [one, two]) => {
        const outcome = spliceFrontmatter(text, [
          ['RUN-one', one],
          ['RUN-two', two],
        ]);
        if (outcome.kind === 'refused') return;
        const end = locateEnd(text);
        const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
        const added = `RUN-one: ${formatScalar(one)}${lineEnd}RUN-two: ${formatScalar(two)}${lineEnd}`;
        expect(outcome.text).toBe(text.slice(0, end) + added + text.slice(end));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes any name for a property', () => {
    fc.assert(
      fc.property(sample, wantedText, wantedText, ({ text }, key, wanted) => {
        const outcome = spliceFrontmatter(text, [[key, wanted]]);
        if (outcome.kind === 'refused') return;
        expect(readBack(outcome.text, key, '1.2')).toBe(wanted);
        expect(outcome.text.endsWith(text.slice(locateEnd(text)))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a comment after the value', 'status: planned # mine', 'status: done # mine'],
    ['spaces around the value', 'status:   planned  ', 'status:   done  '],
    ['no value', 'status:', 'status: done'],
    ['no value but a comment', 'status: # mine', 'status: done # mine'],
    ['double quotes', 'status: "planned"', 'status: "done"'],
    ['single quotes', "'status': 'planned'", "'status': 'done'"],
    ['a list', 'status:\n  - a # one\n  - b # two', 'status: done # two'],
    ['a list without indent', 'status:\n- a\n- b', 'status: done'],
    ['a block text', 'status: |\n  a\n  b\n', 'status: done\n'],
    ['a folded text with a comment', 'status: >- # why\n  a\n  b', 'status: done # why'],
    ['a flow list over lines', 'status: [a,\n  b] # c', 'status: done # c'],
    ['a text over lines', 'status: a\n  b # c', 'status: done # c'],
    ['a nested map', 'status:\n  deep:\n    er: 1', 'status: done'],
    ['a value on its own line', 'status: # why\n  planned', 'status: done # why'],
    ['an anchor nobody uses', 'status: &s planned', 'status: done'],
    ['an explicit key', '? status\n: planned', '? status\n: done'],
  ])('keeps what surrounds %s', (_, before, after) => {
    expect(spliced(note('id: FR-1', before, 'tags: [fr]'), [['status', 'done']])).toBe(
      note('id: FR-1', after, 'tags: [fr]'),
    );
  });

  it('replaces and adds inside a flow mapping', () => {
    expect(
      spliced(note('{id: FR-1, status: planned}'), [
        ['status', 'done'],
        ['gate', ''],
      ]),
    ).toBe(note('{id: FR-1, status: done, gate: ""}'));
    expect(spliced(note('{}'), [['gate', 'yes']])).toBe(note('{gate: "yes"}'));
  });

  it('keeps an indented block indented', () => {
    expect(spliced(note('  id: FR-1'), [['gate', 'x']])).toBe(note('  id: FR-1', '  gate: x'));
  });

  it('fills an empty block', () => {
    expect(spliced('---\r\n---\r\n', [['gate', 'x']])).toBe('---\r\ngate: x\r\n---\r\n');
  });

  it('keeps a line that nobody edits between a contested last property and appended ones', () => {
    expect(spliced(note('id: FR-1', 'status: planned'), [['gate', 'x']], ['status'])).toBe(
      note('id: FR-1', 'status: planned', '', 'gate: x'),
    );
    expect(spliced(note('status: planned', 'tags: [fr]'), [['gate', 'x']], ['status'])).toBe(
      note('status: planned', 'tags: [fr]', 'gate: x'),
    );
    expect(spliced(note('status: planned', '# end'), [['gate', 'x']], ['status'])).toBe(
      note('status: planned', '# end', 'gate: x'),
    );
  });

  it.each([
    ['a value that another property repeats', note('a: &x 1', 'status: *x', 'b: *x'), 'a'],
    ['a key without a colon', note('? status'), 'status'],
    ['a list in place of properties', note('- a'), 'status'],
    ['a duplicate key', note('a: 1', 'a: 2'), 'status'],
    ['a tab as indent', note('a:', '\tb: 1'), 'status'],
    ['a closed document', note('a: 1', '...'), 'status'],
    ['an unterminated block', '---\na: 1\n', 'status'],
    ['a language tag', '---yaml\na: 1\n---\n', 'status'],
    ['no frontmatter', '# Title\n', 'status'],
    ['an empty file', '', 'status'],
    ['a huge block', note(`a: ${'x'.repeat(70_000)}`), 'status'],
  ])('refuses %s', (_, text, key) => {
    expect(spliceFrontmatter(text, [[key, 'done']]).kind).toBe('refused');
  });
});

function locateEnd(text: string): number {
  const location = locateFrontmatter(text);
  if (location.kind !== 'found') throw new Error('no frontmatter');
  return location.block.end;
}

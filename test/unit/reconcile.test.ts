import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflictMarkers, settleRegions, type Keep } from '../../runner/core/reconcile/conflict-regions.ts';
import { compareCopy } from '../../runner/core/reconcile/merge-copy.ts';

const marked = 'A\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> x\nB\n';

function settled(text: string, keep: Keep): string {
  return settleRegions(text, conflictMarkers(text).regions, keep);
}

describe('conflict markers', () => {
  it.each([
    ['ours', 'A\nours\nB\n'],
    ['theirs', 'A\ntheirs\nB\n'],
    ['both', 'A\nours\ntheirs\nB\n'],
  ] as const)('are settled by keeping %s', (keep, text) => {
    expect(settled(marked, keep)).toBe(text);
    expect(settled(marked + marked, keep)).toBe(text + text);
    expect(settled(marked.replaceAll('\n', '\r\n'), keep)).toBe(text.replaceAll('\n', '\r\n'));
  });

  it('have the line of the first of them, and their base is neither version', () => {
    const text = 'A\n<<<<<<< HEAD\n||||||| base\nold\n=======\ntheirs\n>>>>>>> x';
    const { regions, brokenLine } = conflictMarkers(text);
    expect([regions.map(({ line, ours, theirs }) => [line, ours, theirs]), brokenLine]).toEqual([
      [[2, '', 'theirs\n']],
      null,
    ]);
    expect(settled(text, 'both')).toBe('A\ntheirs\n');
  });

  it('may have whole code fences between them, and are none inside of one', () => {
    const text = `\`\`\`\n${marked}\`\`\`\n<<<<<<< a\n\`\`\`js\n=======\n\`\`\`ts\n>>>>>>> b\nx\n\`\`\`\n`;
    expect(conflictMarkers(text).regions.map(({ line }) => line)).toEqual([10]);
    expect(settled(text, 'theirs')).toBe(`\`\`\`\n${marked}\`\`\`\n\`\`\`ts\nx\n\`\`\`\n`);
  });

  it.each([
    ['A\n<<<<<<< a\nx\n', 2],
    ['A\n>>>>>>> a\n', 2],
    ['<<<<<<< a\nx\n>>>>>>> b\n', 1],
    ['<<<<<<< a\n<<<<<<< a\n=======\n>>>>>>> b\n', 1],
    ['<<<<<<< a\nTitle\n=======\nx\n=======\ny\n>>>>>>> b\n', 1],
    [`${marked}>>>>>>> a\n`, 8],
  ])('are left to a person where they do not fit together: %j', (text, line) => {
    expect(conflictMarkers(text).brokenLine).toBe(line);
  });

  it.each([['A\n=======\nB\n'], ['<<<<<<<x\n'], ['> <<<<<<< a\n']])('are not seen in %j', (text) => {
    expect(conflictMarkers(text)).toEqual({ regions: [], brokenLine: null });
  });
});

const head = (lines: string): string => `---\nid: FR-1\n${lines}tags:\n  - fr\n---\n`;

describe('a copy', () => {
  it.each([
    ['one line between', 'One\nTwo\n', 'One\nand\nTwo\n', 'One\nand\nTwo\n'],
    ['lines at the end', 'One\n', 'One\n\n- [ ] more\n', 'One\n\n- [ ] more\n'],
    ['a line that is there already', 'One\n\nTwo\n', 'One\n\nOne\n\nTwo\n', 'One\n\nOne\n\nTwo\n'],
  ])('that only adds %s is merged', (_, original, copy, merged) => {
    expect(compareCopy(head('') + original, head('') + copy)).toMatchObject({ kind: 'adds', text: head('') + merged });
    expect(compareCopy(head('') + copy, head('') + original)).toEqual({ kind: 'nothing-new' });
  });

  it('that adds properties gives them to the user’s block, not to the runner’s', () => {
    const runners = 'run_state: code\ngate: ""\n';
    const original = head('').replace('  - fr\n', `  - fr\n\n${runners}`);
    const copy = head('agent: coder\n').replace('  - fr\n', '  - fr\n  - urgent\n');
    expect(compareCopy(`${original}Body\n`, `${copy}Body\n`)).toEqual({
      kind: 'adds',
      lines: 2,
      text: `---\nid: FR-1\ntags:\n  - fr\n  - urgent\nagent: coder\n\n${runners}---\nBody\n`,
    });
  });

  it('and its original may each add to another part', () => {
    const standing = compareCopy(`${head('priority: P1\n')}One\n`, `${head('agent: coder\n')}One\nTwo\n`);
    expect(standing).toMatchObject({ kind: 'adds', lines: 2 });
    expect('text' in standing && standing.text).toBe(
      '---\nid: FR-1\npriority: P1\ntags:\n  - fr\nagent: coder\n---\nOne\nTwo\n',
    );
  });

  it.each([
    ['the runner’s own properties', `${head('')}x\n`.replace('  - fr\n', '  - fr\nrun_state: code\n')],
    ['line ends', `${head('')}x\n`.replaceAll('\n', '\r\n')],
    ['quotes', `${head('')}x\n`.replace('id: FR-1', 'id: "FR-1"')],
    ['the end of the file', `${head('')}x`],
  ])('that differs in %s alone has nothing new', (_, copy) => {
    expect(compareCopy(`${head('')}x\n`, copy)).toEqual({ kind: 'nothing-new' });
  });

  it.each([
    ['a changed line', 'One\nTwo\n', 'One\n2\n', 'line 7'],
    ['lines in another order', 'One\nTwo\n', 'Two\nOne\n', 'line 6'],
    ['additions on both sides', 'One\nhere\n', 'One\nthere\n', 'line 7'],
    ['conflict markers', 'One\n', `One\n${marked}`, 'conflict markers'],
  ])('with %s is left to a person', (_, original, copy, what) => {
    expect(compareCopy(head('') + original, head('') + copy)).toEqual({ kind: 'differs', what });
  });

  it.each([
    ['status: planned\n', 'status: parked\n', '`status`'],
    ['depends_on: [FR-2]\n', 'depends_on: [FR-2, FR-3]\n', '`depends_on`'],
    ['depends_on:\n  - FR-2\n', 'depends_on:\n  - FR-3\n', '`depends_on`'],
    ['title: x\n', 'title: [\n', 'the properties'],
  ])('whose property changed from %j to %j is left to a person', (before, after, what) => {
    expect(compareCopy(`${head(before)}x\n`, `${head(after)}x\n`)).toEqual({ kind: 'differs', what });
  });

  it('whose new property cannot be read without the rest of the copy is left to a person', () => {
    expect(compareCopy(head('a: 1\n'), head('a: &x 1\nb: *x\n'))).toEqual({ kind: 'differs', what: 'the properties' });
  });

  it('whose properties stand in braces, or are not there, is left to a person', () => {
    expect(compareCopy('---\n{id: FR-1}\n---\nx\n', '---\n{id: FR-1, agent: a}\n---\nx\n')).toMatchObject({
      kind: 'differs',
    });
    expect(compareCopy('', `${head('')}x\n`)).toEqual({ kind: 'differs', what: 'the properties' });
    expect(compareCopy('plain\n', 'plain\nmore\n')).toMatchObject({ kind: 'adds', text: 'plain\nmore\n' });
  });

  it('never loses or invents a line, whatever the two say', () => {
    const word = fc.constantFrom('a', 'b', '', '- c', '---', 'id: FR-9', '```');
    const property = fc.constantFrom(
      'agent: x',
      'agent: y',
      'base: main',
      'list:\n  - 1',
      'list:\n  - 1\n  - 2',
      'gate: z',
    );
    const text = fc
      .tuple(fc.uniqueArray(property, { maxLength: 4, selector: (line) => line.split(':')[0] }), fc.array(word))
      .map(
        ([properties, body]) =>
          `---\nid: FR-1\n${properties.map((line) => `${line}\n`).join('')}---\n${body.join('\n')}`,
      );
    fc.assert(
      fc.property(text, text, (original, copy) => {
        const standing = compareCopy(original, copy);
        const held = standing.kind === 'adds' ? standing.text : original;
        if (standing.kind === 'differs') return;
        expect(usersLines(held)).toEqual(expect.arrayContaining(usersLines(original)));
        expect(usersLines(held)).toEqual(expect.arrayContaining(usersLines(copy)));
        const known = new Set([...usersLines(original), ...usersLines(copy)]);
        expect(usersLines(held).filter((line) => !known.has(line))).toEqual([]);
        expect(compareCopy(held, copy).kind).toMatch(/^(?:identical|nothing-new)$/);
        expect(compareCopy(held, original).kind).toMatch(/^(?:identical|nothing-new)$/);
      }),
    );
  });
});

function usersLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && line !== 'gate: z');
}

import { describe, expect, it } from 'vitest';
import { isDispatchable } from '#shared/domain/feature-request.ts';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';

function parse(lines: string[], path = '10_features/FR-1 Note.md'): ParsedFeatureRequest {
  return parseFeatureRequest(path, `---\n${lines.join('\n')}\n---\n`, { hash: (text) => text });
}

function fr(id: string, dependsOn = ''): ParsedFeatureRequest {
  return parse([`id: ${id}`, 'status: planned', `depends_on: ${dependsOn}`], `10_features/${id}.md`);
}

describe('a note', () => {
  it('has its conflict reported alone, and not what follows from that', () => {
    const lines = ['id: FR-1', '<<<<<<< HEAD', 'status: planned', '=======', 'status: dun', '>>>>>>> theirs'];
    const note = parse([...lines, 'depends_on: [x']);
    expect(note.problems.map(({ code, line }) => [code, line])).toEqual([['note.conflict-marker', 3]]);
    expect([note.id, note.links, isDispatchable(note)]).toEqual(['FR-1', [], false]);
  });

  it('with a colon in a decision without quotes has no decision, and says what to write', () => {
    const note = parse(['id: FR-1', 'status: planned', 'decision: changes 1234abcd make it NICE: yes', 'tags: [a]']);
    expect(note.decision).toBe('');
    expect(note.problems).toEqual([
      {
        code: 'frontmatter.yaml',
        message: 'The value of `decision` has a colon in it and is not in quotes.',
        hint: 'Put the decision in double quotes: `decision: "changes 1234abcd make it NICE: yes"`.',
        line: 4,
        severity: 'error',
      },
    ]);
  });

  it.each([['decision: {approve: 1}'], ['decision:\n  changes: x'], ['decision: [approve]']])(
    'takes %j for no decision',
    (line) => {
      const note = parse(['id: FR-1', 'status: planned', line]);
      expect([note.decision, note.problems.map(({ code, line: at }) => [code, at])]).toEqual([
        '',
        [['key.invalid', 4]],
      ]);
    },
  );
});

describe('problems of links', () => {
  it.each([
    ['depends_on:\n  - "[[FR-2]]"\n  - "[[FR-404]]"\n  - "[[]]"', [6, 7]],
    ['depends_on: # why\n- FR-2\n# not yet\n- FR-404\n-\n- {a: b}', [7, 9]],
    ['depends_on: [FR-2,\n  FR-404,\n  "[[]]"]', [5, 6]],
    ['depends_on: [[FR-404]]', [4]],
  ])('have the line of their own item in %j', (written, lines) => {
    const [linked] = linkFeatureRequests([parse(['id: FR-1', 'status: planned', written]), fr('FR-2')]);
    expect(linked?.problems.map(({ line }) => line).sort((a, b) => a - b)).toEqual(lines);
  });

  it('that form a circle are named where it goes on', () => {
    const written = 'depends_on:\n  - FR-3\n  - FR-2';
    const [linked] = linkFeatureRequests([
      parse(['id: FR-1', 'status: planned', written]),
      fr('FR-2', 'FR-1'),
      fr('FR-3'),
    ]);
    expect(linked?.problems).toMatchObject([{ code: 'depends-on.cycle', line: 6 }]);
  });
});

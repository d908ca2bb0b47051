import { describe, expect, it } from 'vitest';
import { isDispatchable } from '#shared/domain/feature-request.ts';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';

interface Given {
  readonly id?: string;
  readonly dependsOn?: string;
  readonly path?: string;
  readonly idPattern?: string;
  readonly counts?: boolean;
}

/** A note whose body begins on line 6. */
function note(body: string, { id = 'FR-1', dependsOn = '', path, idPattern, counts = true }: Given = {}) {
  const text = `---\nid: ${id}\nstatus: planned\ndepends_on: ${dependsOn}\n---\n${body}`;
  const reading = { hash: (part: string) => part, bodyDependencies: counts, ...(idPattern && { idPattern }) };
  return parseFeatureRequest(path ?? `10_features/${id}.md`, text, reading);
}

const others = ['FR-002', 'FR-003', 'FR-009'].map((id) => note('', { id }));

function linked(subject: ParsedFeatureRequest, more: readonly ParsedFeatureRequest[] = others) {
  const [first] = linkFeatureRequests([subject, ...more]);
  if (!first) throw new Error('The note is gone.');
  return first;
}

describe('a phrase in the body', () => {
  it.each([
    ['after FR-009', ['FR-009']],
    ['This depends on FR-009.', ['FR-009']],
    ['blocked by: FR-009', ['FR-009']],
    ['Blocked By FR-009', ['FR-009']],
    ['AFTER FR-009', ['FR-009']],
    ['after FR-002, FR-003 and [[FR-009]]', ['FR-002', 'FR-003', 'FR-009']],
    ['after FR-002, FR-003, and FR-009', ['FR-002', 'FR-003', 'FR-009']],
    ['after FR-002 & FR-003; FR-009', ['FR-002', 'FR-003', 'FR-009']],
    ['depends on [[FR-009|the parser]]', ['FR-009']],
    ['depends on [[10_features/FR-009#Why|the parser]]', ['FR-009']],
    ['depends on [the parser](10_features/FR-009.md)', ['FR-009']],
    ['**Depends on:** FR-009', ['FR-009']],
    ['**Depends on**: **FR-002** and _FR-003_', ['FR-002', 'FR-003']],
    ['Depends on:\n\n- FR-002, in part\n- [x] [[FR-003]]\n* FR-009\n\nMore.', ['FR-002', 'FR-003', 'FR-009']],
    ['Depends on:\r\n- FR-002\r\n- FR-003\r\n', ['FR-002', 'FR-003']],
    ['Depends on:\n- FR-002 (itself after FR-003)\n- FR-009', ['FR-002', 'FR-003', 'FR-009']],
    ['> this is blocked\n> by FR-009', ['FR-009']],
    ['after\nFR-009', ['FR-009']],
    ['(after FR-009)', ['FR-009']],
    ["after FR-009's release", ['FR-009']],
    ['after fr-009', ['FR-009']],
    ['after FR-009 and then lunch', ['FR-009']],
    ['- after FR-009\n- FR-002 is another matter', ['FR-009']],
  ])('%j counts', (body, ids) => {
    const featureRequest = linked(note(body));
    expect([[...featureRequest.dependsOn].sort(), featureRequest.problems]).toEqual([ids, []]);
  });

  it.each([
    ['thereafter FR-009'],
    ['hereafter: FR-009'],
    ['the day-after FR-009'],
    ['afterFR-009'],
    ['afterwards FR-009'],
    ['`after FR-009`'],
    ['``blocked by ` FR-009``'],
    ['after `x` FR-009'],
    ['```\nafter FR-009\n```'],
    ['~~~text\nafter FR-009\n```\nafter FR-002\n~~~'],
    ['- such as\n    ```\n    after FR-009\n    ```'],
    ['```\nafter FR-009, never closed'],
    ['%% after FR-009 %%'],
    ['%%\nafter FR-009\n%%'],
    ['%%\nafter FR-009, never closed'],
    ['<!-- after FR-009 -->'],
    ['~~after FR-009~~'],
    ['It is not blocked by FR-009.'],
    ['It no longer depends on FR-009.'],
    ['after FR-009-3'],
    ['after FR-009.md'],
    ['after the merge'],
    ['after [[Meeting of Monday]]'],
    ['after [the talk](https://example.com/FR-009)'],
    ['after\n\nFR-009'],
    ['FR-009'],
    ['This is FR-1: after FR-1, blocked by [[FR-1]]'],
  ])('%j does not count', (body) => {
    const featureRequest = linked(note(body));
    expect([featureRequest.dependsOn, featureRequest.problems]).toEqual([[], []]);
  });

  it('counts again behind code and comments', () => {
    const body = '`a` after FR-002 %% after FR-404 %% after FR-003\n```\nx\n```\n50%% after FR-009 `';
    expect(linked(note(body)).dependsOn).toEqual(['FR-002', 'FR-003', 'FR-009']);
  });

  it('leads to a note by its file name, as a link in Obsidian does', () => {
    const parser = note('', { id: 'FR-009', path: '10_features/FR-009-the-parser.md' });
    expect(linked(note('after [[FR-009-the-parser]]'), [parser]).dependsOn).toEqual(['FR-009']);
  });

  it('never means the note it stands in, by whatever name', () => {
    const subject = note('after fr-1, [[10_features/FR-1 Own]] and [[FR-009]]', { path: '10_features/FR-1 Own.md' });
    const featureRequest = linked(subject);
    expect([featureRequest.dependsOn, featureRequest.problems]).toEqual([['FR-009'], []]);
  });

  it('does not count unless that is asked for', () => {
    const featureRequest = linked(note('after FR-009 and FR-404', { counts: false }));
    expect([featureRequest.dependsOn, featureRequest.problems, 'bodyDependsOn' in featureRequest]).toEqual([
      [],
      [],
      false,
    ]);
  });

  it('adds to depends_on, and is told apart from it', () => {
    const featureRequest = linked(note('after FR-002 and FR-009', { dependsOn: 'FR-009' }));
    expect([featureRequest.dependsOn, featureRequest.bodyDependsOn]).toEqual([['FR-009', 'FR-002'], ['FR-002']]);
  });

  it('with an id that no note has is a warning in its line, and keeps nothing from starting', () => {
    const featureRequest = linked(note('One.\n\nafter FR-009,\nFR-404 and FR-405'));
    expect(featureRequest.problems.map(({ code, severity, line }) => [code, severity, line])).toEqual([
      ['depends-on.unresolved', 'warning', 9],
      ['depends-on.unresolved', 'warning', 9],
    ]);
    expect(featureRequest.dependsOn).toEqual(['FR-009']);
    expect(isDispatchable(featureRequest)).toBe(true);
  });

  it('takes ids by the pattern of the vault', () => {
    const given = { idPattern: '^[a-z]+_\\d+$' };
    const task = note('', { id: 'task_7', ...given });
    const featureRequest = linked(note('after task_7, task_8 and FR-404', { id: 'task_1', ...given }), [task]);
    expect(featureRequest.dependsOn).toEqual(['task_7']);
    expect(featureRequest.problems.map(({ message }) => /`(.*)`/.exec(message)?.[1])).toEqual(['task_8']);
  });

  it('means an id that two notes have, and leaves the blame to those', () => {
    const twice = ['a', 'b'].map((name) => note('', { id: 'FR-009', path: `10_features/${name}.md` }));
    const featureRequest = linked(note('after FR-009'), twice);
    expect([featureRequest.dependsOn, featureRequest.problems]).toEqual([['FR-009'], []]);
  });

  it('closes a circle with depends_on, which is said with the line of the phrase', () => {
    const subject = linked(note('One.\nThis is blocked by FR-002.'), [note('', { id: 'FR-002', dependsOn: 'FR-1' })]);
    expect(subject.problems).toEqual([
      {
        code: 'depends-on.cycle',
        message: 'These depend on each other in a circle: FR-1 → FR-002 → FR-1. The text in line 7 leads on to FR-002.',
        hint: 'Reword that line, or remove one of the other links.',
        line: 7,
        severity: 'error',
      },
    ]);
  });

  it('is found in a large note that was made to be slow', () => {
    const bodies = [
      '- FR-002 after:\n'.repeat(60_000),
      Array.from({ length: 1_500 }, (_, length) => '`'.repeat(length + 1)).join(' x '),
      'after '.repeat(100_000),
      '%% '.repeat(100_001),
      `after ${'FR-002, '.repeat(60_000)}`,
    ];
    for (const body of bodies) expect(linked(note(`${body}\n\nafter FR-009`)).dependsOn).toContain('FR-009');
  });
});

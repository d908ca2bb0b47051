import { describe, expect, it } from 'vitest';
import { isDispatchable, type FeatureRequest } from '#shared/domain/feature-request.ts';
import { planKeyWrite } from '#shared/domain/key-write.ts';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';

const reading = { hash: (text: string) => text };

function parse(lines: string[], body = '', path = '10_features/FR-1 Note.md'): ParsedFeatureRequest {
  return parseFeatureRequest(path, `---\n${lines.join('\n')}\n---\n${body}`, reading);
}

function fr(id: string, dependsOn = '', extra: string[] = [], path = `10_features/${id}.md`): ParsedFeatureRequest {
  return parse([`id: ${id}`, 'status: planned', `depends_on: ${dependsOn}`, ...extra], '', path);
}

function codes(featureRequest: FeatureRequest | undefined): string[] {
  return (featureRequest?.problems ?? []).map((problem) => problem.code);
}

describe('a feature request', () => {
  it('is read from the note that the documentation shows', () => {
    const note = parse(
      [
        'id: FR-012',
        'title: "Dispatch: one click"',
        'status: planned',
        'priority: P1',
        'repo: app',
        'depends_on:',
        '  - "[[FR-009]]"',
        'decision: ""',
        'tags:',
        '  - fr',
        'run_state: code',
      ],
      'Body.\r\n',
    );
    expect(note).toMatchObject({
      id: 'FR-012',
      title: 'Dispatch: one click',
      status: 'planned',
      priority: 'P1',
      repo: 'app',
      dependsOn: ['FR-009'],
      decision: '',
      tags: ['fr'],
      body: 'Body.\r\n',
      problems: [],
    });
    expect(isDispatchable(note)).toBe(true);
  });

  it.each([
    ['P0', 'P0'],
    ['p1', 'P1'],
    ['"P3"', 'P3'],
    ['0', 'P0'],
    ['"1"', 'P1'],
    ['3', 'P3'],
    ['critical', 'P0'],
    ['Urgent', 'P0'],
    ['HIGH', 'P1'],
    ['medium', 'P2'],
    ['low', 'P3'],
    ['', 'P2'],
    ['~', 'P2'],
  ])('reads the priority %s as %s', (written, priority) => {
    const note = parse(['id: FR-1', 'status: planned', `priority: ${written}`]);
    expect([note.priority, codes(note)]).toEqual([priority, []]);
  });

  it.each([
    ['"[[FR-009]]"', ['FR-009']],
    ['"[[FR-009|the other]]"', ['FR-009']],
    ['"[[folder/FR-009#Part]]"', ['FR-009']],
    ['"[[FR-009.md]]"', ['FR-009']],
    ['[[FR-009]]', ['FR-009']],
    ['FR-009', ['FR-009']],
    ['FR-009, FR-010', ['FR-009', 'FR-010']],
    ['"[[FR-009]], [[FR-010]]"', ['FR-009', 'FR-010']],
    ['["[[FR-009]]", FR-010]', ['FR-009', 'FR-010']],
    ['[[[FR-009]], [[FR-010]]]', ['FR-009', 'FR-010']],
    ['[FR-009, FR-009, ""]', ['FR-009']],
    ['', []],
  ])('reads what it depends on from %s', (written, ids) => {
    const note = parse(['id: FR-1', 'status: planned', `depends_on: ${written}`]);
    expect([note.dependsOn, codes(note)]).toEqual([ids, []]);
  });

  it.each([
    [['# A heading #', ''].join('\n'), 'A heading'],
    ['text\n\n## Later\n', 'Later'],
    ['no heading', 'FR-1 Note'],
  ])('takes its title from the body %j where no property has it', (body, title) => {
    expect(parse(['id: FR-1', 'status: planned'], body).title).toBe(title);
  });

  it.each([
    [['status: planned'], 'id.missing', 1],
    [['id: ../x', 'status: planned'], 'id.invalid', 2],
    [['id: fr-1', 'status: planned'], 'id.invalid', 2],
    [['id: FR-1'], 'status.missing', 1],
    [['id: FR-1', 'status: later'], 'status.unknown', 3],
    [['id: FR-1', 'status: [planned]'], 'status.unknown', 3],
    [['id: FR-1', 'status: planned', 'title: [a]'], 'title.invalid', 4],
    [['id: FR-1', 'status: planned', 'priority: P9'], 'priority.unknown', 4],
    [['id: FR-1', 'status: planned', 'complexity: hard'], 'complexity.unknown', 4],
    [['id: FR-1', 'status: planned', 'depends_on: {a: b}'], 'depends-on.invalid', 4],
    [['id: FR-1', 'status: planned', 'depends_on: "[[]]"'], 'depends-on.invalid', 4],
    [['id: FR-1', 'status: planned', 'base: --upload-pack=x'], 'key.invalid', 4],
    [['id: FR-1', 'status: planned', 'base: a/../b'], 'key.invalid', 4],
    [['id: FR-1', 'status: planned', 'agent: ../x'], 'key.invalid', 4],
  ])('with %j has the problem %s on line %i', (lines, code, line) => {
    const [problem] = parse(lines).problems;
    expect(problem).toMatchObject({ code, line });
    expect(problem?.hint).not.toBe('');
  });

  it('names the repositories there are when it names another', () => {
    const text = '---\nid: FR-1\nstatus: planned\nrepo: ap\n---\n';
    const [problem] = parseFeatureRequest('x.md', text, { ...reading, repositories: ['app', 'web'] }).problems;
    expect(problem).toMatchObject({ code: 'repo.unknown', line: 4, hint: 'Write one of: app, web.' });
  });

  it('keeps its id when the rest of its frontmatter is broken', () => {
    const note = parse(['title: a: b', 'id: FR-7', 'status: planned']);
    expect([note.id, codes(note)]).toEqual(['FR-7', ['frontmatter.yaml']]);
  });

  it('reads its properties by the names that the vault uses', () => {
    const text = '---\nkey: FR-1\nstate: In Progress\nblocked by: FR-2\n---\n';
    const keys = { id: 'key', status: 'state', depends_on: 'blocked by' };
    expect(parseFeatureRequest('x.md', text, { ...reading, keys })).toMatchObject({
      id: 'FR-1',
      status: 'in-progress',
      dependsOn: ['FR-2'],
      problems: [],
    });
  });

  it.each([
    ['<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n', 4],
    ['text\n>>>>>>> x\n', 5],
    ['```\n<<<<<<< HEAD\n```\n<<<<<<< HEAD\n', 7],
  ])('reports the conflict marker in %j', (body, line) => {
    const problems = parse(['id: FR-1'], body).problems.filter((problem) => problem.code === 'note.conflict-marker');
    expect(problems.map((problem) => problem.line)).toEqual([line]);
  });

  it.each(['```\n<<<<<<< HEAD\n```\n', '~~~~\n>>>>>>> x\n~~~\n', 'Title\n=======\n', 'see <<<<<<< here\n'])(
    'takes %j for no conflict',
    (body) => {
      expect(codes(parse(['id: FR-1', 'status: planned'], body))).toEqual([]);
    },
  );

  it('has the same content hash whatever the runner, a decision or a formatter wrote', () => {
    const before = parse(['id: FR-1', 'status: planned', 'title: "One"', 'tags: [fr]'], 'Body\r\n');
    const after = parse(
      ["title: 'One'", 'id: FR-1', 'status: done', 'decision: approve', 'tags:', '  - fr', 'run_state: code', 'pr: x'],
      'Body\n',
    );
    expect(after.contentHash).toBe(before.contentHash);
    expect(parse(['id: FR-1', 'status: planned', 'title: Two', 'tags: [fr]'], 'Body\n').contentHash).not.toBe(
      before.contentHash,
    );
    expect(parse(['id: FR-1', 'status: planned', 'title: One', 'tags: [fr]'], 'Other\n').contentHash).not.toBe(
      before.contentHash,
    );
  });
});

describe('feature requests together', () => {
  it('find each other by id, file name, path, alias, in any case', () => {
    const target = fr('FR-9', '', ['aliases: [Login]'], '10_features/a/Sign in.md');
    for (const link of ['FR-9', 'fr-9', 'Sign in', 'sign IN', 'a/Sign in', '10_features/a/Sign in', 'login']) {
      const [linked] = linkFeatureRequests([fr('FR-1', `"[[${link}]]"`), target]);
      expect([link, linked?.dependsOn, codes(linked)]).toEqual([link, ['FR-9'], []]);
    }
  });

  it('say which link leads nowhere and which to several notes', () => {
    const notes = [
      fr('FR-1', '["[[FR-404]]", "[[Same]]", "[[a/Same]]"]'),
      fr('FR-2', '', [], 'a/Same.md'),
      fr('FR-3', '', [], 'b/Same.md'),
    ];
    const [linked] = linkFeatureRequests(notes);
    expect(linked?.dependsOn).toEqual(['FR-2']);
    expect(linked?.problems.map(({ code, message, line }) => ({ code, message, line }))).toEqual([
      { code: 'depends-on.unresolved', message: 'No feature request is called `FR-404`.', line: 4 },
      { code: 'depends-on.ambiguous', message: '`Same` can be any of a/Same.md and b/Same.md.', line: 4 },
    ]);
  });

  it('name each other when they have one id', () => {
    const linked = linkFeatureRequests([fr('FR-1', '', [], 'a.md'), fr('FR-1', '', [], 'b.md'), fr('FR-2')]);
    expect(linked.map((note) => note.problems.map((problem) => problem.message))).toEqual([
      ['FR-1 is the id of b.md too.'],
      ['FR-1 is the id of a.md too.'],
      [],
    ]);
    expect(linked[0]?.problems[0]).toMatchObject({ code: 'id.duplicate', line: 2, severity: 'error' });
  });

  it.each([
    'FR-1.sync-conflict-20260101-120000-ABCDEFG.md',
    'FR-1 (conflicted copy 2026-01-01 120000).md',
    "FR-1 (Ann's conflicted copy 2026-01-01).md",
    'FR-1 1 (conflict).md',
    'FR-1 (Conflicted copy phone 202601011200).md',
  ])('do not count the copy %s', (name) => {
    const [original, copy] = linkFeatureRequests([
      fr('FR-1', '"[[FR-2]]"'),
      fr('FR-1', '', [], `10_features/${name}`),
      fr('FR-2'),
    ]);
    expect([codes(original), codes(copy)]).toEqual([[], ['note.sync-conflict']]);
    expect(copy && isDispatchable(copy)).toBe(false);
  });

  it.each(['FR-1 Handle (merge conflict) errors.md', 'FR-1 Resolve conflict.md'])('count %s', (name) => {
    expect(codes(fr('FR-1', '', [], name))).toEqual([]);
  });

  it('show the whole circle to everyone in it and to nobody else', () => {
    const linked = linkFeatureRequests([
      fr('FR-1', 'FR-2'),
      fr('FR-2', 'FR-3'),
      fr('FR-3', 'FR-1'),
      fr('FR-4', 'FR-1'),
      fr('FR-5', 'FR-5'),
    ]);
    expect(linked.map((note) => note.problems.map((problem) => problem.message))).toEqual([
      ['These depend on each other in a circle: FR-1 → FR-2 → FR-3 → FR-1.'],
      ['These depend on each other in a circle: FR-2 → FR-3 → FR-1 → FR-2.'],
      ['These depend on each other in a circle: FR-3 → FR-1 → FR-2 → FR-3.'],
      [],
      ['FR-5 depends on itself.'],
    ]);
  });

  it('stand on no circle only because they lie between two', () => {
    const linked = linkFeatureRequests([fr('FR-1', 'FR-1, FR-2'), fr('FR-2', 'FR-3'), fr('FR-3', 'FR-3')]);
    expect(linked.map(codes)).toEqual([['depends-on.cycle'], [], ['depends-on.cycle']]);
  });

  it('may form chains and circles of thousands', () => {
    const ring = Array.from({ length: 3_000 }, (_, index) => fr(`FR-${index}`, `FR-${(index + 1) % 3_000}`));
    expect(linkFeatureRequests(ring).every((note) => codes(note).includes('depends-on.cycle'))).toBe(true);
  });
});

describe('writing the runner’s keys', () => {
  const text = '---\nid: FR-1\nstatus: planned\ntags: [fr]\n---\n';

  it('moves the status only from where it is expected', () => {
    const status = { expect: ['planned'], to: 'in-progress' } as const;
    const moved = planKeyWrite(text, { keys: [['run_state', 'code']], status });
    expect(moved).toEqual({
      kind: 'planned',
      text: '---\nid: FR-1\nstatus: in-progress\ntags: [fr]\nrun_state: code\n---\n',
      clash: null,
    });
    const clash = planKeyWrite(text.replace('planned', 'parked'), { keys: [['run_state', 'code']], status });
    expect(clash).toMatchObject({
      clash: 'parked',
      text: text.replace('planned', 'parked').replace('fr]\n', 'fr]\nrun_state: code\n'),
    });
  });

  it('leaves the text as it is when all is there', () => {
    const status = { expect: ['idea'], to: 'planned' } as const;
    expect(planKeyWrite(text, { keys: [], status })).toEqual({ kind: 'planned', text, clash: null });
  });

  it('refuses a note with an unsettled conflict', () => {
    expect(planKeyWrite(`${text}<<<<<<< a\n`, { keys: [['gate', '']], status: null })).toMatchObject({
      kind: 'refused',
      problem: { code: 'note.conflict-marker', line: 6 },
    });
  });
});

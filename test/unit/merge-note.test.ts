import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeNote, type LineMerge, type NoteMerge } from '#shared/domain/merge-note.ts';
import type { NoteKeyNames } from '#shared/domain/note-keys.ts';
import { joinParts, segmentsOf } from '#shared/domain/note-segments.ts';
import { onlyRunnerChanged, runnerShare } from '#shared/domain/runner-share.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import { spliceFrontmatter } from '#shared/frontmatter/splice.ts';
import { sample } from '../support/frontmatter-samples.ts';

/** Lines that both ends changed are a conflict here; how lines are merged is git's matter. */
const refuseLines: LineMerge = () => Promise.resolve(null);

const base = note(
  'id: FR-1',
  'status: planned # guide',
  'priority: P2',
  'tags:',
  '  - fr',
  'run_state: plan',
  'gate: ""',
);

function note(...lines: string[]): string {
  return `---\n${lines.join('\n')}\n---\nBody.\n`;
}

function merge(
  ours: string,
  theirs: string,
  from: string | null = base,
  { names, lines }: { names?: NoteKeyNames; lines?: LineMerge } = {},
): Promise<NoteMerge> {
  return mergeNote({ base: from, ours, theirs }, lines ?? refuseLines, names);
}

async function merged(...parameters: Parameters<typeof merge>): Promise<string> {
  const outcome = await merge(...parameters);
  return outcome.kind === 'merged' ? outcome.text : `conflict: ${outcome.where.join(', ')}`;
}

describe('merging two versions of a note', () => {
  it('takes changes of different properties, however near, and of the body', async () => {
    const ours = base.replace('run_state: plan', 'run_state: code').replace('planned', 'in-progress');
    const theirs = base.replace('P2', 'P0').replace('Body.', 'Other body.');
    expect(await merged(ours, theirs)).toBe(ours.replace('P2', 'P0').replace('Body.', 'Other body.'));
  });

  it('takes properties that either end added or removed, the runner’s at the end and apart', async () => {
    const plain = note('id: FR-1', 'status: planned', 'draft: true');
    const ours = note('id: FR-1', 'status: planned', 'draft: true', '', 'run_state: plan', 'gate: ""');
    const theirs = note('id: FR-1', 'title: New', 'status: planned', 'budget: 3');
    const wanted = note('id: FR-1', 'title: New', 'status: planned', 'budget: 3', '', 'run_state: plan', 'gate: ""');
    expect(await merged(ours, theirs, plain)).toBe(wanted);
    expect(await merged(theirs, ours, plain)).toBe(
      note('id: FR-1', 'title: New', 'status: planned', 'budget: 3', '', 'run_state: plan', 'gate: ""'),
    );
  });

  it('puts no second empty line before the runner’s block', async () => {
    const plain = note('id: FR-1', '');
    const ours = note('id: FR-1', '', 'run_state: plan');
    expect(await merged(ours, note('id: FR-1', 'title: New', ''), plain)).toBe(
      note('id: FR-1', 'title: New', '', 'run_state: plan'),
    );
  });

  it('leaves the runner its block and a person the status, and says so', async () => {
    const ours = base.replace('run_state: plan', 'run_state: code').replace('planned', 'in-progress');
    const theirs = base.replace('run_state: plan', 'run_state: mine').replace('planned', 'parked');
    const outcome = await merge(ours, theirs);
    expect(outcome).toEqual({
      kind: 'merged',
      text: base.replace('run_state: plan', 'run_state: code').replace('planned', 'parked'),
      clashes: [
        { key: 'status', runner: 'in-progress', person: 'parked', kept: 'person' },
        { key: 'run_state', runner: 'code', person: 'mine', kept: 'runner' },
      ],
    });
  });

  it('goes by the vault’s own names of properties', async () => {
    const names = { run_state: 'lauf', status: 'stand' };
    const from = note('stand: planned', 'lauf: plan');
    const ours = note('stand: in-progress', 'lauf: code');
    const theirs = note('stand: parked', 'lauf: mine');
    expect(await merged(ours, theirs, from, { names })).toBe(note('stand: parked', 'lauf: code'));
    expect(await merged(ours, theirs, from)).toBe('conflict: `stand`, `lauf`');
  });

  it.each([
    ['a property set differently', base.replace('P2', 'P1'), base.replace('P2', 'P0'), '`priority`'],
    ['a property removed and changed', base.replace('priority: P2\n', ''), base.replace('P2', 'P0'), '`priority`'],
    ['a list changed differently', base.replace('- fr', '- a'), base.replace('- fr', '- b'), '`tags`'],
    [
      'a status that moved alone at both ends',
      base.replace('planned', 'done'),
      base.replace('planned', 'parked'),
      '`status`',
    ],
    ['a text changed differently', base.replace('Body', 'One'), base.replace('Body', 'Two'), 'the text'],
    ['comments changed differently', base.replace('# guide', '# one'), base.replace('# guide', '# two'), '`status`'],
  ])('is a conflict for people: %s', async (_what, ours, theirs, where) => {
    expect(await merge(ours, theirs)).toEqual({ kind: 'conflict', where: [where] });
    expect(await merge(theirs, ours)).toEqual({ kind: 'conflict', where: [where] });
  });

  it('is none when both ends say the same in other words', async () => {
    const quotes = base.replace('P2', '"P1"');
    const plain = base.replace('P2', 'P1');
    expect(await merged(plain, quotes)).toBe(quotes);
    expect(await merged(base.replace('P2', 'P1 # soon'), plain)).toBe(base.replace('P2', 'P1 # soon'));
  });

  it('keeps a comment that one end wrote beside a value that the other changed', async () => {
    const commented = base.replace('# guide', '# my own words');
    const moved = base.replace('planned', 'parked');
    const both = base.replace('planned # guide', 'parked # my own words');
    expect(await merged(commented, moved)).toBe(both);
    expect(await merged(moved, commented)).toBe(both);
  });

  it('keeps an order and comments between properties that one end changed', async () => {
    const ordered = note(
      '# mine',
      'priority: P2',
      'id: FR-1',
      'status: planned # guide',
      'tags:',
      '  - fr',
      'run_state: plan',
      'gate: ""',
    );
    const written = base.replace('run_state: plan', 'run_state: code');
    const wanted = ordered.replace('run_state: plan', 'run_state: code');
    expect(await merged(written, ordered)).toBe(wanted);
    expect(await merged(ordered, written)).toBe(wanted);
  });

  it('gives two new orders to the merge of lines, and takes its answer only if it says what was decided', async () => {
    const ours = base.replace('id: FR-1\n', 'id: FR-1\n# one\n');
    const theirs = base.replace('id: FR-1\n', 'id: FR-1\n# two\n');
    const answer = (text: string) => ({ lines: () => Promise.resolve(text) });
    const good = 'id: FR-1\n# one\n# two\nstatus: planned\npriority: P2\ntags: [fr]\nrun_state: plan\ngate: ""\n';
    expect(await merged(ours, theirs, base, answer(good))).toContain('# one\n# two\n');
    const where = 'conflict: the comments or the order of the properties';
    expect(await merged(ours, theirs, base, answer(good.replace('P2', 'P3')))).toBe(where);
    expect(await merged(ours, theirs, base, answer(`${good}extra: 1\n`))).toBe(where);
    expect(await merged(ours, theirs)).toBe(where);
  });

  it('merges notes that both ends made', async () => {
    const ours = note('id: FR-1', 'run_state: plan');
    const theirs = note('id: FR-1', 'priority: P1');
    expect(await merged(ours, theirs, null)).toBe(note('id: FR-1', 'priority: P1', '', 'run_state: plan'));
  });

  it('gives notes whose properties cannot be told apart to the merge of lines', async () => {
    const broken = base.replace('priority: P2', 'priority: [');
    expect(await merged(broken, base.replace('Body', 'Other'), base, { lines: () => Promise.resolve('lines') })).toBe(
      'lines',
    );
    expect(await merged(broken, base)).toBe(broken);
  });

  it('merges across a change of line ends, which stays', async () => {
    const windows = (text: string): string => text.replaceAll('\n', '\r\n');
    const ours = base.replace('run_state: plan', 'run_state: code');
    const theirs = base.replace('P2', 'P0');
    const wanted = ours.replace('P2', 'P0');
    expect(await merged(ours, windows(theirs))).toBe(windows(wanted));
    expect(await merged(windows(ours), theirs)).toBe(windows(wanted));
    expect(await merged(windows(ours), windows(theirs), windows(base))).toBe(windows(wanted));
  });

  it('loses no edit: one end’s change of any property and the other’s of another are both in the result', async () => {
    await fc.assert(
      fc.asyncProperty(sample, fc.nat(), fc.nat(), fc.boolean(), async ({ text, keys }, one, other, swap) => {
        const [key = '', second = ''] = [keys[one % Math.max(1, keys.length)], keys[other % Math.max(1, keys.length)]];
        fc.pre(key !== '' && second !== '' && key !== second && segmentsOf(text) !== null);
        const ours = spliced(text, key, 'changed here');
        const theirs = spliced(text, second, 'changed there');
        const result = await merged(...(swap ? ([theirs, ours] as const) : ([ours, theirs] as const)), text);
        const wanted = spliced(ours, second, 'changed there');
        expect(values(result)).toEqual(values(wanted));
        expect(readFrontmatter(result).body).toBe(readFrontmatter(text).body);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('cutting a note into properties', () => {
  it('puts together to the same note', () => {
    fc.assert(
      fc.property(sample, ({ text }) => {
        const note = segmentsOf(text);
        fc.pre(note !== null);
        expect(note.open + joinParts(note.parts) + note.close + note.body).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the runner’s share of a changed note', () => {
  const written = base.replace('run_state: plan', 'run_state: code').replace('planned', 'in-progress');

  it('is the note itself when nobody else changed anything', () => {
    expect(runnerShare(base, written)).toBe(written);
    expect(onlyRunnerChanged(base, written)).toBe(true);
  });

  it('is nothing when the runner changed nothing', () => {
    expect(runnerShare(base, base)).toBeNull();
    expect(runnerShare(base, base.replace('planned', 'parked').replace('P2', 'P1'))).toBeNull();
    expect(runnerShare(base, base.replace('priority: P2', 'priority: ['))).toBeNull();
  });

  it('leaves out what a person changed in the same note', () => {
    const both = written.replace('P2', 'P0').replace('Body.', 'My body.').replace('tags:', '# mine\ntags:');
    expect(runnerShare(base, both)).toBe(written);
    expect(onlyRunnerChanged(base, both)).toBe(false);
  });

  it('leaves out a status that the runner never writes', () => {
    const both = base.replace('run_state: plan', 'run_state: code').replace('planned', 'idea');
    expect(runnerShare(base, both)).toBe(base.replace('run_state: plan', 'run_state: code'));
  });
});

function spliced(text: string, key: string, value: string): string {
  const outcome = spliceFrontmatter(text, [[key, value]]);
  if (outcome.kind === 'refused') throw new Error(outcome.problem.message);
  return outcome.text;
}

function values(text: string): unknown {
  const { entries } = readFrontmatter(text);
  return Object.fromEntries([...entries].map(([key, { value }]) => [key, value]).sort());
}

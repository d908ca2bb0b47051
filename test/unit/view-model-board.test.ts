import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noteStatuses } from '../../shared/domain/feature-request.ts';
import type { BoardFeatureRequest } from '../../shared/protocol/board.ts';
import { boardModel, noFilter, type BoardFilter } from '../../shared/view-model/board-model.ts';
import { boardJob } from '../support/wire-lab.ts';

function note(id: string, change: Partial<BoardFeatureRequest> = {}): BoardFeatureRequest {
  return {
    ...{ id, title: `Title of ${id}`, status: 'planned', priority: 'P2', path: `10_features/${id}.md` },
    ...{ dependsOn: [], problems: [] },
    ...change,
  };
}

const problem = { code: 'title.invalid', message: 'No title.', line: 3 } as const;
const featureRequests = [
  note('FR-10', { dependsOn: ['FR-2', 'FR-9', 'FR-404'] }),
  note('FR-9', { status: 'done', priority: 'P0', dependsOn: ['FR-2'] }),
  note('FR-2', { status: 'in-progress', priority: 'P0', title: 'Äpfel pflücken' }),
  note('FR-3', { dependsOn: ['FR-4'], priority: 'P1' }),
  note('FR-4', { dependsOn: ['FR-3', 'FR-3'], priority: 'P1' }),
  note('', { status: null, problems: [problem], path: '10_features/broken.md', title: '' }),
];
const jobs = new Map(
  [
    boardJob('FR-2-1', { createdAt: 1, updatedAt: 9 }),
    boardJob('FR-2-2', { createdAt: 2, updatedAt: 5 }),
    boardJob('FR-9-1', { updatedAt: 7, status: 'succeeded' }),
  ].map((job) => [job.job, job]),
);

function shown(filter: Partial<BoardFilter> = {}): string[] {
  return boardModel({ featureRequests, jobs }, { ...noFilter, ...filter }).rows.map(
    ({ featureRequest: { id, path } }) => id || path,
  );
}

function cardOf(id: string) {
  const card = boardModel({ featureRequests, jobs }).rows.find(({ featureRequest }) => featureRequest.id === id);
  if (card === undefined) throw new Error(`no card of ${id}`);
  return card;
}

describe('the board', () => {
  it('has a column for each status, and one for notes without any only when there are some', () => {
    const model = boardModel({ featureRequests, jobs });
    expect(model.columns.map(({ status }) => status)).toEqual([...noteStatuses, null]);
    expect(boardModel({ featureRequests: [], jobs }).columns.map(({ status }) => status)).toEqual([...noteStatuses]);
    expect(model.columns.find(({ status }) => status === 'in-progress')?.cards).toMatchObject([
      { featureRequest: { id: 'FR-2' }, job: { job: 'FR-2-2' } },
    ]);
  });

  it('says what blocks a request, what is not there, and what waits for it', () => {
    expect(cardOf('FR-10')).toMatchObject({
      blockedBy: [{ id: 'FR-2', status: 'in-progress' }],
      unresolved: ['FR-404'],
      cycle: null,
      hasProblem: true,
      job: null,
    });
    expect(cardOf('FR-2')).toMatchObject({ blocks: 1, blockedBy: [], hasProblem: false });
    expect(cardOf('FR-9').blocks).toBe(0);
  });

  it('shows the way round a circle', () => {
    expect(cardOf('FR-3').cycle).toEqual(['FR-3', 'FR-4', 'FR-3']);
    expect(cardOf('FR-4').cycle).toEqual(['FR-4', 'FR-3', 'FR-4']);
    expect(cardOf('FR-4').blocks).toBe(1);
  });

  it.each<[string, Partial<BoardFilter>, string[]]>([
    ['all by priority', {}, ['FR-2', 'FR-9', 'FR-3', 'FR-4', '10_features/broken.md', 'FR-10']],
    ['all by id', { sort: 'id' }, ['10_features/broken.md', 'FR-2', 'FR-3', 'FR-4', 'FR-9', 'FR-10']],
    [
      'what was worked on last',
      { sort: 'changed' },
      ['FR-9', 'FR-2', '10_features/broken.md', 'FR-3', 'FR-4', 'FR-10'],
    ],
    ['words in any order', { text: ' PFLÜCKEN  äpfel ' }, ['FR-2']],
    ['a path', { text: 'broken.md' }, ['10_features/broken.md']],
    ['some priorities', { priorities: ['P0'] }, ['FR-2', 'FR-9']],
    ['some statuses', { statuses: ['done', 'in-progress'] }, ['FR-2', 'FR-9']],
    ['problems', { onlyProblems: true }, ['FR-3', 'FR-4', '10_features/broken.md', 'FR-10']],
    ['nothing', { text: 'levitation' }, []],
  ])('filters and sorts: %s', (_what, filter, expected) => {
    expect(shown(filter)).toEqual(expected);
  });

  it('has only the columns that are asked for, and counts what it does not show', () => {
    const model = boardModel({ featureRequests, jobs }, { ...noFilter, statuses: ['done'] });
    expect(model.columns.map(({ status }) => status)).toEqual(['done']);
    expect(model).toMatchObject({ shown: 1, total: 6 });
  });

  it('has every card in exactly one column, in the order of the rows', () => {
    const anyNote = fc.record({
      id: fc.constantFrom('', 'FR-1', 'FR-2', 'FR-10'),
      status: fc.constantFrom(null, ...noteStatuses),
      priority: fc.constantFrom('P0' as const, 'P3' as const),
      dependsOn: fc.array(fc.constantFrom('FR-1', 'FR-2', 'FR-99'), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(anyNote, { maxLength: 12 }), (notes) => {
        const all = notes.map(({ id, ...rest }, index) => note(id, { ...rest, path: `${index}.md` }));
        const { columns, rows } = boardModel({ featureRequests: all, jobs: new Map() });
        for (const { cards } of columns) expect(cards).toEqual(rows.filter((row) => cards.includes(row)));
        expect(columns.flatMap(({ cards }) => cards)).toHaveLength(all.length);
        expect(new Set(rows.map(({ featureRequest }) => featureRequest.path)).size).toBe(all.length);
      }),
    );
  });
});

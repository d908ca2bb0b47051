import { describe, expect, test } from 'vitest';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { intake, remainingBacklog, type IntakeAction, type IntakeInput } from '../../runner/core/intake.ts';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import { aJob } from '../support/records.ts';

function aNote(fields: Partial<FeatureRequest> = {}): FeatureRequest {
  return {
    path: '10_features/FR-1.md',
    id: 'FR-1',
    title: 'Dispatch: one click',
    status: 'in-progress',
    priority: 'P1',
    repo: null,
    dependsOn: [],
    decision: '',
    base: null,
    agent: null,
    complexity: null,
    budget: null,
    autoMerge: null,
    issue: null,
    aliases: [],
    tags: [],
    contentHash: 'hash',
    problems: [],
    ...fields,
  };
}

const other = aNote({ id: 'FR-9', path: '10_features/FR-9.md', status: 'idea' });
const planned = aNote({ status: 'planned' });
const hour = 3_600_000;

function asks(given: Partial<IntakeInput>): IntakeAction[] {
  return intake({
    notes: [],
    unfinished: [],
    untold: new Set(),
    clashes: new Map(),
    backlog: new Set(),
    policy: { dispatch: 'auto', preempt: 'P0' },
    now: 100 * hour,
    deletedAfter: hour,
    ...given,
  });
}

/** The actions in a word or two each. */
function words(given: Partial<IntakeInput>): string[] {
  return asks(given).map((action) => {
    switch (action.kind) {
      case 'dispatch':
        return `dispatch ${action.featureRequest.id}`;
      case 'decision':
        return `decision ${action.decision}`;
      case 'cancel':
        return `cancel: ${action.reason}`;
      case 'clash':
        return `clash ${action.found}`;
      default:
        return action.kind;
    }
  });
}

describe('a note without a job', () => {
  const problem = { code: 'title.invalid', message: 'x', hint: 'x', line: 1 } as const;
  test.each<[string, FeatureRequest, Partial<IntakeInput>, boolean]>([
    ['that is planned is dispatched', planned, {}, true],
    ['that is an idea is not', aNote({ status: 'idea' }), {}, false],
    ['that is parked is not', aNote({ status: 'parked' }), {}, false],
    ['that is blocked is not, though a person may dispatch it', aNote({ status: 'blocked' }), {}, false],
    ['without a status is not', aNote({ status: null }), {}, false],
    ['without an id is not', aNote({ status: 'planned', id: '' }), {}, false],
    ['with an error is not', aNote({ status: 'planned', problems: [{ ...problem, severity: 'error' }] }), {}, false],
    ['with a warning is', aNote({ status: 'planned', problems: [{ ...problem, severity: 'warning' }] }), {}, true],
    [
      "that is a sync tool's copy is not",
      aNote({ status: 'planned', problems: [{ ...problem, code: 'note.sync-conflict', severity: 'warning' }] }),
      {},
      false,
    ],
    ['is not where people dispatch', planned, { policy: { dispatch: 'manual', preempt: 'P0' } }, false],
    ['of the backlog is not', planned, { backlog: new Set(['FR-1']) }, false],
    ['whose last job it was not told of yet is not', planned, { untold: new Set(['FR-1']) }, false],
    [
      'whose id another note has too is not',
      planned,
      { notes: [planned, aNote({ path: 'b.md', status: 'planned' })] },
      false,
    ],
  ])('%s', (_name, note, given, isDispatched) => {
    expect(words({ notes: [note], ...given })).toEqual(isDispatched ? ['dispatch FR-1'] : []);
  });

  test('goes by priority and then by id', () => {
    const notes = [
      aNote({ id: 'FR-3', status: 'planned', priority: 'P2' }),
      aNote({ id: 'FR-2', status: 'planned', priority: 'P0' }),
      aNote({ id: 'FR-1', status: 'planned', priority: 'P2' }),
    ];
    expect(words({ notes })).toEqual(['dispatch FR-2', 'dispatch FR-1', 'dispatch FR-3']);
  });
});

describe('a note with an unfinished job', () => {
  const withPerson = aJob({ status: 'waiting', waitingFor: 'human', noteStatus: 'needs-human' });
  const gate = { kind: 'merge', hash: 'abcdef0123' } as const;
  const atGate = aJob({ status: 'waiting', waitingFor: 'approval', noteStatus: 'in-review', gate });
  const known = (status: 'idea' | 'planned') => ({ clashes: new Map([['FR-1-1', status] as const]) });
  test.each<[string, FeatureRequest, Job, Partial<IntakeInput>, string[]]>([
    ['asks for nothing while both agree', aNote(), aJob(), {}, []],
    [
      'cancels it once parked',
      aNote({ status: 'parked' }),
      aJob(),
      {},
      ["cancel: the note's status was set to parked"],
    ],
    [
      'cancels it once rejected',
      aNote({ status: 'rejected' }),
      aJob(),
      {},
      ["cancel: the note's status was set to rejected"],
    ],
    [
      'does not where the runner wrote that itself',
      aNote({ status: 'parked' }),
      aJob({ noteStatus: 'parked' }),
      {},
      [],
    ],
    [
      'cancels nothing else beside',
      aNote({ status: 'parked', title: 'x', decision: 'approve' }),
      atGate,
      {},
      ["cancel: the note's status was set to parked"],
    ],
    ['is not dispatched again', planned, aJob({ noteStatus: 'planned' }), {}, []],
    ['is dispatched anew where planned again after needing a person', planned, withPerson, {}, ['dispatch FR-1']],
    ['waits for the person as long as it says so', aNote({ status: 'needs-human' }), withPerson, {}, []],
    ['clashes where a person set another status', aNote({ status: 'idea' }), aJob(), {}, ['clash idea']],
    ['clashes where it was planned in the middle of the work', planned, aJob(), {}, ['clash planned']],
    ['clashes once', aNote({ status: 'idea' }), aJob(), known('idea'), []],
    ['clashes anew with another status', planned, aJob(), known('idea'), ['clash planned']],
    ['has settled its clash once both agree', aNote(), aJob(), known('idea'), ['clash-settled']],
    ['does not clash before the vault was told', aNote({ status: 'idea' }), aJob(), { untold: new Set(['FR-1']) }, []],
    ['does not clash where no status can be read', aNote({ status: null }), aJob(), known('idea'), []],
    [
      'answers a gate',
      aNote({ status: 'in-review', decision: 'approve abcdef01' }),
      atGate,
      {},
      ['decision approve abcdef01'],
    ],
    ['answers nothing where nothing is asked', aNote({ decision: 'approve abcdef01' }), aJob(), {}, []],
    ['answers nothing with an empty word', aNote({ status: 'in-review', decision: '  ' }), atGate, {}, []],
    ['tells its new priority', aNote({ priority: 'P0' }), aJob(), {}, ['update']],
    ['tells its new title', aNote({ title: 'Renamed' }), aJob(), {}, ['update']],
    ['tells its new place', aNote({ path: '10_features/03_planned/FR-1.md' }), aJob(), {}, ['update']],
    ['is back', aNote(), aJob({ missingSince: 99 * hour }), {}, ['found']],
  ])('%s', (_name, note, job, given, expected) => {
    expect(words({ notes: [note], unfinished: [job], ...given })).toEqual(expected);
  });

  test('hands over what changed', () => {
    const note = aNote({ title: 'Renamed', priority: 'P0', path: 'moved.md' });
    expect(asks({ notes: [note], unfinished: [aJob()] })).toMatchObject([
      { kind: 'update', fields: { title: 'Renamed', priority: 'P0', notePath: 'moved.md' } },
    ]);
  });

  test('is taken from the place it had, where another note has its id too', () => {
    const copy = aNote({ path: '10_features/copy.md', title: 'Copied', status: 'parked' });
    expect(words({ notes: [copy, aNote()], unfinished: [aJob()] })).toEqual([]);
  });
});

describe('a note that is gone', () => {
  test.each<[string, readonly FeatureRequest[], Job, string[]]>([
    ['is missed first', [other], aJob(), ['missing']],
    ['is waited for', [other], aJob({ missingSince: 99 * hour + 1 }), []],
    [
      'ends its job after a while',
      [other],
      aJob({ missingSince: 99 * hour }),
      ['cancel: its note 10_features/FR-1.md was deleted'],
    ],
    ['ends nothing while the clock was set back', [other], aJob({ missingSince: 101 * hour }), []],
    ["is nobody's decision where every note is gone", [], aJob({ missingSince: 1 }), []],
    ["is nobody's decision where only nameless notes are left", [aNote({ id: '' })], aJob({ missingSince: 1 }), []],
  ])('%s', (_name, notes, job, expected) => {
    expect(words({ notes, unfinished: [job] })).toEqual(expected);
  });
});

test('asked again with the same, it asks for the same', () => {
  const given = { notes: [planned, other], unfinished: [aJob({ featureRequestId: 'FR-9', notePath: other.path })] };
  expect(asks(given)).toEqual(asks(given));
  expect(asks(given).length).toBeGreaterThan(0);
});

test('what is no longer planned has left the backlog', () => {
  expect(remainingBacklog(['FR-1', 'FR-9', 'FR-5'], [planned, other])).toEqual(['FR-1']);
});

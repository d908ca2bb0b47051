import { describe, expect, it } from 'vitest';
import type { SchedulableJob, SchedulingSnapshot } from '../../runner/core/scheduling/snapshot.ts';
import {
  at,
  decide,
  holding,
  hour,
  limited,
  merging,
  minute,
  now,
  preempted,
  started,
  wanting,
} from '../support/schedulable-jobs.ts';

describe('with one slot free', () => {
  it.each<[string, Record<string, SchedulableJob>, string]>([
    [
      'the more urgent job goes first',
      { old: { ...wanting, queuedAt: at(60) }, urgent: { ...wanting, priority: 'P1' } },
      'urgent',
    ],
    [
      'of the same priority, one that has begun goes before a new one',
      { new: { ...wanting, queuedAt: at(60) }, begun: { ...wanting, begun: true } },
      'begun',
    ],
    [
      'a more urgent new job goes before one that has begun',
      { begun: { ...wanting, begun: true }, urgent: { ...wanting, priority: 'P1' } },
      'urgent',
    ],
    ['the older goes first', { young: wanting, old: { ...wanting, queuedAt: at(2) } }, 'old'],
    ['of the same age, the lower id goes first', { b: wanting, a: wanting }, 'a'],
    [
      'a job that waited half of the longest wait goes before the most urgent',
      { urgent: { ...wanting, priority: 'P0' }, overdue: { ...wanting, priority: 'P3', queuedAt: at(180) } },
      'overdue',
    ],
    [
      'a job that waited a minute less does not',
      { urgent: { ...wanting, priority: 'P0' }, patient: { ...wanting, priority: 'P3', queuedAt: at(179) } },
      'urgent',
    ],
    [
      'among the overdue, the oldest goes first, whatever its priority',
      {
        urgent: { ...wanting, priority: 'P0', begun: true, queuedAt: at(200) },
        oldest: { ...wanting, priority: 'P3', queuedAt: at(201) },
      },
      'oldest',
    ],
  ])('%s', (_says, jobs, first) => {
    const decision = decide(jobs);
    expect(decision.start).toEqual([{ job: first, slot: 'agent' }]);
    expect([...decision.waits.values()]).toEqual(['slot']);
  });
});

describe('repositories take turns', () => {
  const app = { ...wanting, repository: 'app', queuedAt: at(50) };
  const web = { ...wanting, repository: 'web', queuedAt: at(5) };

  it('within one decision', () => {
    const jobs = { app1: app, app2: app, app3: app, web1: web, web2: web };
    expect(started(jobs, { concurrency: 4 })).toEqual(['app1', 'web1', 'app2', 'web2']);
  });

  it('from one decision to the next: the one whose last start is longest ago goes first', () => {
    const lastStarts = new Map([
      ['app', 7],
      ['web', 6],
    ]);
    expect(started({ app1: app, app2: app, web1: web, web2: web }, { concurrency: 3 }, { lastStarts })).toEqual([
      'web1',
      'app1',
      'web2',
    ]);
  });

  it('one that never started anything goes first', () => {
    expect(started({ app, web }, {}, { lastStarts: new Map([['app', 0]]) })).toEqual(['web']);
  });

  it('only within a class: neither a higher priority nor a job that has begun is held up', () => {
    const lastStarts = new Map([['app', 9]]);
    expect(started({ urgent: { ...app, priority: 'P1' }, web }, {}, { lastStarts })).toEqual(['urgent']);
    expect(started({ begun: { ...app, begun: true }, web }, {}, { lastStarts })).toEqual(['begun']);
  });

  it('a job that cannot start does not cost its repository the turn', () => {
    const jobs = {
      'app held': { ...app, agent: 'codex' },
      'app next': { ...app, queuedAt: at(40) },
      web,
      holder: { ...holding, agent: 'codex', repository: 'docs' },
    };
    expect(started(jobs, { concurrency: 2, agents: new Map([['codex', 1]]) })).toEqual(['app next']);
  });

  it('overdue jobs go by age, whosever turn it is', () => {
    const jobs = { app: { ...app, queuedAt: at(300) }, web: { ...web, queuedAt: at(200) } };
    expect(started(jobs, {}, { lastStarts: new Map([['app', 9]]) })).toEqual(['app']);
  });

  it('a start out of turn, as overdue work has, counts', () => {
    const jobs = { overdue: { ...app, queuedAt: at(300) }, app, web };
    expect(started(jobs, { concurrency: 2 })).toEqual(['overdue', 'web']);
  });
});

describe('a limit', () => {
  it('of the whole machine is never exceeded', () => {
    const jobs = { holder: holding, a: wanting, b: wanting };
    expect(started(jobs, { concurrency: 2 })).toEqual(['a']);
    expect(started(jobs, { concurrency: 1 })).toEqual([]);
  });

  it('that was lowered under what is in use starts nothing until enough has ended', () => {
    const jobs = { one: holding, two: holding, waiting: { ...wanting, priority: 'P0' as const } };
    expect(decide(jobs, { concurrency: 1 })).toMatchObject({ start: [], preempt: [] });
  });

  it('of a repository holds up that repository only', () => {
    const jobs = { holder: holding, app: { ...wanting, queuedAt: at(9) }, web: { ...wanting, repository: 'web' } };
    const decision = decide(jobs, { concurrency: 3, repositories: new Map([['app', 1]]) });
    expect(decision.start).toEqual([{ job: 'web', slot: 'agent' }]);
    expect(decision.waits).toEqual(new Map([['app', 'slot']]));
  });

  it('of an agent holds up that agent only, and counts what this decision starts', () => {
    const jobs = {
      one: { ...wanting, queuedAt: at(9) },
      two: { ...wanting, queuedAt: at(8) },
      other: { ...wanting, agent: 'codex' },
      none: { ...wanting, agent: null },
    };
    expect(started(jobs, { concurrency: 9, agents: new Map([['claude', 1]]) })).toEqual(['one', 'none', 'other']);
  });
});

describe('a merge slot', () => {
  it('is given while all agent slots are taken, and takes none', () => {
    const jobs = { holder: holding, merging, waiting: wanting };
    expect(decide(jobs, { repositories: new Map([['app', 1]]) }).start).toEqual([{ job: 'merging', slot: 'merge' }]);
    expect(started({ merger: { ...merging, slot: 'merge', wants: null }, waiting: wanting })).toEqual(['waiting']);
  });

  it('is given to one job of a repository at a time, by priority and then by age', () => {
    const jobs = {
      old: { ...merging, queuedAt: at(400) },
      urgent: { ...merging, priority: 'P1' as const },
      web: { ...merging, repository: 'web' },
      'older web': { ...merging, repository: 'web', queuedAt: at(9) },
    };
    const decision = decide(jobs);
    expect(decision.start.map(({ job }) => job)).toEqual(['urgent', 'older web']);
    expect(decision.waits.get('old')).toBe('slot');
    expect(started({ ...jobs, holder: { ...merging, slot: 'merge', wants: null } })).toEqual(['older web']);
  });

  it('is not given while the forge of its repository rests', () => {
    const until = now + minute;
    const decision = decide(
      { merging, web: { ...merging, repository: 'web' } },
      {},
      {
        forgeHolds: new Map([['app', until]]),
      },
    );
    expect(decision).toMatchObject({ start: [{ job: 'web' }], wakeAt: until });
    expect(decision.waits).toEqual(new Map([['merging', 'circuit']]));
    expect(started({ wanting }, {}, { forgeHolds: new Map([['app', until]]) })).toEqual(['wanting']);
  });

  it('is given without the disk that an agent needs', () => {
    expect(started({ merging, wanting }, {}, { hasDisk: false })).toEqual(['merging']);
  });
});

describe('a job that could have a slot', () => {
  const resting = (until: number, reason: 'usage-limit' | 'circuit'): Partial<SchedulingSnapshot> => ({
    agentHolds: new Map([['claude', { until, reason }]]),
  });
  it.each<[string, Partial<SchedulableJob>, Partial<SchedulingSnapshot>, string]>([
    ['depends on what is not done', { openDependencies: ['FR-9'] }, {}, 'dependency'],
    [
      'depends on what is not done, though its agent rests',
      { openDependencies: ['FR-9'] },
      resting(now + 1, 'circuit'),
      'dependency',
    ],
    ['is at a usage limit', { holdUntil: now + 1 }, {}, 'usage-limit'],
    ['has an agent at a usage limit', {}, resting(now + 1, 'usage-limit'), 'usage-limit'],
    ['has an agent that rests', {}, resting(now + 1, 'circuit'), 'circuit'],
    ['is held because its agent rests', { holdUntil: now + 1 }, resting(now + 1, 'circuit'), 'circuit'],
    ['has no disk', {}, { hasDisk: false }, 'disk'],
    ['is not let while nothing is accepted', {}, { accepting: false }, 'slot'],
    ['still has the slot from which it is pushed aside', { slot: 'agent' }, {}, 'slot'],
  ])('does not start when it %s', (_says, job, snapshot, reason) => {
    const decision = decide({ job: { ...wanting, ...job } }, { concurrency: 2 }, snapshot);
    expect(decision).toMatchObject({ start: [], preempt: [] });
    expect(decision.waits).toEqual(new Map([['job', reason]]));
  });

  it.each<[string, Partial<SchedulableJob>, Partial<SchedulingSnapshot>]>([
    ['its usage limit is over', { holdUntil: now }, {}],
    ['its agent has rested', {}, resting(now, 'circuit')],
    ['another agent rests', { agent: 'codex' }, resting(now + 1, 'circuit')],
    ['it has no agent', { agent: null }, resting(now + 1, 'circuit')],
  ])('starts when %s', (_says, job, snapshot) => {
    expect(started({ job: { ...wanting, ...job } }, {}, snapshot)).toEqual(['job']);
  });

  it('is left alone while it asks for none', () => {
    expect(decide({ gate: { ...wanting, wants: null }, holding })).toEqual({
      start: [],
      preempt: [],
      waits: new Map(),
      wakeAt: null,
    });
  });
});

describe('a full review queue', () => {
  const gate: SchedulableJob = { ...wanting, wants: null, begun: true, awaitsApproval: true };

  it('holds up new jobs, and lets those go on that have begun', () => {
    const jobs = { gate1: gate, gate2: gate, new: wanting, begun: { ...wanting, begun: true }, merging };
    const decision = decide(jobs, { reviewQueue: 2, concurrency: 5 });
    expect(decision.start.map(({ job }) => job)).toEqual(['merging', 'begun']);
    expect(decision.waits).toEqual(new Map([['new', 'slot']]));
  });

  it('is not full with one less, nor where there is no limit', () => {
    expect(started({ gate, new: wanting }, { reviewQueue: 2 })).toEqual(['new']);
    expect(started({ gate, new: wanting })).toEqual(['new']);
  });

  it('does not make a new urgent job push others aside', () => {
    const jobs = { gate, holder: holding, urgent: { ...wanting, priority: 'P0' as const } };
    expect(preempted(jobs, { reviewQueue: 1 })).toEqual([]);
    expect(preempted(jobs, { reviewQueue: 2 })).toEqual(['holder']);
  });
});

describe('the moment at which to decide again', () => {
  const soon = now + minute;
  const later = now + hour;

  it.each<[string, Partial<SchedulableJob>, Partial<SchedulingSnapshot>, number | null]>([
    ['is the end of a usage limit', { holdUntil: soon }, {}, soon],
    [
      'is the end of its agent’s rest',
      {},
      { agentHolds: new Map([['claude', { until: soon, reason: 'circuit' }]]) },
      soon,
    ],
    [
      'is the earlier of both',
      { holdUntil: soon },
      { agentHolds: new Map([['claude', { until: later, reason: 'circuit' }]]) },
      soon,
    ],
    ['is when a waiting job becomes overdue', {}, { limits: limited({ concurrency: 0 }) }, now + 179 * minute],
    ['is none for a job that is overdue already', { queuedAt: at(999) }, { limits: limited({ concurrency: 0 }) }, null],
    ['is none for a job that starts', {}, {}, null],
    ['is none for a job that waits for another', { openDependencies: ['FR-9'], holdUntil: soon }, {}, null],
    [
      'is none for what holds up nobody',
      { wants: null },
      { agentHolds: new Map([['claude', { until: soon, reason: 'circuit' }]]) },
      null,
    ],
    [
      'is none for a merge slot where only agents wait',
      { holdUntil: later },
      { forgeHolds: new Map([['app', soon]]) },
      later,
    ],
    ['is none for a job that still has its slot', { slot: 'agent', holdUntil: soon }, {}, null],
    ['is none for lack of disk, which no time ends', {}, { hasDisk: false }, null],
  ])('%s', (_says, job, snapshot, moment) => {
    expect(decide({ job: { ...wanting, ...job } }, {}, snapshot).wakeAt).toBe(moment);
  });

  it('is the earliest of all jobs', () => {
    const jobs = { a: { ...wanting, holdUntil: later }, b: { ...wanting, holdUntil: soon } };
    expect(decide(jobs).wakeAt).toBe(soon);
  });
});

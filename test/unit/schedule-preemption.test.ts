import { describe, expect, it } from 'vitest';
import type { SchedulableJob, SchedulingLimits } from '../../runner/core/scheduling/snapshot.ts';
import { at, decide, holding, merging, preempted, vacating, wanting } from '../support/schedulable-jobs.ts';

describe('an urgent job without a slot', () => {
  const urgent: SchedulableJob = { ...wanting, priority: 'P0' };

  it('pushes the holder of the lowest priority aside, and waits until that one has stopped', () => {
    const jobs = {
      high: { ...holding, priority: 'P1' as const },
      low: { ...holding, priority: 'P3' as const },
      urgent,
    };
    const decision = decide(jobs, { concurrency: 2 });
    expect(decision).toMatchObject({ start: [], preempt: ['low'] });
    expect(decision.waits).toEqual(new Map([['urgent', 'slot']]));
  });

  it('pushes the one aside that was admitted last, among holders of one priority', () => {
    const jobs = { first: holding, last: { ...holding, admittedAt: at(5) }, middle: { ...holding, admittedAt: at(7) } };
    expect(preempted({ ...jobs, urgent }, { concurrency: 3 })).toEqual(['last']);
  });

  it.each<[string, Record<string, SchedulableJob>, Partial<SchedulingLimits>]>([
    ['holders of its own priority', { holder: { ...holding, priority: 'P0' } }, {}],
    ['anyone while a slot is free', { holder: holding }, { concurrency: 2 }],
    [
      'holders of a merge slot',
      { high: { ...holding, priority: 'P0' }, merger: { ...merging, slot: 'merge', wants: null } },
      {},
    ],
    ['anyone where nobody may', { holder: holding }, { preempt: null }],
    ['a holder that was overdue when it was admitted', { holder: { ...holding, queuedAt: at(190) } }, {}],
    ['anyone else while one is stopping', { holder: holding, stopping: vacating }, { concurrency: 2 }],
  ])('does not push aside %s', (_says, jobs, limits) => {
    expect(preempted({ ...jobs, urgent }, limits)).toEqual([]);
  });

  it('pushes a holder aside that has worked for long but waited little', () => {
    expect(preempted({ holder: { ...holding, queuedAt: at(900), admittedAt: at(899) }, urgent })).toEqual(['holder']);
  });

  it('of a priority that may not push aside waits', () => {
    const jobs = { holder: { ...holding, priority: 'P3' as const }, urgent: { ...wanting, priority: 'P1' as const } };
    expect(preempted(jobs)).toEqual([]);
    expect(preempted(jobs, { preempt: 'P1' })).toEqual(['holder']);
  });

  it('pushes nobody aside while it could not start anyhow', () => {
    const jobs = { holder: holding, urgent: { ...urgent, openDependencies: ['FR-9'] } };
    expect(preempted(jobs)).toEqual([]);
    expect(preempted({ holder: holding, urgent }, {}, { hasDisk: false })).toEqual([]);
    expect(preempted({ holder: holding, urgent }, {}, { accepting: false })).toEqual([]);
  });

  it('pushes one aside for each urgent job, less those that are stopping already', () => {
    const jobs = { a: holding, b: holding, c: vacating, urgent1: urgent, urgent2: urgent };
    expect(preempted(jobs, { concurrency: 3 })).toEqual(['a']);
    expect(preempted({ ...jobs, urgent3: urgent }, { concurrency: 3 })).toEqual(['a', 'b']);
    expect(preempted({ ...jobs, urgent3: urgent, urgent4: urgent }, { concurrency: 3 })).toEqual(['a', 'b']);
  });

  it('pushes nobody aside for a slot that an overdue job would take', () => {
    const overdue: SchedulableJob = { ...wanting, priority: 'P3', queuedAt: at(200) };
    expect(preempted({ holder: holding, overdue, urgent })).toEqual([]);
    const limits = { repositories: new Map([['app', 1]]), concurrency: 2 };
    const elsewhere = { ...urgent, repository: 'web' };
    const jobs = { app: holding, docs: { ...holding, repository: 'docs' }, overdue, elsewhere };
    expect(preempted(jobs, limits)).toEqual(['docs']);
  });

  describe('at the limit of its repository or agent', () => {
    const app = holding;
    const web: SchedulableJob = { ...holding, repository: 'web', agent: 'codex', priority: 'P3' };
    const atRepository = { repositories: new Map([['app', 1]]) };
    const atAgent = { agents: new Map([['claude', 1]]) };

    it('pushes aside only one whose leaving frees that very limit', () => {
      expect(preempted({ app, web, urgent }, { concurrency: 3, ...atRepository })).toEqual(['app']);
      expect(preempted({ app, web, urgent }, { concurrency: 3, ...atAgent })).toEqual(['app']);
      expect(preempted({ app, web, urgent }, { concurrency: 2, ...atRepository, ...atAgent })).toEqual(['app']);
    });

    it('pushes nobody aside where no single one frees all that is in the way', () => {
      const sameRepository = { ...holding, agent: 'codex' };
      const sameAgent = { ...holding, repository: 'web' };
      const jobs = { sameRepository, sameAgent, urgent };
      expect(preempted(jobs, { concurrency: 3, ...atRepository, ...atAgent })).toEqual([]);
      expect(preempted(jobs, { concurrency: 3, ...atRepository })).toEqual(['sameRepository']);
    });

    it('does not count on one that is stopping elsewhere', () => {
      const jobs = { app, web: { ...web, wants: 'agent' as const }, urgent };
      expect(preempted(jobs, { concurrency: 2, ...atRepository })).toEqual(['app']);
      expect(preempted(jobs, { concurrency: 2 })).toEqual([]);
    });
  });
});

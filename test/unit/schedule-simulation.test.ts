import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../runner/core/scheduling/schedule.ts';
import type { SchedulableJob, SchedulingSnapshot } from '../../runner/core/scheduling/snapshot.ts';
import { crowdedHistories, floods, histories } from '../support/scheduling-histories.ts';
import {
  carriedOut,
  simulate,
  vacated,
  type Decision,
  type History,
  type Scheduler,
  type Trace,
} from '../support/scheduling-simulation.ts';

interface Property {
  readonly says: string;
  readonly histories: fc.Arbitrary<History>;
  readonly runs: number;
  readonly holds: (trace: Trace, history: History, scheduler: Scheduler) => void;
  /** Schedulers that are wrong in this one respect, and so have to be caught. */
  readonly broken: Readonly<Record<string, Scheduler>>;
}

function each(check: (decision: Decision, scheduler: Scheduler) => void): Property['holds'] {
  return ({ decisions }, _history, scheduler) => {
    for (const decision of decisions) check(decision, scheduler);
  };
}

function blindTo(change: (snapshot: SchedulingSnapshot) => Partial<SchedulingSnapshot>): Scheduler {
  return (snapshot) => schedule({ ...snapshot, ...change(snapshot) });
}

function blindToLimit(change: (snapshot: SchedulingSnapshot) => Partial<SchedulingSnapshot['limits']>): Scheduler {
  return blindTo((snapshot) => ({ limits: { ...snapshot.limits, ...change(snapshot) } }));
}

function seeingJobs(change: (job: SchedulableJob) => SchedulableJob | null): Scheduler {
  return blindTo(({ jobs }) => ({ jobs: jobs.map(change).filter((job) => job !== null) }));
}

const properties: Property[] = [
  {
    says: 'no limit is ever exceeded',
    histories,
    runs: 900,
    holds: each((decision) => {
      const { jobs, limits } = carriedOut(decision);
      const holders = jobs.filter(({ slot }) => slot === 'agent');
      expect(holders.length).toBeLessThanOrEqual(limits.concurrency);
      for (const [name, limit] of limits.repositories)
        expect(holders.filter((job) => job.repository === name).length).toBeLessThanOrEqual(limit);
      for (const [name, limit] of limits.agents)
        expect(holders.filter((job) => job.agent === name).length).toBeLessThanOrEqual(limit);
      const merging = jobs.filter(({ slot }) => slot === 'merge').map((job) => job.repository);
      expect(merging).toEqual([...new Set(merging)]);
    }),
    broken: {
      'one slot more': blindToLimit(({ limits }) => ({ concurrency: limits.concurrency + 1 })),
      'no limits of repositories': blindToLimit(() => ({ repositories: new Map() })),
      'no limits of agents': blindToLimit(() => ({ agents: new Map() })),
      'merges side by side': seeingJobs((job) => (job.slot === 'merge' ? null : job)),
    },
  },
  {
    says: 'nothing starts before what it depends on is done, before its hold ends or in an outage',
    histories,
    runs: 800,
    holds: each(({ snapshot, schedule: { start } }) => {
      for (const { job: id, slot } of start) {
        const job = snapshot.jobs.find((candidate) => candidate.id === id);
        expect(job?.openDependencies).toEqual([]);
        expect(job?.wants).toBe(slot);
        expect(job?.slot).toBeNull();
        expect(job?.holdUntil ?? 0).toBeLessThanOrEqual(snapshot.now);
        expect([...snapshot.agentHolds.keys()]).not.toContain(job?.agent);
        expect(snapshot.accepting).toBe(true);
        if (slot === 'agent') expect(snapshot.hasDisk).toBe(true);
        else expect([...snapshot.forgeHolds.keys()]).not.toContain(job?.repository);
      }
    }),
    broken: {
      'no dependencies': seeingJobs((job) => ({ ...job, openDependencies: [] })),
      'no usage limits': seeingJobs((job) => ({ ...job, holdUntil: null })),
      'no resting agents': blindTo(() => ({ agentHolds: new Map() })),
      'no resting forges': blindTo(() => ({ forgeHolds: new Map() })),
      'no full disk': blindTo(() => ({ hasDisk: true })),
      'no pause': blindTo(() => ({ accepting: true })),
    },
  },
  {
    says: 'while two repositories queue in the same class, their starts differ by at most one',
    histories: crowdedHistories,
    runs: 800,
    holds: ({ decisions }) => {
      for (const [one, other] of [
        ['app', 'web'],
        ['web', 'docs'],
        ['app', 'docs'],
      ] as const) {
        let ahead = 0;
        for (const { snapshot, schedule } of decisions) {
          const waiting = snapshot.jobs.filter((job) => job.wants === 'agent' && job.openDependencies.length === 0);
          if (!queueInOneClass(waiting, one, other, snapshot)) ahead = 0;
          for (const { job: id } of schedule.start) {
            const [started] = waiting.splice(
              waiting.findIndex((job) => job.id === id),
              1,
            );
            if (started?.repository === one) ahead++;
            if (started?.repository === other) ahead--;
            if (!queueInOneClass(waiting, one, other, snapshot)) ahead = 0;
            expect(Math.abs(ahead)).toBeLessThanOrEqual(1);
          }
        }
      }
    },
    broken: { 'no memory of starts': blindTo(() => ({ lastStarts: new Map() })) },
  },
  {
    says: 'a P3 waits no longer than the longest wait under a flood of more urgent work that the machine can bear',
    histories: floods,
    runs: 300,
    holds: ({ decisions, stuck }, { limits }) => {
      for (const { snapshot } of decisions) {
        const waits = snapshot.jobs
          .filter((job) => job.priority === 'P3' && job.wants !== null && job.slot === null)
          .map(({ queuedAt }) => snapshot.now - queuedAt);
        expect(Math.max(0, ...waits)).toBeLessThanOrEqual(limits.longestWait);
      }
      expect(stuck).toEqual([]);
    },
    broken: { 'nothing is overdue': blindToLimit(() => ({ longestWait: Infinity })) },
  },
  {
    says: 'once work stops arriving, every job ends',
    histories,
    runs: 800,
    holds: ({ stuck }) => {
      expect(stuck).toEqual([]);
    },
    broken: {
      'never woken': (snapshot) => ({ ...schedule(snapshot), wakeAt: null }),
      'always woken, never started': (snapshot) => ({ ...schedule(snapshot), start: [], wakeAt: snapshot.now + 1 }),
    },
  },
  {
    says: 'only holders of a lower priority are pushed aside, each for an urgent job that gets a slot for it, and they resume in the end',
    histories,
    runs: 800,
    holds: ({ decisions }, _history, scheduler) => {
      for (const [index, decision] of decisions.entries()) {
        const { snapshot, schedule: decided } = decision;
        if (decided.preempt.length === 0) continue;
        const urgent = snapshot.jobs.filter(
          ({ wants, slot, priority }) =>
            wants === 'agent' && slot === null && priority <= (snapshot.limits.preempt ?? ''),
        );
        for (const id of decided.preempt) {
          const victim = snapshot.jobs.find((job) => job.id === id);
          expect(victim).toMatchObject({ slot: 'agent', wants: null });
          expect(urgent.some((job) => job.priority < (victim?.priority ?? 'P0'))).toBe(true);
          expect((victim?.admittedAt ?? 0) - (victim?.queuedAt ?? 0)).toBeLessThan(snapshot.limits.longestWait / 2);
          const later = decisions.slice(index + 1).flatMap((following) => following.schedule.start);
          expect(later.map(({ job }) => job)).toContain(id);
        }
        const next = scheduler(vacated(carriedOut(decision))).start.map(({ job }) => job);
        const startedUrgent = urgent.filter(({ id }) => next.includes(id));
        expect(startedUrgent.length).toBeGreaterThanOrEqual(decided.preempt.length);
      }
    },
    broken: {
      'pushed aside for good': seeingJobs((job) =>
        job.begun && job.slot === null && job.wants === 'agent' ? null : job,
      ),
      'everyone pushed aside': (snapshot) => ({
        ...schedule(snapshot),
        preempt: snapshot.jobs.filter(({ slot, wants }) => slot === 'agent' && wants === null).map(({ id }) => id),
      }),
      'the overdue pushed aside as well': seeingJobs((job) => (job.slot ? { ...job, queuedAt: Infinity } : job)),
    },
  },
  {
    says: 'a job waits for a slot only where a limit, the review queue or a pause stands in its way, and every wait has a reason',
    histories,
    runs: 600,
    holds: each((decision) => {
      const { jobs, limits, accepting } = carriedOut(decision);
      const { waits } = decision.schedule;
      const waiting = jobs.filter(({ wants }) => wants !== null);
      const asked = waiting.filter(({ id }) => !decision.schedule.preempt.includes(id)).map(({ id }) => id);
      expect([...waits.keys()].sort()).toEqual(asked.sort());
      const holders = jobs.filter(({ slot }) => slot === 'agent');
      const reviewed = jobs.filter(({ awaitsApproval }) => awaitsApproval).length;
      const queueIsFull = reviewed >= (limits.reviewQueue ?? Infinity);
      for (const job of waiting) {
        if (waits.get(job.id) !== 'slot' || job.slot !== null || !accepting || (queueIsFull && !job.begun)) continue;
        const beside = (same: (holder: SchedulableJob) => boolean): number => holders.filter(same).length;
        const inRepository = beside(({ repository: name }) => name === job.repository);
        const ofAgent = beside(({ agent: name }) => name === job.agent);
        const isFull =
          job.wants === 'merge'
            ? jobs.some((other) => other.slot === 'merge' && other.repository === job.repository)
            : holders.length >= limits.concurrency ||
              inRepository >= (limits.repositories.get(job.repository) ?? Infinity) ||
              ofAgent >= (limits.agents.get(job.agent ?? '') ?? Infinity);
        expect(isFull).toBe(true);
      }
    }),
    broken: {
      'one slot less': blindToLimit(({ limits }) => ({ concurrency: limits.concurrency - 1 })),
      'no reasons': (snapshot) => ({ ...schedule(snapshot), waits: new Map() }),
      'one at a time': (snapshot) => ({ ...schedule(snapshot), start: schedule(snapshot).start.slice(0, 1) }),
    },
  },
  {
    says: 'the order in which jobs are named is no matter, and a decision that was carried out is not made again',
    histories,
    runs: 600,
    holds: each((decision, scheduler) => {
      const { snapshot } = decision;
      const reversed = { ...snapshot, jobs: [...snapshot.jobs].reverse() };
      expect(scheduler(reversed)).toEqual(decision.schedule);
      expect(scheduler(carriedOut(decision))).toMatchObject({ start: [], preempt: [] });
    }),
    broken: {
      'first come, first served': blindTo(({ jobs }) => {
        const first = jobs.find(({ slot, wants }) => slot === null && wants !== null);
        return { jobs: jobs.filter((job) => job.slot !== null || job === first) };
      }),
      'slots being vacated overlooked': seeingJobs((job) => (job.slot === null ? job : { ...job, wants: null })),
    },
  },
];

/** Whether the most urgent of what each has waiting is of one class, and not overdue, as that goes by age alone. */
function queueInOneClass(
  waiting: readonly SchedulableJob[],
  one: string,
  other: string,
  { now, limits }: SchedulingSnapshot,
): boolean {
  const [first, second] = [one, other].map(
    (name) =>
      waiting
        .filter((job) => job.repository === name)
        .map((job) =>
          now - job.queuedAt >= limits.longestWait / 2 ? '0 overdue' : `${job.priority} ${job.begun ? 'begun' : 'new'}`,
        )
        .sort()[0],
  );
  return first !== undefined && first === second && !first.startsWith('0');
}

describe.each(properties)('in any history $says', ({ histories: any, runs, holds, broken }) => {
  const property = (scheduler: Scheduler): fc.IProperty<[History]> =>
    fc.property(any, (history) => {
      holds(simulate(history, scheduler), history, scheduler);
    });

  it('holds', () => {
    expect.hasAssertions();
    fc.assert(property(schedule), { numRuns: runs });
  });

  it.each(Object.entries(broken))('is seen to be broken: %s', (_name, scheduler) => {
    expect(fc.check(property(scheduler), { numRuns: 2_000, endOnFailure: true }).failed).toBe(true);
  });
});

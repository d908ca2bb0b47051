import fc from 'fast-check';
import { priorities } from '#shared/domain/feature-request.ts';
import type { History, JobOfHistory, StageOfWork } from './scheduling-simulation.ts';

const repositories = ['app', 'web', 'docs'];
const agents = ['claude', 'codex'];
const longestWait = 120;

const priority = fc.constantFrom(...priorities);
const repository = fc.constantFrom(...repositories);
const agent = fc.constantFrom(...agents, null);
const sometimes = (duration: number): fc.Arbitrary<number | null> =>
  fc.option(fc.integer({ min: 1, max: duration }), { freq: 2 });
const stage: fc.Arbitrary<StageOfWork> = fc.record({
  slot: fc.constantFrom('agent', 'agent', 'merge'),
  agent,
  duration: fc.integer({ min: 1, max: 15 }),
  approval: sometimes(40),
  hold: sometimes(40),
});
const earlierJobs = fc.array(fc.nat({ max: 13 }), { maxLength: 2 });

/** Jobs with dependencies on earlier ones only, so that there are no cycles. */
function jobsOf(stages: fc.Arbitrary<readonly StageOfWork[]>, maxLength: number): fc.Arbitrary<JobOfHistory[]> {
  const job = fc.record({ arrival: fc.nat({ max: 60 }), priority, repository, dependsOn: earlierJobs, stages });
  return fc
    .array(job, { minLength: 1, maxLength })
    .map((jobs) =>
      jobs.map((each, place) => ({ ...each, dependsOn: each.dependsOn.filter((earlier) => earlier < place) })),
    );
}

function limitsByName(names: readonly string[]): fc.Arbitrary<ReadonlyMap<string, number>> {
  const entry = fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max: 2 }));
  return fc.array(entry, { maxLength: names.length }).map((entries) => new Map(entries));
}

/** Anything that can happen: dependencies, approvals, usage limits, outages, urgent jobs that push others aside. */
export const histories: fc.Arbitrary<History> = fc.record({
  jobs: jobsOf(fc.array(stage, { minLength: 1, maxLength: 3 }), 14),
  limits: fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    repositories: limitsByName(repositories),
    agents: limitsByName(agents),
    reviewQueue: fc.constantFrom(null, 1, 2),
    preempt: fc.constantFrom(null, 'P0', 'P1', 'P2'),
    longestWait: fc.constant(longestWait),
  }),
  outages: fc.array(
    fc
      .record({
        kind: fc.constantFrom('disk', 'paused', 'agent', 'forge'),
        place: fc.nat(),
        from: fc.nat({ max: 80 }),
        lasts: fc.integer({ min: 1, max: 40 }),
      })
      .map(({ kind, place, from, lasts }) => {
        const names = kind === 'agent' ? agents : repositories;
        return { kind, name: names[place % names.length] ?? '', from, until: from + lasts };
      }),
    { maxLength: 3 },
  ),
  stopping: fc.integer({ min: 0, max: 5 }),
});

/** Many jobs at once for few slots, and nothing but their class and their repository that tells them apart. */
export const crowdedHistories: fc.Arbitrary<History> = fc.record({
  jobs: jobsOf(
    fc.array(
      fc.record({
        slot: fc.constant('agent'),
        agent: fc.constant(null),
        duration: fc.integer({ min: 1, max: 15 }),
        approval: fc.constant(null),
        hold: fc.constant(null),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    20,
  ).map((jobs) =>
    jobs.map((job) => ({ ...job, arrival: Math.floor(job.arrival / 10), priority: job.arrival % 2 ? 'P1' : 'P2' })),
  ),
  limits: fc.record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    repositories: fc.constant(new Map()),
    agents: fc.constant(new Map()),
    reviewQueue: fc.constant(null),
    preempt: fc.constant(null),
    longestWait: fc.constantFrom(longestWait, 100_000),
  }),
  outages: fc.constant([]),
  stopping: fc.constant(0),
});

const longestWork = 10;
/**
 * Work more urgent than the few P3s keeps every slot busy for longer than the longest wait. What it is assumed that the
 * machine can bear: the urgent work arrives as fast as it can be done and no faster, on top of a backlog of at most three;
 * no work is longer than a fifteenth of half the longest wait, and all P3s together, after one another, take less than
 * a third of that half.
 */
export const floods: fc.Arbitrary<History> = fc
  .record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    backlog: fc.integer({ min: 1, max: 3 }),
    urgent: fc.constantFrom('P0', 'P1', 'P2'),
    preempt: fc.constantFrom(null, 'P0', 'P2'),
    durations: fc.array(fc.integer({ min: longestWork / 2, max: longestWork }), { minLength: 20, maxLength: 20 }),
    patient: fc.array(fc.record({ arrival: fc.nat({ max: 50 }), repository }), { minLength: 1, maxLength: 4 }),
    stopping: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ concurrency, backlog, urgent, preempt, durations, patient, stopping }) => {
    const wait = 30 * longestWork;
    const work = (duration: number): StageOfWork[] => [
      { slot: 'agent', agent: null, duration, approval: null, hold: null },
    ];
    const jobs: JobOfHistory[] = patient.map((job) => ({
      ...job,
      priority: 'P3',
      dependsOn: [],
      stages: work(longestWork),
    }));
    let borne = -backlog * longestWork;
    for (let count = 0; borne < 1.3 * wait * concurrency; count++) {
      const duration = durations[count % durations.length] ?? longestWork;
      const arrival = Math.max(0, Math.floor(borne / concurrency));
      const name = repositories[count % repositories.length] ?? '';
      jobs.push({ arrival, priority: urgent, repository: name, dependsOn: [], stages: work(duration) });
      borne += duration;
    }
    const limits = { repositories: new Map(), agents: new Map(), reviewQueue: null, longestWait: wait };
    return { jobs, limits: { ...limits, concurrency, preempt }, outages: [], stopping };
  });

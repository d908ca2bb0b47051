import type { Priority } from '#shared/domain/feature-request.ts';
import type {
  SchedulableJob,
  Schedule,
  SchedulingLimits,
  SchedulingSnapshot,
  Slot,
} from '../../runner/core/scheduling/snapshot.ts';

export type Scheduler = (snapshot: SchedulingSnapshot) => Schedule;

/** Work in one slot; a job that is pushed aside begins it anew. */
export interface StageOfWork {
  readonly slot: Slot;
  readonly agent: string | null;
  readonly duration: number;
  /** How long a person takes before it; null where none is asked. */
  readonly approval: number | null;
  /** How long a usage limit holds it up once it wants a slot. */
  readonly hold: number | null;
}

export interface JobOfHistory {
  readonly arrival: number;
  readonly priority: Priority;
  readonly repository: string;
  /** Places of earlier jobs in the history. */
  readonly dependsOn: readonly number[];
  readonly stages: readonly StageOfWork[];
}

/** `name` is the agent's or the repository's where one of those rests. */
export interface Outage {
  readonly kind: 'disk' | 'paused' | 'agent' | 'forge';
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

export interface History {
  readonly jobs: readonly JobOfHistory[];
  readonly limits: SchedulingLimits;
  readonly outages: readonly Outage[];
  /** How long a job that is pushed aside takes to stop. */
  readonly stopping: number;
}

export interface Decision {
  readonly snapshot: SchedulingSnapshot;
  readonly schedule: Schedule;
}

export interface Trace {
  readonly decisions: readonly Decision[];
  /** Jobs that had not ended when nothing was left that could happen. */
  readonly stuck: readonly string[];
}

interface RunningJob extends SchedulableJob {
  readonly plan: JobOfHistory;
  stage: number;
  slot: Slot | null;
  wants: Slot | null;
  agent: string | null;
  queuedAt: number;
  admittedAt: number | null;
  begun: boolean;
  holdUntil: number | null;
  awaitsApproval: boolean;
  /** Grows with each slot, so that the end of work that was broken off is none. */
  admissions: number;
}

/** Plays a history on a clock of its own. Ends of holds are left to `wakeAt`, as nothing else tells of them. */
export function simulate({ jobs: plans, limits, outages, stopping }: History, scheduler: Scheduler): Trace {
  const events: { at: number; happens: () => void }[] = [];
  const jobs: RunningJob[] = [];
  const done = new Set<string>();
  const lastStarts = new Map<string, number>();
  const decisions: Decision[] = [];
  let starts = 0;
  let now = 0;

  const after = (delay: number, happens: () => void): void => {
    events.push({ at: now + delay, happens });
  };
  for (const [place, plan] of plans.entries())
    after(plan.arrival, () => {
      enter(place, plan);
    });
  for (const { kind, from, until } of outages) {
    after(from, () => undefined);
    if (kind === 'disk' || kind === 'paused') after(until, () => undefined);
  }

  // More decisions than any history needs: a scheduler that goes round in circles ends as well.
  while (events.length > 0 && decisions.length < 2_000) {
    now = events.reduce((earliest, { at }) => Math.min(earliest, at), Infinity);
    for (const event of events.filter(({ at }) => at === now)) {
      events.splice(events.indexOf(event), 1);
      event.happens();
    }
    decide();
  }
  const entered = new Set(jobs.map(({ id }) => id));
  const stuck = plans.map((_, place) => idOf(place)).filter((id) => !entered.has(id) || !done.has(id));
  return { decisions, stuck };

  function enter(place: number, plan: JobOfHistory): void {
    const job: RunningJob = {
      id: idOf(place),
      plan,
      repository: plan.repository,
      priority: plan.priority,
      stage: 0,
      agent: null,
      slot: null,
      wants: null,
      queuedAt: now,
      admittedAt: null,
      begun: false,
      holdUntil: null,
      openDependencies: [],
      awaitsApproval: false,
      admissions: 0,
    };
    jobs.push(job);
    approach(job);
  }

  function approach(job: RunningJob): void {
    const stage = job.plan.stages[job.stage];
    if (!stage) {
      done.add(job.id);
      return;
    }
    if (stage.approval === null) {
      queue(job, stage);
      return;
    }
    job.awaitsApproval = true;
    after(stage.approval, () => {
      job.awaitsApproval = false;
      queue(job, stage);
    });
  }

  function queue(job: RunningJob, stage: StageOfWork): void {
    job.wants = stage.slot;
    job.agent = stage.agent;
    job.queuedAt = now;
    job.holdUntil = stage.hold === null ? null : now + stage.hold;
  }

  function decide(): void {
    const snapshot = look();
    const schedule = scheduler(snapshot);
    decisions.push({ snapshot, schedule });
    for (const { job: id, slot } of schedule.start) admit(named(id), slot);
    for (const id of schedule.preempt) pushAside(named(id));
    if (schedule.wakeAt !== null) after(schedule.wakeAt - now, () => undefined);
  }

  function admit(job: RunningJob, slot: Slot): void {
    job.slot = slot;
    job.wants = null;
    job.begun = true;
    job.admittedAt = now;
    if (slot === 'agent') lastStarts.set(job.repository, ++starts);
    const admission = ++job.admissions;
    after(job.plan.stages[job.stage]?.duration ?? 0, () => {
      if (job.admissions !== admission || job.wants !== null) return;
      job.slot = null;
      job.stage++;
      approach(job);
    });
  }

  function pushAside(job: RunningJob): void {
    job.wants = 'agent';
    after(stopping, () => {
      job.slot = null;
      job.queuedAt += now - (job.admittedAt ?? now);
    });
  }

  function look(): SchedulingSnapshot {
    const current = outages.filter(({ from, until }) => from <= now && now < until);
    const resting = (kind: Outage['kind']): Outage[] => current.filter((outage) => outage.kind === kind);
    return {
      now,
      limits,
      jobs: jobs
        .filter(({ id }) => !done.has(id))
        .map((job) => ({
          id: job.id,
          repository: job.repository,
          priority: job.priority,
          agent: job.agent,
          slot: job.slot,
          wants: job.wants,
          queuedAt: job.queuedAt,
          admittedAt: job.admittedAt,
          begun: job.begun,
          holdUntil: job.holdUntil,
          openDependencies: job.plan.dependsOn.map(idOf).filter((id) => !done.has(id)),
          awaitsApproval: job.awaitsApproval,
        })),
      accepting: resting('paused').length === 0,
      hasDisk: resting('disk').length === 0,
      agentHolds: new Map(resting('agent').map(({ name, until }) => [name, { until, reason: 'circuit' }])),
      forgeHolds: new Map(resting('forge').map(({ name, until }) => [name, until])),
      lastStarts: new Map(lastStarts),
    };
  }

  function named(id: string): RunningJob {
    const job = jobs.find((candidate) => candidate.id === id);
    if (!job) throw new Error(`The decision names ${id}, which is none of the jobs.`);
    return job;
  }
}

function idOf(place: number): string {
  return `FR-${String(place).padStart(3, '0')}`;
}

/** The snapshot after a decision was carried out in the very moment in which it was made. */
export function carriedOut({ snapshot, schedule }: Decision): SchedulingSnapshot {
  const lastStarts = new Map(snapshot.lastStarts);
  let latest = Math.max(0, ...lastStarts.values());
  const jobs = new Map(snapshot.jobs.map((job) => [job.id, job]));
  for (const { job: id, slot } of schedule.start) {
    const job = jobs.get(id);
    if (!job) continue;
    jobs.set(id, { ...job, slot, wants: null, begun: true, admittedAt: snapshot.now });
    if (slot === 'agent') lastStarts.set(job.repository, ++latest);
  }
  for (const id of schedule.preempt) {
    const job = jobs.get(id);
    if (job) jobs.set(id, { ...job, wants: 'agent' });
  }
  return { ...snapshot, jobs: [...jobs.values()], lastStarts };
}

/** The snapshot once everyone that was being pushed aside has stopped. */
export function vacated(snapshot: SchedulingSnapshot): SchedulingSnapshot {
  const jobs = snapshot.jobs.map((job) =>
    job.slot === null || job.wants === null
      ? job
      : { ...job, slot: null, queuedAt: job.queuedAt + snapshot.now - (job.admittedAt ?? snapshot.now) },
  );
  return { ...snapshot, jobs };
}

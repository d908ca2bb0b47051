import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import type { WaitReason } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { schedule } from '../core/scheduling/schedule.ts';
import type { SchedulableJob, Schedule, SchedulingSnapshot, Slot } from '../core/scheduling/snapshot.ts';
import { slotFor, wantsToGoOn } from '../core/scheduling/wanted-slot.ts';
import { diskLookMs, diskWait, hasDisk } from './disk.ts';
import { recordJob } from './job-recorder.ts';
import { nextOf } from './next-of-job.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';

export interface AdmissionOptions {
  readonly dependencies: EngineDependencies;
  readonly running: RunningJobs;
  /** The notes as they were last read. */
  notes(): readonly FeatureRequest[];
  /** Whether the job waits for its note to be there again. */
  isAbsent(jobId: string): boolean;
  /** False while paused as a whole, draining or stopping. */
  accepting(): boolean;
  /** Lets the job's workflow look again. Must not throw. */
  wake(job: Job): void;
}

/** A base looked up this long ago is looked up again before the first stage. */
const staleBaseMs = 10_000;

/** Puts the scheduler's decisions into the registry: who gets a slot, who is pushed aside, what the others wait for. */
export interface Admission {
  /** Decides once, now. Synchronous: nothing happens between the look and the decision. Returns when time alone may change it. */
  decide(): number | null;
  /** Gives the job a slot whatever the limits say, at a person's word. */
  admitNow(job: Job): void;
  /** Stops a job that holds a slot at its checkpoint; it goes on by itself when there is a place for it. */
  pushAside(job: Job, by: 'preemption' | 'runner'): void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { dependencies, running } = options;
  const { registry, clock } = dependencies;
  const starts = new Map<string, number>();
  let startCount = 0;
  const upcomingSlots = new Map<string, { readonly at: string; readonly slot: Slot | null }>();
  seedStarts();

  /** Fairness goes on over a restart: the order of the repositories' last admissions is in the registry. */
  function seedStarts(): void {
    const last = registry.jobs({ finished: true, limit: 200 }).filter((job) => job.admittedAt !== null);
    for (const job of last.sort((left, right) => (left.admittedAt ?? 0) - (right.admittedAt ?? 0)))
      starts.set(job.repository, ++startCount);
  }

  /** What comes next is a function of the job's history, which changes only together with the job's row. */
  function wantedSlot(job: Job): Slot | null {
    const at = `${job.updatedAt}.${job.status}.${job.runState}.${job.run}`;
    const known = upcomingSlots.get(job.id);
    if (known?.at === at) return known.slot;
    const slot = slotFor(nextOf(dependencies, job.id));
    upcomingSlots.set(job.id, { at, slot });
    return slot;
  }

  function schedulable(job: Job, done: ReadonlySet<string>, byId: ReadonlyMap<string, FeatureRequest>): SchedulableJob {
    const begun = hasBegun(job);
    const isVacating = job.slot !== null && job.status === 'paused';
    const note = byId.get(job.featureRequestId);
    // What a note depends on is known only when it has been read.
    const isKnown = (begun || note !== undefined) && !options.isAbsent(job.id);
    const wants = isKnown && wantsToGoOn(job) && (job.slot === null || isVacating) ? wantedSlot(job) : null;
    const depends = begun ? [] : (note?.dependsOn ?? []);
    return {
      id: job.id,
      repository: job.repository,
      priority: job.priority,
      agent: job.agent,
      slot: job.slot,
      wants,
      queuedAt: job.queuedAt,
      admittedAt: job.admittedAt,
      begun,
      holdUntil: job.holdUntil,
      isHeldByForge: job.waitingFor === 'forge',
      openDependencies: depends.filter((id) => !done.has(id)),
      awaitsApproval: job.waitingFor === 'approval' && job.gate?.kind === 'merge',
    };
  }

  function snapshot(jobs: readonly Job[]): SchedulingSnapshot {
    const { config } = dependencies;
    const confirmed = dependencies.confirmed();
    const notes = options.notes();
    const byId = new Map(notes.map((note) => [note.id, note]));
    const done = doneOf(notes);
    const now = clock.now();
    return {
      now,
      jobs: jobs.map((job) => schedulable(job, done, byId)),
      limits: {
        concurrency: config.concurrency,
        repositories: new Map(
          Object.entries(config.repos).flatMap(([name, { concurrency }]) =>
            concurrency === null ? [] : [[name, concurrency] as const],
          ),
        ),
        agents: new Map(
          confirmed.profiles.flatMap(({ name, concurrency }) =>
            concurrency === null ? [] : [[name, concurrency] as const],
          ),
        ),
        reviewQueue: config.limits.reviewQueue,
        preempt: confirmed.policy.preempt,
        longestWait: config.scheduling.longestWait,
      },
      accepting: options.accepting(),
      hasDisk: hasDisk(dependencies),
      agentHolds: agentHolds(jobs, now),
      forgeHolds: forgeHolds(now),
      lastStarts: starts,
    };
  }

  function doneOf(notes: readonly FeatureRequest[]): ReadonlySet<string> {
    const done = notes.filter((note) => note.status === 'done').map((note) => note.id);
    // The vault may not have been told yet of one that has just succeeded.
    const recent = registry.jobs({ finished: true, limit: 50 });
    const succeeded = recent.filter((job) => job.status === 'succeeded' && job.reverts === null);
    const known = new Set([...done, ...succeeded.map((job) => job.featureRequestId)]);
    const reverting = recent.filter(({ reverts, status }) => reverts !== null && status !== 'canceled');
    for (const { featureRequestId } of reverting) {
      if ((registry.newestJobOf(featureRequestId)?.reverts ?? null) !== null) known.delete(featureRequestId);
    }
    return known;
  }

  /** A usage limit of one job's agent is one of every job of that agent. */
  function agentHolds(jobs: readonly Job[], now: number): SchedulingSnapshot['agentHolds'] {
    const holds = new Map<string, { until: number; reason: 'usage-limit' | 'circuit' }>();
    for (const job of jobs) {
      if (job.agent === null || job.waitingFor !== 'usage-limit' || (job.holdUntil ?? 0) <= now) continue;
      holds.set(job.agent, { until: job.holdUntil ?? now, reason: 'usage-limit' });
    }
    for (const { kind, name, state, until } of dependencies.circuits.states()) {
      if (kind === 'agent' && state === 'open' && until !== null) holds.set(name, { until, reason: 'circuit' });
    }
    return holds;
  }

  function forgeHolds(now: number): ReadonlyMap<string, number> {
    const open = dependencies.circuits.states().filter(({ kind, state }) => kind === 'forge' && state === 'open');
    return new Map(open.map(({ name, until }) => [name, until ?? now]));
  }

  function admit(job: Job, slot: Slot): void {
    const now = clock.now();
    const begun = hasBegun(job);
    const dependsOn = options.notes().find(({ id }) => id === job.featureRequestId)?.dependsOn ?? [];
    // What it depends on may have been merged since the base was looked up, however short that was ago.
    const isBaseCurrent = begun || (now - job.createdAt < staleBaseMs && dependsOn.length === 0);
    running.allow(job.id);
    if (slot === 'agent') starts.set(job.repository, ++startCount);
    registry.commit(null, null, {
      updateJob: {
        id: job.id,
        fields: {
          slot,
          admittedAt: now,
          status: begun ? 'running' : 'queued',
          waitingFor: null,
          pausedBy: null,
          holdUntil: null,
          ...(isBaseCurrent ? {} : { baseCommit: null }),
        },
      },
      events: job.status === 'paused' ? [{ type: 'job.resumed', jobId: job.id, data: { by: 'scheduler' } }] : [],
    });
    options.wake(registry.job(job.id) ?? job);
  }

  function pushAside(job: Job, by: 'preemption' | 'runner'): void {
    const now = clock.now();
    const waited = Math.max(0, (job.admittedAt ?? now) - job.queuedAt);
    recordJob(registry, null, job, {
      fields: {
        status: 'paused',
        pausedBy: 'preemption',
        waitingFor: 'slot',
        runState: 'paused',
        queuedAt: now - waited,
        error: null,
      },
      events: [['job.paused', { by }]],
    });
    running.stop(job.id);
    // One that is between two stages has no attempt whose end would free its slot.
    options.wake(job);
  }

  function apply(decided: Schedule, jobs: readonly Job[], byId: ReadonlyMap<string, SchedulableJob>): void {
    const jobOf = new Map(jobs.map((job) => [job.id, job]));
    for (const id of decided.preempt) {
      const job = jobOf.get(id);
      if (job) pushAside(job, 'preemption');
    }
    for (const { job: id, slot } of decided.start) {
      const job = jobOf.get(id);
      if (job) admit(job, slot);
    }
    for (const [id, reason] of decided.waits) {
      const job = jobOf.get(id);
      if (job) recordWait(dependencies, job, reason, byId.get(id)?.openDependencies ?? [], options.notes());
    }
  }

  return {
    decide() {
      const jobs = registry.jobs({ finished: false });
      for (const id of upcomingSlots.keys()) if (!jobs.some((job) => job.id === id)) upcomingSlots.delete(id);
      const looked = snapshot(jobs);
      const decided = schedule(looked);
      apply(decided, jobs, new Map(looked.jobs.map((job) => [job.id, job])));
      // Nobody tells when there is space again.
      const waitsForDisk = [...decided.waits.values()].includes('disk');
      return waitsForDisk ? Math.min(looked.now + diskLookMs, decided.wakeAt ?? Infinity) : decided.wakeAt;
    },
    pushAside,
    admitNow(job) {
      const slot = slotFor(nextOf(dependencies, job.id));
      if (slot === null) options.wake(job);
      else admit(job, slot);
    },
  };
}

function hasBegun(job: Job): boolean {
  return job.admittedAt !== null;
}

/** Says once why a job gets no slot: in the registry, and in the note where it is more than a queue. */
function recordWait(
  dependencies: EngineDependencies,
  job: Job,
  reason: WaitReason,
  openDependencies: readonly string[],
  notes: readonly FeatureRequest[],
): void {
  // A slot is what every queued or preempted job waits for.
  if (reason === 'slot' && (!hasBegun(job) || job.status === 'paused')) {
    if (job.status !== 'waiting') return;
    recordJob(dependencies.registry, null, job, {
      fields: { status: 'queued', waitingFor: null, runState: 'queued', error: null },
      events: [['job.queued']],
    });
    return;
  }
  const error = reason === 'dependency' ? dependencyWait(job, openDependencies, notes) : waitError(job, reason);
  if (job.status === 'waiting' && job.waitingFor === reason && job.error?.message === error?.message) return;
  recordJob(dependencies.registry, null, job, {
    fields: { status: 'waiting', waitingFor: reason, runState: 'waiting', error },
    events: [['job.waiting', { waitingFor: reason, ...(error === null ? {} : { error: { ...error } }) }]],
  });
}

function dependencyWait(job: Job, open: readonly string[], notes: readonly FeatureRequest[]): Job['error'] {
  const named = open.map((id) => `${id} (${notes.find((note) => note.id === id)?.status ?? 'no status'})`);
  return {
    code: 'vault.fr-not-dispatchable',
    message: `${job.featureRequestId} waits for ${named.join(', ')} to be done.`,
    hint: `To start it all the same: opus job unblock ${job.featureRequestId}`,
  };
}

function waitError(job: Job, reason: WaitReason): Job['error'] {
  if (reason === 'disk') return diskWait(job.id);
  if (reason !== 'circuit' && reason !== 'usage-limit' && reason !== 'forge') return null;
  // The attempt that ran into it has said so itself; others wait for the same agent.
  if (job.error !== null && job.holdUntil !== null) return job.error;
  const what = reason === 'circuit' ? 'failed too often in a row and rests' : 'is at its usage limit';
  return {
    code: reason === 'circuit' ? 'agent.circuit-open' : 'agent.usage-limit',
    message: `${job.id} waits, since ${job.agent === null ? 'the forge' : `the agent ${job.agent}`} ${what}.`,
    hint: 'It goes on by itself; opus status tells when.',
  };
}

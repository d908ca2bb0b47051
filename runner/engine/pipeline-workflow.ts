import { OpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Next } from '../core/pipeline/position.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { isEnough, slotOfStage } from '../core/scheduling/wanted-slot.ts';
import { maximumSteps, type Workflow } from '../core/ports/workflow-engine.ts';
import type { AbsentNotes } from './absent-notes.ts';
import { approveByPolicy } from './auto-merge.ts';
import { createBackOff, type BackOff } from './back-off.ts';
import { agentNameOf, attemptId, beginAttempt, runAttempt, type StageOrder } from './run-stage.ts';
import { generationOf } from './generation.ts';
import { nextOf } from './next-of-job.ts';
import { patiently } from './patiently.ts';
import { settle } from './settle.ts';
import type { Outbox } from './outbox.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';

const longWaitMs = 6 * 3_600_000;
/** Two steps are spent on each turn. */
const turnsARun = maximumSteps / 2;

export interface PipelineHooks {
  readonly outbox: Outbox;
  readonly running: RunningJobs;
  readonly absent: AbsentNotes;
  /** False while the runner stops: what runs may end, nothing more begins. */
  mayBegin(): boolean;
  /** The job has given its slot back, or wants another one. */
  rested(jobId: string): void;
  /** What a person did to the note meanwhile; called after each flush. */
  afterFlush(clashes: Awaited<ReturnType<Outbox['flush']>>): Promise<void>;
  /** A run's turns are used up: begin its successor. */
  succeed(jobId: string): Promise<void>;
}

type Turn =
  | { readonly kind: 'stage'; readonly order: StageOrder }
  /** At a gate, stopped by the runner, or before another try: until the job's topic is signalled, or so many milliseconds. */
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stop' };

/**
 * The whole pipeline of a job as one durable function: what comes next is decided purely from the registry's
 * history, one stage is run, and again. A step's result is only a copy of what the registry holds, so the
 * engine's own database may vanish at any time.
 */
export function createPipeline(dependencies: EngineDependencies, hooks: PipelineHooks): Workflow {
  const flush = async (): Promise<void> => {
    await hooks.afterFlush(await hooks.outbox.flush());
  };
  const backOff = createBackOff(() => dependencies.config.retry);
  return async (context, jobId, run) => {
    for (let turn = 0; turn < turnsARun; turn++) {
      const upcoming = await context.step<Turn>(`next#${turn}`, async () => {
        const decided = await patiently(dependencies.log, () => decideTurn(dependencies, hooks, backOff, jobId, run));
        if (!isToldWithItsStage(decided)) await flush();
        return decided;
      });
      if (upcoming.kind === 'stop') return;
      if (upcoming.kind === 'wait') {
        await context.wait(`wait#${turn}`, topicOf(jobId), upcoming.ms);
        continue;
      }
      const { order } = upcoming;
      await context.step(`${order.stage}.${order.round}.${order.attempt}#${turn}`, async () => {
        await takeTurn(dependencies, hooks, flush, jobId, order);
        return true;
      });
    }
    await hooks.succeed(jobId);
  };
}

/**
 * A stage that follows at once tells the vault itself, while it begins. Not one that leaves its mark on the origin:
 * before that, what a person did to the note meanwhile has to be known.
 */
function isToldWithItsStage(turn: Turn): boolean {
  return turn.kind === 'stage' && turn.order.stage !== 'deliver' && turn.order.stage !== 'merge';
}

/** What the job's last attempt ran into; admission knows when it is over. */
const holds: readonly Job['waitingFor'][] = ['usage-limit', 'circuit', 'disk', 'forge'];

export function topicOf(jobId: string): string {
  return `job:${jobId}`;
}

async function takeTurn(
  dependencies: EngineDependencies,
  hooks: PipelineHooks,
  flush: () => Promise<void>,
  jobId: string,
  order: StageOrder,
): Promise<void> {
  const known = dependencies.registry.job(jobId);
  if (known === null || !(await hooks.absent.isThere(known))) return;
  const agent = await agentNameOf(dependencies, known, order.stage);
  const job = dependencies.registry.job(jobId);
  // Paused, pushed aside or canceled since its turn was decided: what begins now would overrule that.
  if (job === null || hooks.running.signalOf(jobId).aborted) return;
  const attempt = await patiently(dependencies.log, () => beginAttempt(dependencies, job, order, agent));
  if (attempt === null) {
    await flush();
    return;
  }
  const upcoming = nextOf(dependencies, jobId);
  const feedback = upcoming.kind === 'stage' ? upcoming.feedback : [];
  const ended = hooks.running.begin(attempt);
  // The vault is told while the agent starts; what the attempt came to is told with what is decided next.
  const told = flush();
  try {
    const waitsForNote = hooks.absent.isExpected();
    await runAttempt(dependencies, job, attempt, feedback, hooks.running.signalOf(jobId), waitsForNote);
  } catch (thrown) {
    // Another runner holds the attempt now, or it was given up as dead: what it came to here counts for nothing.
    if (!(thrown instanceof OpusError && thrown.code === 'registry.lost')) throw thrown;
    dependencies.log.warn({ err: thrown, job: jobId, stage: order.stage }, thrown.message);
  } finally {
    ended();
    await told;
  }
}

async function decideTurn(
  dependencies: EngineDependencies,
  hooks: PipelineHooks,
  backOff: BackOff,
  jobId: string,
  run: number,
): Promise<Turn> {
  const { registry } = dependencies;
  const job = registry.job(jobId);
  if (job === null || job.run !== run) return { kind: 'stop' };
  if (isFinished(job.status)) {
    release(dependencies, hooks, job);
    return { kind: 'stop' };
  }
  const upcoming = nextOf(dependencies, jobId);
  if (upcoming.kind === 'stage') {
    const isHeld = job.status === 'waiting' && holds.includes(job.waitingFor);
    const stopped = isHeld || hooks.running.signalOf(jobId).aborted || !hooks.mayBegin();
    const hasSlot = !stopped && isEnough(job.slot, upcoming.stage) && (await hooks.absent.isThere(job));
    if (!hasSlot || !(await agentHasRoom(dependencies, job, upcoming.stage))) {
      release(dependencies, hooks, job);
      return { kind: 'wait', ms: longWaitMs };
    }
    const generation = generationOf(registry, jobId);
    const order = { stage: upcoming.stage, round: upcoming.round, attempt: upcoming.attempt, generation };
    // One that failed under a runner before this one is not waited for again.
    const failedHere = registry.attempts(jobId).at(-1)?.owner === dependencies.owner;
    // Any signal ends a wait, so that it is asked again how much of it is left.
    const ms = backOff.left(jobId, attemptId(jobId, order), failedHere ? upcoming.failures : 0);
    return ms > 0 ? { kind: 'wait', ms } : { kind: 'stage', order };
  }
  // A plan is shown together with what its note says.
  const needsNote = upcoming.kind === 'gate' && upcoming.gate === 'plan';
  if (needsNote && !(await hooks.absent.isThere(job))) {
    release(dependencies, hooks, job);
    return { kind: 'wait', ms: longWaitMs };
  }
  await settle(dependencies, job, upcoming);
  if (await isApprovedAtOnce(dependencies, upcoming, jobId))
    return decideTurn(dependencies, hooks, backOff, jobId, run);
  release(dependencies, hooks, job);
  return upcoming.kind === 'gate' ? { kind: 'wait', ms: longWaitMs } : { kind: 'stop' };
}

/** A forge with checks is waited for; where there is none, policy may approve as soon as the gate is reached. */
async function isApprovedAtOnce(dependencies: EngineDependencies, upcoming: Next, jobId: string): Promise<boolean> {
  const job = dependencies.registry.job(jobId);
  if (job === null || upcoming.kind !== 'gate' || upcoming.gate !== 'merge') return false;
  if (dependencies.pullRequestsOf(job.repository) !== null) return false;
  return await approveByPolicy(dependencies, job, { checks: null, hasRemarks: false });
}

function release(dependencies: EngineDependencies, hooks: PipelineHooks, job: Job): void {
  if (job.slot !== null) {
    // One that was pushed aside keeps the time that it has waited already.
    const queuedAt = job.pausedBy === 'preemption' ? job.queuedAt : dependencies.clock.now();
    dependencies.registry.commit(null, null, { updateJob: { id: job.id, fields: { slot: null, queuedAt } } });
  }
  hooks.rested(job.id);
}

/**
 * A slot was given for one agent. When the next stage's agent is another one that has a limit of its own, the slot goes
 * back and admission decides.
 */
async function agentHasRoom(dependencies: EngineDependencies, job: Job, stage: Stage): Promise<boolean> {
  if (slotOfStage(stage) === 'merge') return true;
  const agent = await agentNameOf(dependencies, job, stage);
  if (agent === job.agent) return true;
  dependencies.registry.commit(null, null, { updateJob: { id: job.id, fields: { agent } } });
  const profile = dependencies.confirmed().profiles.find(({ name }) => name === agent);
  return (profile?.concurrency ?? null) === null;
}

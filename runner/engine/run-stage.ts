import { dispositionOf, OpusError, toOpusError, type ErrorCode } from '#shared/domain/errors.ts';
import type { WaitReason } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { selectAgent } from '../core/agents.ts';
import { withoutSandbox } from '../core/weaker.ts';
import type { Feedback } from '../core/pipeline/position.ts';
import type { Attempt, Job } from '../core/ports/job-registry.ts';
import { isAway } from './absent-notes.ts';
import { blameDisk, diskLookMs } from './disk.ts';
import { recordJob, type JobChange } from './job-recorder.ts';
import { noteOfJob } from './note-of-job.ts';
import { patiently } from './patiently.ts';
import type { EngineDependencies, StageOutcome, StageRun } from './stage-context.ts';
import { recordWeaknesses } from './weakened.ts';
import { runCode } from './stages/code.ts';
import { runDeliver } from './stages/deliver.ts';
import { runMerge } from './stages/merge.ts';
import { runPlan } from './stages/plan.ts';
import { runReview } from './stages/review.ts';
import { runTest } from './stages/test.ts';

const stageFunctions: Record<Stage, (dependencies: EngineDependencies, run: StageRun) => Promise<StageOutcome>> = {
  plan: runPlan,
  code: runCode,
  test: runTest,
  review: runReview,
  deliver: runDeliver,
  merge: runMerge,
};

/** A usage limit that does not say when it ends is tried again after this. */
const unknownResetMs = 15 * 60_000;

export interface StageOrder {
  readonly stage: Stage;
  readonly round: number;
  readonly attempt: number;
  readonly generation: number;
}

export function attemptId(jobId: string, order: StageOrder): string {
  return `${jobId}.${order.stage}.${order.round}.${order.generation}.${order.attempt}`;
}

/** Records the attempt as begun; null when it is not to be run (it ended before, or the job is canceled). */
export function beginAttempt(
  dependencies: EngineDependencies,
  job: Job,
  order: StageOrder,
  agent: string | null,
): Attempt | null {
  const { registry, clock, owner } = dependencies;
  const id = attemptId(job.id, order);
  const earlier = registry.attempts(job.id);
  if (job.status === 'canceled' || earlier.some((attempt) => attempt.id === id)) return null;
  const attempt: Attempt = {
    id,
    jobId: job.id,
    stage: order.stage,
    round: order.round,
    number: order.attempt,
    agent,
    owner,
    status: 'running',
    startedAt: clock.now(),
    endedAt: null,
    commit: null,
    result: null,
    evidence: [],
    error: null,
    refusedHosts: [],
    generation: order.generation,
    leaseUntil: clock.now() + dependencies.config.timeouts.lease,
    session: null,
  };
  recordJob(registry, `${id}/begin`, job, {
    fields: {
      status: 'running',
      runState: order.stage,
      waitingFor: null,
      gate: null,
      error: null,
      pausedBy: null,
      holdUntil: null,
      ...(agent === null ? {} : { agent }),
    },
    events: [
      ...(earlier.length === 0 ? [['job.started'] as const] : []),
      ['stage.started', { stage: order.stage, round: order.round, attempt: order.attempt }],
    ],
    also: { insertAttempt: attempt },
  });
  return attempt;
}

/** Runs a begun attempt to its recorded end. Never throws for what a stage came to; losing the lease is the one rejection. `waitsForNote`: a note that is away ends the attempt, and the job waits for it. */
export async function runAttempt(
  dependencies: EngineDependencies,
  job: Job,
  attempt: Attempt,
  feedback: readonly Feedback[],
  signal: AbortSignal,
  waitsForNote: boolean,
): Promise<void> {
  const { registry, clock, progress, live } = dependencies;
  const line = { job: job.id, stage: attempt.stage, round: attempt.round };
  progress({ ...line, kind: 'started', text: attempt.agent ?? '' });
  const about = { job: job.id, attempt: attempt.id, stage: attempt.stage };
  live.tell(about, { kind: 'started', round: attempt.round, try: attempt.number, agent: attempt.agent });
  let outcome: StageOutcome;
  try {
    const isolated = dependencies.sandboxState.kind === 'isolated';
    if (!isolated && attempt.stage !== 'deliver') recordWeaknesses(dependencies, { job, attempt }, [withoutSandbox]);
    outcome = await stageFunctions[attempt.stage](
      dependencies,
      await stageRun(dependencies, job, attempt, feedback, signal),
    );
  } catch (thrown) {
    if (waitsForNote && isAway(thrown)) outcome = { status: 'canceled', sentence: thrown.message, result: null };
    else if (signal.aborted) outcome = { status: 'canceled', sentence: 'stopped', result: null };
    else {
      const error = blameDisk(dependencies, job.id, toOpusError(thrown));
      live.tell(about, { kind: 'ended', status: 'failed', sentence: error.message });
      await patiently(dependencies.log, () => {
        recordFailure(dependencies, job, attempt, error);
      });
      return;
    }
  }
  live.tell(about, { kind: 'ended', status: outcome.status, sentence: outcome.sentence });
  const now = clock.now();
  const change: JobChange = {
    fields: outcome.status === 'canceled' ? {} : (outcome.jobFields ?? {}),
    events: [
      [
        outcome.status === 'passed' ? 'stage.completed' : 'stage.failed',
        { stage: attempt.stage, round: attempt.round, status: outcome.status, sentence: outcome.sentence },
      ],
      ...pullRequestEvents(job, outcome),
    ],
    also: {
      updateAttempt: {
        id: attempt.id,
        owner: dependencies.owner,
        fields: {
          status: outcome.status,
          endedAt: now,
          commit: outcome.commit ?? null,
          result: outcome.result,
          evidence: outcome.evidence ?? [],
          refusedHosts: outcome.refusedHosts ?? [],
        },
      },
    },
  };
  await patiently(dependencies.log, () =>
    recordJob(registry, `${attempt.id}/end`, registry.job(job.id) ?? job, change),
  );
  progress({ ...line, kind: 'ended', text: `${outcome.status}: ${outcome.sentence}` });
}

function recordFailure(dependencies: EngineDependencies, job: Job, attempt: Attempt, error: OpusError): void {
  const refused = error.details['refusedHosts'];
  const hold = holdOf(dependencies, job, error);
  dependencies.log[hold === null ? 'error' : 'warn'](
    { err: error, job: job.id, stage: attempt.stage, code: error.code },
    `The ${attempt.stage} stage of ${job.id} ${hold === null ? 'failed' : 'waits'}: ${error.message}`,
  );
  recordJob(dependencies.registry, `${attempt.id}/end`, dependencies.registry.job(job.id) ?? job, {
    fields: hold ?? {},
    events: [
      ...(hold === null ? [] : [['job.waiting', { waitingFor: hold.waitingFor, until: hold.holdUntil }] as const]),
      ['stage.failed', { stage: attempt.stage, round: attempt.round, status: 'failed', error: { ...error.summary() } }],
    ],
    also: {
      updateAttempt: {
        id: attempt.id,
        owner: dependencies.owner,
        fields: {
          status: 'failed',
          endedAt: dependencies.clock.now(),
          error: error.summary(),
          refusedHosts: Array.isArray(refused) ? (refused as string[]) : [],
        },
      },
    },
  });
  dependencies.progress({
    job: job.id,
    stage: attempt.stage,
    round: attempt.round,
    kind: 'ended',
    text: `failed: ${error.message}`,
  });
}

/** What holds of these codes; any other is a circuit's. */
const holdReasons: Partial<Record<ErrorCode, WaitReason>> = {
  'agent.usage-limit': 'usage-limit',
  'agent.daily-budget': 'budget',
  'forge.rate-limited': 'forge',
  'forge.not-yet': 'forge',
};

/** An error that only time mends puts the job on hold until then and is charged to nobody. */
function holdOf(
  { clock }: EngineDependencies,
  job: Job,
  error: OpusError,
): Pick<Job, 'status' | 'waitingFor' | 'runState' | 'holdUntil' | 'error'> | null {
  if (dispositionOf(error.code) !== 'hold') return null;
  if (error.code === 'registry.disk-full') {
    return {
      status: 'waiting',
      waitingFor: 'disk',
      runState: 'waiting',
      holdUntil: clock.now() + diskLookMs,
      error: error.summary(),
    };
  }
  const holdUntil = error.summary().until ?? clock.now() + unknownResetMs;
  const waitingFor = holdReasons[error.code] ?? 'circuit';
  const until = new Date(holdUntil).toISOString().replace(/:\d\d\.\d+Z$/, 'Z');
  return {
    status: 'waiting',
    waitingFor,
    runState: 'waiting',
    holdUntil,
    error: { ...error.summary(), hint: error.hint ?? `${job.id} goes on by itself after ${until}.` },
  };
}

function pullRequestEvents(job: Job, outcome: StageOutcome): (readonly [string, Readonly<Record<string, unknown>>])[] {
  const after = outcome.jobFields?.pullRequest;
  if (!after) return [];
  const data = { number: after.number, url: after.url };
  if (after.state === 'merged') return [['pr.merged', data]];
  return [[job.pullRequest === null ? 'pr.opened' : 'pr.updated', data]];
}

async function stageRun(
  dependencies: EngineDependencies,
  job: Job,
  attempt: Attempt,
  feedback: readonly Feedback[],
  signal: AbortSignal,
): Promise<StageRun> {
  const featureRequest = await noteOfJob(dependencies, job);
  if (featureRequest === null) {
    throw new OpusError(
      'vault.fr-not-found',
      `The note ${job.notePath} of ${job.id} is not the feature request ${job.featureRequestId} any more.`,
      {
        hint: `Put the note back, then: opus job retry ${job.id}`,
      },
    );
  }
  const repositoryConfig = dependencies.config.repos[job.repository];
  if (!repositoryConfig) {
    throw new OpusError(
      'git.repository-missing',
      `opus.yml names no repository "${job.repository}" any more, which ${job.id} works on.`,
      {
        hint: `Add repos.${job.repository} to opus.yml.`,
      },
    );
  }
  return {
    job: dependencies.registry.job(job.id) ?? job,
    attempt,
    featureRequest,
    feedback,
    repository: { name: job.repository, url: repositoryConfig.url },
    repositoryConfig,
    limits: dependencies.config.limits.sandbox,
    signal,
  };
}

/** The name of the agent that would work in a stage, for the record; null where none does. */
export async function agentNameOf(dependencies: EngineDependencies, job: Job, stage: Stage): Promise<string | null> {
  if (stage === 'deliver' || stage === 'merge') return null;
  const featureRequest = await noteOfJob(dependencies, job);
  if (featureRequest === null) return null;
  return selectAgent(dependencies.confirmed().profiles, stage, featureRequest)?.name ?? null;
}

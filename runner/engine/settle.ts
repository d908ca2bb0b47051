import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { Gate } from '#shared/domain/gate.ts';
import { ciFilesOf, ciSentence } from '../core/pipeline/ci-change.ts';
import type { Next } from '../core/pipeline/position.ts';
import { planHash, questionHash } from './plan-hash.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { generationOf } from './generation.ts';
import { recordJob } from './job-recorder.ts';
import { approversOf } from './next-of-job.ts';
import { noteOfJob } from './note-of-job.ts';
import type { EngineDependencies } from './stage-context.ts';
import { headOf } from './stages/head.ts';
import { planTextOf } from './stages/plan-text.ts';

/** Records where a job has come to rest: at a gate, with a person, or at its end. Repeating it records nothing more. */
export async function settle(
  dependencies: EngineDependencies,
  job: Job,
  upcoming: Exclude<Next, { kind: 'stage' }>,
): Promise<void> {
  const { registry } = dependencies;
  const key = `${job.id}/settle/${registry.attempts(job.id).length}.${generationOf(registry, job.id)}`;
  switch (upcoming.kind) {
    case 'gate': {
      const gate = await gateOf(dependencies, job, upcoming);
      const asked = upcoming.gate === 'question' || upcoming.gate === 'budget' ? upcoming.gate : null;
      const error = 'attempt' in upcoming ? upcoming.attempt.error : errorOfGate(dependencies, job, gate);
      recordJob(registry, key, job, {
        fields: { status: 'waiting', waitingFor: asked ?? 'approval', runState: 'waiting', slot: null, gate, error },
        events: [['approval.requested', { gate: gate.kind, hash: gate.hash }]],
      });
      return;
    }
    case 'human':
      recordJob(registry, key, job, {
        fields: {
          status: 'waiting',
          waitingFor: 'human',
          runState: 'waiting',
          slot: null,
          gate: null,
          error: upcoming.error,
        },
        events: [['job.waiting', { waitingFor: 'human', error: { ...upcoming.error } }]],
      });
      return;
    case 'failed':
      recordJob(registry, key, job, {
        fields: {
          status: 'failed',
          waitingFor: null,
          runState: 'failed',
          slot: null,
          gate: null,
          error: upcoming.error,
        },
        events: [['job.failed', { error: { ...upcoming.error } }]],
      });
      break;
    case 'rejected':
      recordJob(registry, key, job, {
        fields: await canceledFields(dependencies, job),
        events: [['job.canceled', { reason: 'rejected', comment: upcoming.comment }]],
        noteStatus: job.reverts !== null ? 'done' : upcoming.parks === true ? 'parked' : 'rejected',
      });
      break;
    case 'done':
      recordJob(registry, key, job, {
        fields: { status: 'succeeded', waitingFor: null, runState: 'done', slot: null, gate: null, error: null },
        events: [['job.succeeded', { mergeCommit: job.mergeCommit }]],
      });
      break;
  }
  await cleanUp(dependencies, job.id);
}

/** What a gate has to say beside that it asks: what is to be pushed, or whose approval is there already. */
function errorOfGate(dependencies: EngineDependencies, job: Job, gate: Gate): ErrorSummary | null {
  if (gate.kind !== 'ci') return missingApprovals(dependencies, job, gate.kind);
  const attempts = dependencies.registry.attempts(job.id);
  const coded = attempts.findLast(({ stage, status }) => stage === 'code' && status === 'passed');
  return ciSentence(job.id, job.featureRequestId, ciFilesOf(coded?.result), gate.hash);
}

/** Where several people approve: who has, and that another one is waited for. */
function missingApprovals(dependencies: EngineDependencies, job: Job, gate: Gate['kind']): Job['error'] {
  const approvers = gate === 'merge' ? approversOf(dependencies, job.id) : [];
  if (approvers.length === 0) return null;
  return {
    code: 'registry.approval-missing',
    message: `${approvers.length} of 2 approvals: ${approvers.join(', ')} approved ${job.id}.`,
    hint: `Another person decides: opus approve ${job.featureRequestId}`,
  };
}

/** What a person is shown at a gate, and so what a decision is bound to. */
export async function gateOf(
  dependencies: EngineDependencies,
  job: Job,
  upcoming: Extract<Next, { kind: 'gate' }>,
): Promise<Gate> {
  const { gate: kind } = upcoming;
  if (kind === 'merge') return { kind, hash: headOf(job) };
  if (kind === 'ci') return { kind, hash: upcoming.hash };
  if ('attempt' in upcoming) return { kind, hash: questionHash(upcoming.attempt) };
  const featureRequest = await noteOfJob(dependencies, job);
  const plan = planTextOf(dependencies.registry.attempts(job.id)).text ?? '';
  return { kind, hash: planHash(plan, featureRequest?.contentHash ?? '') };
}

/** What a job is once it is canceled, by a person's word; its open pull request is closed. */
export async function canceledFields(dependencies: EngineDependencies, job: Job): Promise<Partial<Job>> {
  return {
    status: 'canceled',
    waitingFor: null,
    runState: 'canceled',
    slot: null,
    gate: null,
    error: null,
    ...(await closePullRequest(dependencies, job)),
  };
}

/** Closes the job's open pull request, where it has one; the branch stays. */
async function closePullRequest(dependencies: EngineDependencies, job: Job): Promise<Pick<Job, 'pullRequest'>> {
  if (job.pullRequest?.state !== 'open') return { pullRequest: job.pullRequest };
  const url = dependencies.config.repos[job.repository]?.url ?? '';
  const closed = await dependencies
    .forgeOf(job.repository)
    .close({ name: job.repository, url }, job.pullRequest.number);
  return { pullRequest: { ...job.pullRequest, state: closed.state } };
}

/** Trees and attempt folders go; commits, logs and reports stay. What cannot be removed now is left for the next start. */
export async function cleanUp(dependencies: EngineDependencies, jobId: string): Promise<void> {
  try {
    await dependencies.worktrees.remove(jobId);
    await dependencies.files.removeJob(jobId);
  } catch (thrown) {
    dependencies.log.warn({ err: thrown, job: jobId }, `The working files of ${jobId} could not be removed yet.`);
  }
}

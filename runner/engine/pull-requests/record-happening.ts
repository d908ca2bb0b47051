import type { Job } from '../../core/ports/job-registry.ts';
import type { Happening } from '../../core/pull-request/happening.ts';
import { generationOf } from '../generation.ts';
import { recordJob, type JobChange } from '../job-recorder.ts';
import type { EngineDependencies } from '../stage-context.ts';

/** Records what happened to the job's pull request, once under its key; what follows from it the pipeline decides. */
export function recordHappening(dependencies: EngineDependencies, job: Job, key: string, happening: Happening): Job {
  const { registry, clock } = dependencies;
  const recorded = { jobId: job.id, key, happening, at: clock.now(), generation: generationOf(registry, job.id) };
  return recordJob(registry, `${job.id}/happening/${key}`, job, {
    fields: fieldsOf(dependencies, job, happening),
    events: [eventOf(happening)],
    ...(isLookedAtAgain(happening) ? { noteStatus: null } : {}),
    also: { happening: recorded },
  });
}

/** What changes nothing for the pipeline leaves the job as it is. */
function isLookedAtAgain(happening: Happening): boolean {
  // A job that is to end is stopped by whoever records that.
  if (happening.kind === 'command') return happening.taken && ['retry', 'fix'].includes(happening.command);
  return happening.kind !== 'checks-rerun';
}

function fieldsOf({ clock }: EngineDependencies, job: Job, happening: Happening): JobChange['fields'] {
  if (!isLookedAtAgain(happening)) return {};
  return {
    status: 'running',
    waitingFor: null,
    gate: null,
    error: null,
    holdUntil: null,
    runState: 'waiting',
    queuedAt: clock.now(),
    // At a gate the run is parked and goes on; elsewhere it has ended.
    run: job.gate === null ? job.run + 1 : job.run,
    ...ofPullRequest(job, happening),
  };
}

function ofPullRequest({ pullRequest }: Job, happening: Happening): JobChange['fields'] {
  switch (happening.kind) {
    case 'merged':
      return {
        mergeCommit: happening.commit,
        ...(pullRequest === null ? {} : { pullRequest: { ...pullRequest, state: 'merged' } }),
      };
    case 'closed':
      return pullRequest === null ? {} : { pullRequest: { ...pullRequest, state: 'closed' } };
    case 'reopened':
      return pullRequest === null ? {} : { pullRequest: { ...pullRequest, state: 'open' } };
    case 'pushed':
      return happening.adopted ? { headCommit: happening.commit } : {};
    default:
      return {};
  }
}

function eventOf(happening: Happening): readonly [string, Readonly<Record<string, unknown>>] {
  switch (happening.kind) {
    case 'checks-failed':
      return ['checks.failed', { commit: happening.commit, checks: happening.failures.map(({ check }) => check) }];
    case 'checks-rerun':
      return ['checks.rerun', { commit: happening.commit, checks: happening.checks }];
    case 'remarks':
      return ['review.received', { authors: [...new Set(happening.remarks.map(({ author }) => author))] }];
    case 'conflict':
      return ['pr.conflicted', { files: happening.refusal.files }];
    case 'pushed':
      return ['pr.pushed', { commit: happening.commit, by: happening.by, adopted: happening.adopted }];
    case 'branch-deleted':
      return ['pr.branch-deleted', {}];
    case 'command':
      return ['command.given', { command: happening.command, author: happening.author, taken: happening.taken }];
    case 'closed':
      return ['pr.closed', { by: happening.by }];
    case 'reopened':
      return ['pr.reopened', {}];
    case 'merged':
      return ['pr.merged', { commit: happening.commit, by: happening.by }];
  }
}

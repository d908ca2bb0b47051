import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { jobId } from '#shared/domain/ids.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { outboxOf, recordJob } from './job-recorder.ts';
import type { RunningJobs } from './running-jobs.ts';
import type { EngineDependencies } from './stage-context.ts';

/**
 * A new job of the same request that takes a merged one out of its base again: its commit is made here, so that it begins
 * with the tests and waits at its merge gate as any other. Asked again while that is open, it is the same job.
 */
export async function revertJob(dependencies: EngineDependencies, merged: Job, comment: string): Promise<Job> {
  const { registry, clock, worktrees, config } = dependencies;
  const open = registry.newestJobOf(merged.featureRequestId);
  if (open !== null && !isFinished(open.status)) {
    if (open.reverts === merged.id) return open;
    throw refused(merged, `${open.id} of the same request is not finished`, `End it first: opus job cancel ${open.id}`);
  }
  const url = config.repos[merged.repository]?.url;
  if (merged.status !== 'succeeded' || merged.mergeCommit === null || merged.headCommit === null || url === undefined) {
    throw refused(merged, `it is ${merged.status} and nothing of it is merged`, `opus job show ${merged.id}`);
  }
  const repository = { name: merged.repository, url };
  const base = await worktrees.fetch(repository, merged.base);
  const number = registry.highestNumber(merged.featureRequestId) + 1;
  const id = jobId(merged.featureRequestId, number);
  const reason = comment === '' ? '' : `${comment}\n\n`;
  const outcome = await worktrees.revert({
    repository,
    base,
    merge: merged.mergeCommit,
    head: merged.headCommit,
    message: `Revert ${merged.featureRequestId}: ${merged.title}\n\n${reason}This reverts ${merged.mergeCommit}, the merge of ${merged.id}.`,
    trailers: [['Opus-Job', id]],
  });
  if (outcome.kind === 'nothing') {
    throw refused(
      merged,
      `nothing of it is in ${merged.base} any more`,
      `opus job diff ${merged.id} shows what it was.`,
    );
  }
  if (outcome.kind === 'conflict') {
    throw new OpusError(
      'git.conflict',
      `${merged.id} cannot be taken back by itself: ${outcome.files.join(', ')} changed again in ${merged.base} since.`,
      { hint: 'Revert what was built on it first, or write a request that says what is to go.' },
    );
  }
  await worktrees.keep(repository, id, outcome.commit);
  const now = clock.now();
  const current = registry.newestJobOf(merged.featureRequestId);
  if (current !== null && !isFinished(current.status)) return current;
  const job: Job = {
    ...merged,
    id,
    number,
    status: 'queued',
    waitingFor: null,
    runState: 'queued',
    baseCommit: base,
    headCommit: outcome.commit,
    branch: `opus/revert-${merged.id}`,
    reverts: merged.id,
    gate: null,
    pullRequest: null,
    mergeCommit: null,
    error: null,
    noteStatus: 'in-progress',
    run: 1,
    slot: null,
    pausedBy: null,
    agent: null,
    holdUntil: null,
    // It waits for no dependency: what it takes back was built on them.
    admittedAt: now,
    queuedAt: now,
    missingSince: null,
    checkout: null,
    createdAt: now,
    updatedAt: now,
  };
  registry.commit(`${id}/revert`, null, {
    insertJob: job,
    events: [
      {
        type: 'job.queued',
        jobId: id,
        data: { fr: job.featureRequestId, path: job.notePath, reverts: merged.id, comment },
      },
    ],
    outbox: outboxOf(job, 'in-progress', merged.noteStatus, []),
  });
  return job;
}

/** What was built on the reverted request, or is being built, is put before a person. */
export async function holdDependents(
  dependencies: EngineDependencies,
  running: RunningJobs,
  revert: Job,
  notes: readonly FeatureRequest[],
): Promise<void> {
  const { registry } = dependencies;
  for (const id of dependentsOf(revert.featureRequestId, notes)) {
    const job = registry.newestJobOf(id);
    // One that has not begun waits for what it depends on anyway.
    if (job === null || job.admittedAt === null || job.status === 'canceled' || job.status === 'failed') continue;
    if (job.waitingFor === 'human') continue;
    const isOver = isFinished(job.status);
    if (!isOver) {
      running.stop(job.id);
      await running.settled(job.id);
    }
    const current = registry.job(job.id) ?? job;
    const error = {
      code: 'vault.dependency-reverted' as const,
      message: `${revert.featureRequestId}, which ${id} depends on, is being reverted by ${revert.id}.`,
      hint: isOver
        ? `Revert it too, if it cannot do without: opus job revert ${job.id}`
        : `To go on all the same: opus job retry ${job.id}`,
    };
    const rest = {
      status: 'waiting',
      waitingFor: 'human',
      runState: 'waiting',
      gate: null,
      slot: null,
      holdUntil: null,
    } as const;
    recordJob(registry, null, current, {
      fields: isOver ? { error } : { ...rest, error },
      events: [['job.waiting', { waitingFor: 'human', error: { ...error } }]],
      ...(isOver ? { noteStatus: 'needs-human' as const } : {}),
    });
    running.allow(job.id);
  }
}

function dependentsOf(id: string, notes: readonly FeatureRequest[]): string[] {
  const found = new Set<string>();
  for (const wanted = [id]; ;) {
    const next = wanted.pop();
    if (next === undefined) return [...found];
    for (const note of notes) {
      if (found.has(note.id) || note.id === id || !note.dependsOn.includes(next)) continue;
      found.add(note.id);
      wanted.push(note.id);
    }
  }
}

function refused(job: Job, why: string, hint: string): OpusError {
  return new OpusError('registry.not-revertable', `${job.id} cannot be reverted: ${why}.`, { hint });
}

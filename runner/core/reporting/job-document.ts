import { formatGate } from '#shared/domain/gate.ts';
import type { JobDocument, StageDocument } from '#shared/domain/job.ts';
import type { Attempt, Job, UsageTotal } from '../ports/job-registry.ts';
import { costText } from './cost.ts';

/** The one JSON shape of a job. One entry a stage and round, in the order in which they were first begun. */
export function jobDocumentOf(
  job: Job,
  attempts: readonly Attempt[],
  used: readonly UsageTotal[],
  weaker: readonly string[],
  now: number,
): JobDocument {
  return {
    job: job.id,
    fr: job.featureRequestId,
    status: job.status,
    waitingFor: job.waitingFor,
    runState: job.runState,
    stages: stageDocuments(attempts, now),
    rounds: attempts.reduce((most, attempt) => Math.max(most, attempt.round), 0),
    branch: job.branch,
    commit: job.mergeCommit ?? job.headCommit,
    pr: job.pullRequest,
    gate: job.gate === null ? null : formatGate(job.gate),
    cost: costText(used) || null,
    weaker: [...weaker],
    error: job.error,
  };
}

function stageDocuments(attempts: readonly Attempt[], now: number): StageDocument[] {
  const documents = new Map<string, StageDocument>();
  for (const attempt of attempts) {
    const key = `${attempt.stage}.${attempt.round}`;
    const before = documents.get(key);
    const status = attempt.status === 'interrupted' ? 'failed' : attempt.status;
    documents.set(key, {
      name: attempt.stage,
      status,
      round: attempt.round,
      attempts: (before?.attempts ?? 0) + 1,
      durationMs: (before?.durationMs ?? 0) + Math.max(0, (attempt.endedAt ?? now) - attempt.startedAt),
      ...(attempt.evidence.length > 0 ? { evidence: [...attempt.evidence] } : {}),
    });
  }
  return [...documents.values()];
}

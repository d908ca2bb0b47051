import { formatGate } from '#shared/domain/gate.ts';
import type { DecisionDocument, JobDocument, StageDocument } from '#shared/domain/job.ts';
import type { Attempt, Job, RecordedDecision, RegistryReader } from '../ports/job-registry.ts';
import { weaknessesOfJob } from '../weaker.ts';
import { costText } from './cost.ts';
import { leftToPersonOf } from './left-to-person.ts';

/** The one JSON shape of a job. One entry a stage and round, in the order in which they were first begun. */
export function jobDocumentOf(
  registry: Pick<RegistryReader, 'attempts' | 'usage' | 'decisions' | 'events'>,
  job: Job,
  now: number,
): JobDocument {
  const attempts = registry.attempts(job.id);
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
    cost: costText(registry.usage({ jobId: job.id })) || null,
    weaker: [...weaknessesOfJob(registry, job.id)],
    decisions: registry.decisions(job.id).map(decisionDocument),
    leftToPerson: [...leftToPersonOf(registry, job.id, job.headCommit)],
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

function decisionDocument({ kind, gate, comment, person, device, channel, at }: RecordedDecision): DecisionDocument {
  return { kind, gate: formatGate(gate), comment, person, device, channel, at: new Date(at).toISOString() };
}

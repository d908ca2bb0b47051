import { orderHistory, type HistoryEntry } from '../core/pipeline/history.ts';
import { approversIn, next } from '../core/pipeline/next.ts';
import type { Next, PipelinePolicy } from '../core/pipeline/position.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { EngineDependencies } from './stage-context.ts';

/** What comes next by the registry, for a job that goes on. */
export function nextOf(dependencies: EngineDependencies, jobId: string): Next {
  return next(historyOf(dependencies, jobId), pipelinePolicy(dependencies, jobId));
}

/** Who approved the merge of what the job has now. */
export function approversOf(dependencies: EngineDependencies, jobId: string): readonly string[] {
  return approversIn(historyOf(dependencies, jobId), pipelinePolicy(dependencies, jobId));
}

function historyOf({ registry }: EngineDependencies, jobId: string): HistoryEntry[] {
  return orderHistory(
    registry.attempts(jobId),
    registry.decisions(jobId),
    registry.retries(jobId),
    registry.happenings(jobId),
  );
}

/** A revert has its commit already: it is tested and waits for its merge, and what fails in it is a person's. */
const stagesOfReverts: readonly Stage[] = ['test', 'deliver', 'merge'];

function pipelinePolicy(dependencies: EngineDependencies, jobId: string): PipelinePolicy {
  const isRevert = (dependencies.registry.job(jobId)?.reverts ?? null) !== null;
  const { policy } = dependencies.confirmed();
  return {
    stages: isRevert ? stagesOfReverts : policy.stages,
    rounds: isRevert ? 0 : (policy.rounds ?? dependencies.config.rounds),
    attempts: dependencies.config.retry.attempts,
    crashes: dependencies.config.retry.crashes,
    planGate: policy.planApproval,
    checkRounds: policy.pullRequests.checkRounds,
    remarkRounds: policy.pullRequests.remarkRounds,
    ciGate: true,
    approvals: policy.fourEyes ? 2 : 1,
  };
}

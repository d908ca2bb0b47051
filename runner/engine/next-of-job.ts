import { orderHistory, type HistoryEntry } from '../core/pipeline/history.ts';
import { approversIn, next } from '../core/pipeline/next.ts';
import type { Next, PipelinePolicy } from '../core/pipeline/position.ts';
import type { EngineDependencies } from './stage-context.ts';

/** What comes next by the registry, for a job that goes on. */
export function nextOf(dependencies: EngineDependencies, jobId: string): Next {
  return next(historyOf(dependencies, jobId), pipelinePolicy(dependencies));
}

/** Who approved the merge of what the job has now. */
export function approversOf(dependencies: EngineDependencies, jobId: string): readonly string[] {
  return approversIn(historyOf(dependencies, jobId), pipelinePolicy(dependencies));
}

function historyOf({ registry }: EngineDependencies, jobId: string): HistoryEntry[] {
  return orderHistory(
    registry.attempts(jobId),
    registry.decisions(jobId),
    registry.retries(jobId),
    registry.happenings(jobId),
  );
}

function pipelinePolicy(dependencies: EngineDependencies): PipelinePolicy {
  const { policy } = dependencies.confirmed();
  return {
    stages: policy.stages,
    rounds: policy.rounds ?? dependencies.config.rounds,
    attempts: dependencies.config.retry.attempts,
    crashes: dependencies.config.retry.crashes,
    planGate: policy.planApproval,
    checkRounds: policy.pullRequests.checkRounds,
    remarkRounds: policy.pullRequests.remarkRounds,
    ciGate: true,
    approvals: policy.fourEyes ? 2 : 1,
  };
}

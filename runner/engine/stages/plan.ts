import type { PlanResult } from '#shared/domain/stage.ts';
import { fixContextOf } from '../../core/pipeline/feedback.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { runAgent } from './run-agent.ts';

/** The planner sees the base read-only. */
export async function runPlan(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const commit = run.job.headCommit ?? (await dependencies.worktrees.fetch(run.repository, run.job.base));
  const tree = await dependencies.worktrees.prepare({
    repository: run.repository,
    job: run.job.id,
    use: 'agent',
    commit,
    writable: false,
  });
  const answer = await runAgent(dependencies, run, {
    stage: 'plan',
    tree,
    treeMode: 'read-only',
    plan: null,
    variables: { comment: fixContextOf(run.feedback).comment },
  });
  const { refusedHosts } = answer.report;
  if (answer.kind === 'canceled') return { status: 'canceled', sentence: 'canceled', result: null, refusedHosts };
  const plan = answer.result as PlanResult;
  return {
    status: 'passed',
    sentence: `${plan.steps.length} ${plan.steps.length === 1 ? 'step' : 'steps'}: ${plan.summary}`,
    result: plan,
    refusedHosts,
    jobFields: { baseCommit: run.job.baseCommit ?? commit },
  };
}

import type { PlanResult } from '#shared/domain/stage.ts';
import { fixContextOf } from '../../core/pipeline/feedback.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { runAgent } from './run-agent.ts';

/** Dispatch looked at the origin itself; a job that began this soon after it need not look again. */
const baseFreshMs = 10_000;

/** The planner sees the base read-only. */
export async function runPlan(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const isFresh = dependencies.clock.now() - run.job.createdAt < baseFreshMs;
  const commit =
    run.job.headCommit ??
    (isFresh ? run.job.baseCommit : null) ??
    (await dependencies.worktrees.fetch(run.repository, run.job.base));
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

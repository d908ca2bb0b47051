import { isBlocking, reviewPasses, type ReviewResult } from '#shared/domain/stage.ts';
import { findTampering } from '../../core/tamper/find-tampering.ts';
import { fixContextOf } from '../../core/pipeline/feedback.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { baseOf, headOf } from './head.ts';
import { planTextOf } from './plan-text.ts';
import { runAgent } from './run-agent.ts';

const diffBytes = 200_000;

/** The reviewer sees the commit read-only, the plan, the diff, the evidence and the rules. */
export async function runReview(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const head = headOf(run.job);
  const attempts = dependencies.registry.attempts(run.job.id);
  const plan = planTextOf(attempts);
  const { worktrees } = dependencies;
  const [tree, diff] = await Promise.all([
    worktrees.prepare({ repository: run.repository, job: run.job.id, use: 'agent', commit: head, writable: false }),
    worktrees.diff(run.repository, baseOf(run.job), head, diffBytes),
  ]);
  const answer = await runAgent(dependencies, run, {
    stage: 'review',
    tree,
    treeMode: 'read-only',
    plan: plan.text,
    variables: {
      plan: plan.plan,
      diff,
      tampering: findTampering(diff),
      comment: fixContextOf(run.feedback).comment,
      evidence: attempts.findLast((attempt) => attempt.stage === 'test')?.evidence.at(-1) ?? null,
    },
  });
  const { refusedHosts } = answer.report;
  if (answer.kind === 'canceled') return { status: 'canceled', sentence: 'canceled', result: null, refusedHosts };
  const review = answer.result as ReviewResult;
  const blocking = review.issues.filter(isBlocking).length;
  const passed = reviewPasses(review);
  const counted = blocking > 0 ? `, ${blocking} ${blocking === 1 ? 'issue' : 'issues'} to mend` : '';
  return {
    status: passed ? 'passed' : 'rejected',
    sentence: `${passed ? 'pass' : 'fail'} at confidence ${review.confidence}${counted}: ${review.summary}`,
    result: review,
    commit: head,
    refusedHosts,
  };
}

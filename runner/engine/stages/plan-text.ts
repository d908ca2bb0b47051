import { planResult, type PlanResult } from '#shared/domain/stage.ts';
import type { Attempt } from '../../core/ports/job-registry.ts';

/** The newest plan of a job, as data for prompts and as the text of OPUS_PLAN_FILE. */
export function planTextOf(attempts: readonly Attempt[]): {
  readonly plan: PlanResult | null;
  readonly text: string | null;
} {
  const attempt = attempts.findLast((candidate) => candidate.stage === 'plan' && candidate.status === 'passed');
  const parsed = planResult.safeParse(attempt?.result);
  if (!parsed.success) return { plan: null, text: null };
  const plan = parsed.data;
  const steps = plan.steps.map((step, index) => {
    const files = step.files && step.files.length > 0 ? ` (${step.files.join(', ')})` : '';
    return `${index + 1}. ${step.title}${files}${step.details ? `\n   ${step.details.replaceAll('\n', '\n   ')}` : ''}`;
  });
  const risks =
    plan.risks && plan.risks.length > 0 ? `\n\nRisks:\n${plan.risks.map((risk) => `- ${risk}`).join('\n')}` : '';
  return { plan, text: `${plan.summary}\n\n${steps.join('\n')}${risks}\n` };
}

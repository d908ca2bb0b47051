import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { reviewResult } from '#shared/domain/stage.ts';
import type { Attempt, Job } from '../ports/job-registry.ts';
import type { DiffStat } from '../ports/worktrees.ts';
import { evidenceLine, issueLine } from './lines.ts';

/** Title and description of a pull request, from the FR and the evidence. */
export function pullRequestText(
  job: Job,
  featureRequest: Pick<FeatureRequest, 'id' | 'title' | 'path'>,
  attempts: readonly Attempt[],
  stat: DiffStat,
  facts: { readonly tested: boolean; readonly weaker: readonly string[] },
): { readonly title: string; readonly body: string } {
  const plan = attempts.findLast((attempt) => attempt.stage === 'plan' && attempt.status === 'passed');
  const tested = attempts.findLast((attempt) => attempt.stage === 'test' && attempt.evidence.length > 0);
  const reviewed = reviewResult.safeParse(attempts.findLast((attempt) => attempt.stage === 'review')?.result);
  const summary = (plan?.result as { summary?: string } | null)?.summary;
  const sections = [
    `Job ${job.id} for the feature request ${featureRequest.id} (${featureRequest.path}).`,
    ...(summary ? [`## Plan\n\n${summary}`] : []),
    `## Tests\n\n${
      tested
        ? tested.evidence.map((evidence) => `- ${evidenceLine(evidence)}`).join('\n')
        : facts.tested
          ? 'The tests have not run.'
          : '**No test command is configured for this repository: nothing was tested.**'
    }`,
    ...(reviewed.success
      ? [
          `## Review\n\n${reviewed.data.verdict} at confidence ${reviewed.data.confidence}: ${reviewed.data.summary}`,
          ...(reviewed.data.issues.length > 0
            ? [reviewed.data.issues.map((issue) => `- ${issueLine(issue)}`).join('\n')]
            : []),
        ]
      : []),
    `## Change\n\n${stat.files.length} ${stat.files.length === 1 ? 'file' : 'files'}, +${stat.added} −${stat.removed}`,
    ...facts.weaker.map((weakness) => `**Weaker: ${weakness}.**`),
  ];
  return { title: `${featureRequest.id}: ${featureRequest.title}`, body: `${sections.join('\n\n')}\n` };
}

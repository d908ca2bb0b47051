import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { reviewResult } from '#shared/domain/stage.ts';
import type { Attempt, Job } from '../ports/job-registry.ts';
import type { DiffStat } from '../ports/worktrees.ts';
import type { TamperFinding } from '../tamper/find-tampering.ts';
import { evidenceLine, issueLine } from './lines.ts';

export interface PullRequestFacts {
  readonly tested: boolean;
  readonly weaker: readonly string[];
  readonly tampering: readonly TamperFinding[];
  /** As `costText` says it; empty for nothing. */
  readonly cost: string;
  /** By which the vault that the note is in is opened. */
  readonly vaultName: string;
}

/** Title and description of a pull request, from the FR and the evidence. */
export function pullRequestText(
  job: Job,
  featureRequest: Pick<FeatureRequest, 'id' | 'title' | 'path'>,
  attempts: readonly Attempt[],
  stat: DiffStat,
  facts: PullRequestFacts,
): { readonly title: string; readonly body: string } {
  const plan = attempts.findLast((attempt) => attempt.stage === 'plan' && attempt.status === 'passed');
  const tested = attempts.findLast((attempt) => attempt.stage === 'test' && attempt.evidence.length > 0);
  const reviewed = reviewResult.safeParse(attempts.findLast((attempt) => attempt.stage === 'review')?.result);
  const summary = (plan?.result as { summary?: string } | null)?.summary;
  const sections = [
    ...(job.reverts === null ? [] : [`This takes the merge of ${job.reverts} back.`]),
    `Job ${job.id} for the feature request [${featureRequest.id}](${noteLink(facts.vaultName, featureRequest.path)}) (${featureRequest.path}).`,
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
    ...(facts.tampering.length > 0 ? [tamperText(facts.tampering)] : []),
    `## Change\n\n${stat.files.length} ${stat.files.length === 1 ? 'file' : 'files'}, +${stat.added} −${stat.removed}`,
    ...(facts.cost === '' ? [] : [`Cost so far: ${facts.cost}.`]),
    ...facts.weaker.map((weakness) => `**Weaker: ${weakness}.**`),
  ];
  const title = `${featureRequest.id}: ${featureRequest.title}`;
  return { title: job.reverts === null ? title : `Revert ${title}`, body: `${sections.join('\n\n')}\n` };
}

function tamperText(findings: readonly TamperFinding[]): string {
  const lines = findings
    .slice(0, 50)
    .map(({ file, line, message }) => `- ${file}${line === null ? '' : `:${line}`}: ${message}`);
  return `## Look at these\n\nThe change touches what tells whether it works:\n\n${lines.join('\n')}`;
}

function noteLink(vaultName: string, path: string): string {
  return `obsidian://open?vault=${encodeURIComponent(vaultName)}&file=${encodeURIComponent(path)}`;
}

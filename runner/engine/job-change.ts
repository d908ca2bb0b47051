import { OpusError } from '#shared/domain/errors.ts';
import { reviewResult } from '#shared/domain/stage.ts';
import type { DiffDocument } from '#shared/protocol/review-documents.ts';
import { boundedDiff } from '../core/diff/bounded-diff.ts';
import { parseDiff } from '../core/diff/parse-diff.ts';
import { deliveredOf } from '../core/pull-request/delivered.ts';
import type { Attempt, Job } from '../core/ports/job-registry.ts';
import { findTampering } from '../core/tamper/find-tampering.ts';
import type { EngineDependencies } from './stage-context.ts';

/** What is longer is read to its end by nobody; `opus job diff` and the pull request have all of it. */
const mostBytes = 1_000_000;
const mostLines = 15_000;
const mostIssues = 200;
const longestMessage = 4_000;

/** All that a person reads before deciding on a job's change. */
export async function changeOfJob(dependencies: EngineDependencies, job: Job): Promise<DiffDocument> {
  const { registry } = dependencies;
  const attempts = registry.attempts(job.id);
  const { text, ...diff } = await diffOf(dependencies, job);
  const reviewed = attempts.findLast(({ stage, result }) => stage === 'review' && result !== null);
  const review = reviewResult.safeParse(reviewed?.result);
  const delivered = attempts.findLast(({ stage, status }) => stage === 'deliver' && status === 'passed');
  const told = delivered !== undefined && delivered.commit === job.headCommit ? deliveredOf(delivered.result) : null;
  return {
    job: job.id,
    base: job.baseCommit,
    head: job.headCommit,
    gate: gateOn(job),
    ...diff,
    issues: review.success ? review.data.issues.slice(0, mostIssues).map(shortened) : [],
    review:
      review.success && reviewed !== undefined
        ? {
            verdict: review.data.verdict,
            confidence: review.data.confidence,
            summary: review.data.summary.slice(0, longestMessage),
            round: reviewed.round,
          }
        : null,
    tamper: [...(told?.tampering ?? findTampering(text))],
    evidence: evidenceIn(attempts),
  };
}

/** Other gates ask about something else. */
function gateOn({ gate }: Job): string | null {
  return gate?.kind === 'merge' || gate?.kind === 'ci' ? `${gate.kind}@${gate.hash}` : null;
}

async function diffOf(dependencies: EngineDependencies, job: Job) {
  if (job.headCommit === null || job.baseCommit === null) return { files: [], cut: false, text: '' };
  const url = dependencies.config.repos[job.repository]?.url;
  if (url === undefined) {
    throw new OpusError('git.repository-missing', `opus.yml names no repository ${job.repository} any more.`, {
      hint: `Put it back under "repos" to see the change of ${job.id}.`,
    });
  }
  const { worktrees } = dependencies;
  const repository = { name: job.repository, url };
  const text = await worktrees.diff(repository, job.baseCommit, job.headCommit, mostBytes);
  const parsed = parseDiff(text);
  const stat = parsed.isCut ? await worktrees.diffStat(repository, job.baseCommit, job.headCommit) : null;
  return { ...boundedDiff(parsed, stat, mostLines), text };
}

function shortened(issue: DiffDocument['issues'][number]): DiffDocument['issues'][number] {
  return { ...issue, message: issue.message.slice(0, longestMessage) };
}

function evidenceIn(attempts: readonly Attempt[]): DiffDocument['evidence'] {
  const tested = attempts.findLast(({ stage, evidence }) => stage === 'test' && evidence.length > 0);
  return [...(tested?.evidence ?? [])];
}

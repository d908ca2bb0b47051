import type { StageDocument } from '#shared/domain/job.ts';
import { reviewResult } from '#shared/domain/stage.ts';
import type { BoardJob } from '#shared/protocol/board.ts';
import type { Attempt, Job, RegistryReader, UsageSum } from '../ports/job-registry.ts';
import { toldCheckState } from '../pull-request/check-state.ts';
import { changeSizeIn } from './change-size.ts';
import { jobDocumentOf } from './job-document.ts';
import { standingSentence } from './standing-sentence.ts';

export interface BoardJobSources {
  readonly registry: Pick<RegistryReader, 'attempts' | 'usage' | 'decisions' | 'events'>;
  /** Relative to the vault. */
  readonly reportsFolder: string;
}

const mostEvents = 10_000;
const longestSummary = 2_000;

/** A job as boards show it, from the registry alone, each part of it read once: it is asked for with every event. */
export function boardJobOf({ registry, reportsFolder }: BoardJobSources, job: Job, now: number): BoardJob {
  const attempts = registry.attempts(job.id);
  const used = registry.usage({ jobId: job.id });
  const events = registry.events({ afterSeq: 0, jobId: job.id, limit: mostEvents });
  const known: Parameters<typeof jobDocumentOf>[0] = {
    attempts: () => attempts,
    usage: () => used,
    events: ({ afterSeq, limit }) => events.filter(({ seq }) => seq > afterSeq).slice(0, limit),
    decisions: (id) => registry.decisions(id),
  };
  const working = attempts.findLast(({ status }) => status === 'running');
  const checks = toldCheckState(events, job.headCommit);
  const document = jobDocumentOf(known, job, now);
  return {
    ...document,
    stages: document.stages.map(withoutOutput),
    title: job.title,
    priority: job.priority,
    repository: job.repository,
    notePath: job.notePath,
    reportPath: `${reportsFolder}/${job.id}.md`,
    agent: working?.agent ?? job.agent,
    createdAt: job.createdAt,
    updatedAt: job.updatedAt,
    stage: working === undefined ? null : { name: working.stage, round: working.round, startedAt: working.startedAt },
    pausedBy: job.pausedBy,
    holdUntil: job.holdUntil,
    sentence: standingSentence(job),
    question: job.gate?.kind === 'question' ? (job.error?.message ?? null) : null,
    gateHash: job.gate?.hash ?? null,
    review: reviewIn(attempts),
    tests: testsIn(attempts),
    size: changeSizeIn(attempts),
    checks: checks === null ? null : { state: checks.state, failed: [...checks.failed] },
    dollars: dollarsOf(used),
  };
}

/** What was paid; null where that is not known of all of it. */
export function dollarsOf(used: readonly UsageSum[]): number | null {
  if (used.length === 0 || used.some(({ unpriced }) => unpriced > 0)) return null;
  return used.reduce((sum, { cost }) => sum + cost, 0);
}

/** Boards have room for how a command ended only. */
function withoutOutput({ evidence, ...stage }: StageDocument): StageDocument {
  return evidence === undefined ? stage : { ...stage, evidence: evidence.map((one) => ({ ...one, tail: '' })) };
}

function reviewIn(attempts: readonly Attempt[]): BoardJob['review'] {
  const last = attempts.findLast(({ stage, result }) => stage === 'review' && result !== null);
  const review = reviewResult.safeParse(last?.result);
  if (!review.success) return null;
  const { verdict, confidence, summary, issues } = review.data;
  return { verdict, confidence, summary: summary.slice(0, longestSummary), issues: issues.length };
}

function testsIn(attempts: readonly Attempt[]): BoardJob['tests'] {
  const last = attempts.findLast(({ stage, evidence }) => stage === 'test' && evidence.length > 0);
  const commit = last?.evidence.at(-1)?.commit;
  if (last === undefined || commit === undefined) return null;
  return { passed: last.status === 'passed', commands: last.evidence.length, commit };
}

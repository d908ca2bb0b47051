import type { BoardJob } from '../protocol/board.ts';
import type { Role } from '../protocol/roles.ts';
import { counted, dollars, elapsed, sizeText } from './formats.ts';
import { actionsOf, type JobAction } from './job-actions.ts';
import { statusWord, waitSentence } from './job-words.ts';
import { gateOf, type ShownGate } from './shown-gate.ts';
import { stageLine, stageProgress, type StageProgress } from './stage-progress.ts';

export interface JobFact {
  readonly name: 'tests' | 'review' | 'checks' | 'size' | 'cost' | 'weaker';
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'warning' | 'quiet';
}

export interface JobCardModel {
  readonly job: BoardJob;
  readonly status: string;
  /** `Code, round 2 for 4m 05s`, or why it does not go on; empty where nothing is to be said. */
  readonly sentence: string;
  readonly stages: readonly StageProgress[];
  readonly gate: ShownGate | null;
  /** What a decision rests on. */
  readonly facts: readonly JobFact[];
  readonly actions: readonly JobAction[];
}

/** A job where a note names it. `now` is the runner's clock. */
export function jobCardModel(job: BoardJob, now: number, role: Role | null = null): JobCardModel {
  return {
    job,
    status: statusWord(job),
    sentence:
      job.status === 'running' && job.stage !== null
        ? `${stageLine(job)} for ${elapsed(now - job.stage.startedAt)}.`
        : waitSentence(job, now),
    stages: stageProgress(job),
    gate: job.status === 'waiting' ? gateOf(job) : null,
    facts: jobFacts(job),
    actions: actionsOf(job, role),
  };
}

/** Only what is known. */
export function jobFacts(job: BoardJob): readonly JobFact[] {
  const { tests, review, checks, size } = job;
  const cost = job.dollars === null ? job.cost : dollars(job.dollars);
  return [
    tests && {
      name: 'tests' as const,
      text: tests.passed ? 'Tests passed' : 'Tests failed',
      tone: tests.passed ? ('good' as const) : ('bad' as const),
    },
    review && {
      name: 'review' as const,
      text: `Review ${review.verdict === 'pass' ? 'passed' : 'failed'}, ${Math.round(review.confidence)} % sure${review.issues === 0 ? '' : `, ${counted(review.issues, 'issue')}`}`,
      tone: review.verdict === 'pass' ? ('good' as const) : ('bad' as const),
    },
    checks && checksFact(checks),
    size && { name: 'size' as const, text: sizeText(size), tone: 'quiet' as const },
    cost === null ? null : { name: 'cost' as const, text: cost, tone: 'quiet' as const },
    ...job.weaker.map((text) => ({ name: 'weaker' as const, text, tone: 'warning' as const })),
  ].filter((fact) => fact !== null);
}

function checksFact({ state, failed }: NonNullable<BoardJob['checks']>): JobFact {
  const names = failed.length === 0 ? '' : `: ${failed.join(', ')}`;
  const tones = { passing: 'good', failing: 'bad', pending: 'quiet' } as const;
  return { name: 'checks', text: `Checks ${state}${names}`, tone: tones[state] };
}

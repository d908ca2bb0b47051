import { stages, type Stage } from '../domain/stage.ts';
import type { BoardJob } from '../protocol/board.ts';
import { sentenceCase } from './formats.ts';

export type StageMark = 'done' | 'running' | 'rejected' | 'failed' | 'skipped' | 'waiting';

export interface StageProgress {
  readonly name: Stage;
  readonly mark: StageMark;
  /** `Code: done, round 2`; for who cannot see the mark. */
  readonly text: string;
}

const markWords: Readonly<Record<StageMark, string>> = {
  done: 'done',
  running: 'at work',
  rejected: 'sent back',
  failed: 'failed',
  skipped: 'left out',
  waiting: 'not yet',
};

type StagesOfJob = Pick<BoardJob, 'stages' | 'stage' | 'status'>;

/** How far a job is, for each of the six stages. Rounds count from 0, the first way through. */
export function stageProgress(job: StagesOfJob): readonly StageProgress[] {
  return stages.map((name) => {
    const mark = markOf(job, name);
    const round = lastRound(job, name);
    return { name, mark, text: `${sentenceCase(name)}: ${markWords[mark]}${roundText(round)}` };
  });
}

/** `Code`, `Code, round 2`; empty while it is at no stage. */
export function stageLine(job: StagesOfJob): string {
  return job.stage === null ? '' : `${sentenceCase(job.stage.name)}${roundText(job.stage.round)}`;
}

function markOf(job: StagesOfJob, name: Stage): StageMark {
  if (job.stage?.name === name) return 'running';
  const last = job.stages.findLast((each) => each.name === name);
  const isBehind = job.stages.some((each) => stages.indexOf(each.name) > stages.indexOf(name));
  if (last === undefined) return isBehind || job.status === 'succeeded' ? 'skipped' : 'waiting';
  switch (last.status) {
    case 'running':
      return 'running';
    case 'failed':
    case 'canceled':
      return 'failed';
    case 'rejected':
      return 'rejected';
    case 'passed': {
      // What comes after the stage at work is passed through again.
      const { stage } = job;
      return stage !== null && stages.indexOf(name) > stages.indexOf(stage.name) ? 'waiting' : 'done';
    }
  }
}

function lastRound(job: StagesOfJob, name: Stage): number {
  if (job.stage?.name === name) return job.stage.round;
  return job.stages.findLast((each) => each.name === name)?.round ?? 0;
}

function roundText(round: number): string {
  return round > 0 ? `, round ${round}` : '';
}

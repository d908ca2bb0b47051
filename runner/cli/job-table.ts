import type { JobDocument, JobStatus, StageStatus } from '#shared/domain/job.ts';
import { shortDuration } from './plain-text.ts';
import { tableLines, type Cell, type Paint } from './tables.ts';
import type { Terminal } from './terminal.ts';

const jobColours = {
  queued: 'blue',
  running: 'blue',
  waiting: 'yellow',
  paused: 'yellow',
  succeeded: 'green',
  failed: 'red',
  canceled: 'dim',
} as const satisfies Record<JobStatus, string>;

const stageColours = {
  running: 'blue',
  passed: 'green',
  rejected: 'yellow',
  failed: 'red',
  canceled: 'dim',
} as const satisfies Record<StageStatus, string>;

const waitWords: Readonly<Record<string, string>> = {
  approval: 'your decision',
  human: 'you',
  question: 'your answer',
  slot: 'a free slot',
  dependency: 'another request',
  forge: 'the forge',
};

/** `waiting for your decision`, `running (code)`, `succeeded`; without a process that works on it a job is `stopped (code)`. */
export function standingOf(job: JobDocument, isWorkedOn: boolean): string {
  if (job.status === 'waiting')
    return `waiting for ${waitWords[job.waitingFor ?? ''] ?? job.waitingFor ?? 'something'}`;
  return job.status === 'running' ? `${isWorkedOn ? 'running' : 'stopped'} (${job.runState})` : job.status;
}

function jobCell(terminal: Terminal, job: JobDocument, isWorkedOn: boolean): Cell {
  const paint: Paint = (text) => terminal.paint('out', jobColours[job.status], text);
  return [standingOf(job, isWorkedOn), paint];
}

export function jobTable(terminal: Terminal, jobs: readonly JobDocument[], isWorkedOn: boolean): string[] {
  const rows = jobs.map((job): Cell[] => [
    job.job,
    jobCell(terminal, job, isWorkedOn),
    job.gate ?? '',
    job.pr === null ? '' : `#${job.pr.number} ${job.pr.state}`,
    job.rounds === 0 ? '' : String(job.rounds),
    shortDuration(job.stages.reduce((sum, stage) => sum + stage.durationMs, 0)),
    job.error?.message ?? '',
  ]);
  return tableLines(terminal, ['JOB', 'STATUS', 'GATE', 'PR', 'ROUNDS', 'TIME', 'NOTE'], rows);
}

export function stageTable(terminal: Terminal, job: JobDocument): string[] {
  const rows = job.stages.map((stage): Cell[] => [
    stage.name,
    job.rounds === 0 ? '' : String(stage.round),
    [stage.status, (text) => terminal.paint('out', stageColours[stage.status], text)],
    stage.attempts === 1 ? '' : String(stage.attempts),
    shortDuration(stage.durationMs),
    (stage.evidence ?? [])
      .map(({ argv, exitCode }) => `${argv.join(' ')} → ${exitCode === null ? 'stopped' : `exit ${exitCode}`}`)
      .join(', '),
  ]);
  return tableLines(terminal, ['STAGE', 'ROUND', 'OUTCOME', 'TRIES', 'TIME', 'EVIDENCE'], rows);
}

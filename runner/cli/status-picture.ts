import type { JobDocument } from '#shared/domain/job.ts';
import { isFinished } from '#shared/domain/job-status.ts';
import type { RunnerStatus } from '#shared/protocol/runner-status.ts';
import { jobTable, standingOf } from './job-table.ts';
import { inThisInstallation } from './program-name.ts';
import { plainLine, shortDuration } from './plain-text.ts';
import { tableLines, type Cell } from './tables.ts';
import type { Terminal } from './terminal.ts';

/** A service, as it last wrote down how it is. */
export interface SeenRunner extends RunnerStatus {
  /** Milliseconds since it wrote that; a service that lives writes every few seconds. */
  readonly silentMs: number;
}

export interface Picture {
  readonly runner: SeenRunner | null;
  /** A process that works on one job in the foreground; null when there is none. */
  readonly foreground: number | null;
  /** Unfinished ones and the last finished, oldest first. */
  readonly jobs: readonly JobDocument[];
  readonly now: number;
  readonly command: (words: string) => string;
}

/** Two heartbeats are missing. */
const silentMs = 60_000;

/** What runs and where it is, what waits and for what, what ended and how. */
export function pictureLines(terminal: Terminal, picture: Picture): string[] {
  const { jobs, command } = picture;
  const lines = runnerLines(terminal, picture);
  if (jobs.length === 0) {
    const begin = picture.runner === null ? command('run FR-…') : 'status: planned in a request’s note';
    return [...lines, `There are no jobs yet. Begin one with: ${begin}`];
  }
  const isWorkedOn = picture.runner !== null || picture.foreground !== null;
  const running = jobs.filter((job) => job.status === 'running' && isWorkedOn);
  const resting = jobs.filter((job) => !isFinished(job.status) && !running.includes(job));
  const over = jobs.filter((job) => isFinished(job.status));
  if (running.length > 0) lines.push('', ...section(terminal, 'Running'), ...runningTable(terminal, running));
  if (resting.length > 0)
    lines.push('', ...section(terminal, 'Waiting'), ...waitingTable(terminal, resting, isWorkedOn));
  if (over.length > 0) lines.push('', ...section(terminal, 'Finished'), ...jobTable(terminal, over, isWorkedOn));
  return [...lines, ...weakerLines(terminal, jobs), ...decisionLines(picture)];
}

function section(terminal: Terminal, title: string): string[] {
  return [terminal.paint('out', 'bold', title)];
}

function elsewhereLine({ connected, untold }: NonNullable<RunnerStatus['vaultElsewhere']>): string {
  const waiting =
    untold === 0 ? 'nothing waits to be written' : `${untold} ${untold === 1 ? 'write waits' : 'writes wait'}`;
  if (connected) return `Obsidian is connected and writes the notes; ${waiting}.`;
  return `No Obsidian that brings the vault is connected; ${waiting}. Open it on a device that is paired.`;
}

function runnerLines(terminal: Terminal, { runner, foreground, now, command }: Picture): string[] {
  if (runner === null) {
    return [foreground === null ? 'No runner is working.' : `A runner is working (pid ${foreground}).`];
  }
  const ready = runner.ready ? terminal.paint('out', 'green', 'ready') : terminal.paint('out', 'red', 'not ready');
  const since = shortDuration(Math.max(0, now - runner.startedAt));
  const { vaultElsewhere } = runner;
  const looking = runner.watching ? 'watching the vault' : 'looking at the vault now and then';
  const finding = vaultElsewhere === undefined ? looking : 'with a vault that Obsidian brings';
  const lines = [`The service runs at ${runner.url} (pid ${runner.pid}, for ${since}): ${ready}, ${finding}.`];
  if (vaultElsewhere !== undefined) lines.push(elsewhereLine(vaultElsewhere));
  if (runner.silentMs > silentMs) {
    const text = `It has said nothing for ${shortDuration(runner.silentMs)}: it hangs, or its machine was asleep.`;
    lines.push(terminal.paint('out', 'red', text));
  }
  if (runner.paused !== 'no') {
    const what = runner.paused === 'paused' ? 'Paused: nothing runs or starts.' : 'Draining: nothing starts.';
    lines.push(`${terminal.paint('out', 'yellow', what)} Go on with: ${command('resume --all')}`);
  }
  if (!runner.sandbox.startsWith('isolated')) {
    lines.push(terminal.paint('out', 'red', `Agents are not confined: ${plainLine(runner.sandbox, 300)}`));
  }
  for (const { kind, name, state, until } of runner.circuits) {
    if (state === 'closed') continue;
    const when = until === null ? '' : ` for another ${shortDuration(Math.max(0, until - now))}`;
    const rests = state === 'open' ? `rests${when}, having failed too often in a row` : 'is tried once more';
    lines.push(terminal.paint('out', 'yellow', `The ${kind} ${name} ${rests}.`));
  }
  for (const { message, hint } of runner.problems.slice(0, 8)) {
    lines.push(`${terminal.paint('out', 'yellow', '!')} ${plainLine(message, 500)}`);
    if (hint !== null) lines.push(`  ${plainLine(inThisInstallation(hint, terminal), 500)}`);
  }
  if (runner.problems.length > 8) lines.push(`  and ${runner.problems.length - 8} more`);
  return lines;
}

function runningTable(terminal: Terminal, jobs: readonly JobDocument[]): string[] {
  const rows = jobs.map((job): Cell[] => {
    const stage = job.stages.findLast(({ status }) => status === 'running');
    const tries = stage !== undefined && stage.attempts > 1 ? `try ${stage.attempts}` : '';
    return [
      job.job,
      [stage?.name ?? job.runState, (text) => terminal.paint('out', 'blue', text)],
      stage === undefined ? '' : shortDuration(Math.floor(stage.durationMs / 1_000) * 1_000),
      [job.rounds === 0 ? '' : `round ${job.rounds}`, tries].filter((text) => text !== '').join(', '),
      shortDuration(job.stages.reduce((sum, { durationMs }) => sum + durationMs, 0)),
    ];
  });
  return tableLines(terminal, ['JOB', 'STAGE', 'FOR', 'ROUND', 'IN ALL'], rows);
}

function waitingTable(terminal: Terminal, jobs: readonly JobDocument[], isWorkedOn: boolean): string[] {
  const rows = jobs.map((job): Cell[] => [
    job.job,
    [standingOf(job, isWorkedOn), (text) => terminal.paint('out', 'yellow', text)],
    job.gate ?? '',
    job.pr === null ? '' : `#${job.pr.number} ${job.pr.state}`,
    job.error?.message ?? '',
  ]);
  return tableLines(terminal, ['JOB', 'WAITS', 'GATE', 'PR', 'NOTE'], rows);
}

function weakerLines(terminal: Terminal, jobs: readonly JobDocument[]): string[] {
  const lines = jobs.flatMap(({ job, weaker }) =>
    weaker.map((weakness) => terminal.paint('out', 'yellow', `${job}: ${plainLine(weakness, 500)}.`)),
  );
  return lines.length === 0 ? [] : ['', ...section(terminal, 'Weaker'), ...lines];
}

function decisionLines({ jobs, command }: Picture): string[] {
  const asking = jobs.filter((job) => job.gate !== null);
  const [first] = asking;
  if (first === undefined) return [];
  const count = asking.length === 1 ? 'One job waits' : `${asking.length} jobs wait`;
  return ['', `${count} for your decision: ${command(`job show ${first.job}`)}`];
}

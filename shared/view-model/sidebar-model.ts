import { isFinished } from '../domain/job-status.ts';
import type { BoardJob, Spending } from '../protocol/board.ts';
import { mayCall } from '../protocol/least-role.ts';
import type { Role } from '../protocol/roles.ts';
import type { RunnerStatus } from '../protocol/runner-status.ts';
import { connectionLine, type ConnectionLine } from './connection-line.ts';
import { counted, dollars, elapsed, tokens } from './formats.ts';
import { actionsOf, type JobAction } from './job-actions.ts';
import { statusWord, waitSentence } from './job-words.ts';
import type { RunnerState } from './runner-state.ts';
import { gateOf, type ShownGate } from './shown-gate.ts';
import { stageLine, stageProgress, type StageProgress } from './stage-progress.ts';

const mostFinished = 10;
/** An older failure is among what is finished. */
const failureShownMs = 24 * 3_600_000;

export interface JobRow {
  readonly job: BoardJob;
  readonly status: string;
  /** Why it does not go on; empty where nothing is to be said. */
  readonly sentence: string;
  readonly actions: readonly JobAction[];
}

export interface GateRow extends JobRow {
  readonly gate: ShownGate;
  readonly question: string | null;
}

export interface RunningRow extends JobRow {
  readonly stages: readonly StageProgress[];
  /** `Code, round 2`. */
  readonly stage: string;
  /** Of the stage; null while it is at none. */
  readonly elapsed: string | null;
}

export interface SpendingLine {
  /** `$1.20 of $5.00 today`. */
  readonly text: string;
  /** Of the budget, from 0 to 1; null where there is none. */
  readonly share: number | null;
  readonly isSpent: boolean;
}

export interface SidebarModel {
  readonly connection: ConnectionLine;
  /** What is shown may be out of date. */
  readonly isStale: boolean;
  readonly asking: readonly GateRow[];
  readonly failures: readonly (JobRow & { readonly canRetry: boolean })[];
  readonly running: readonly RunningRow[];
  readonly queue: readonly JobRow[];
  readonly paused: readonly JobRow[];
  /** The newest first. */
  readonly finished: readonly JobRow[];
  readonly spending: SpendingLine | null;
  /** Null when none waits to be confirmed. */
  readonly untrusted: { readonly count: number; readonly sentence: string; readonly mayConfirm: boolean } | null;
  /** What was planned when the runner first saw the vault, and waits for somebody's word; null when nothing does. */
  readonly backlog: { readonly sentence: string; readonly mayStart: boolean } | null;
  /** What keeps the runner from working as it should, a sentence each. */
  readonly problems: readonly string[];
  /** Null before the first snapshot. */
  readonly pause: PauseLine | null;
}

export interface PauseLine {
  readonly mode: RunnerStatus['paused'];
  /** Empty while everything goes on. */
  readonly sentence: string;
  readonly mayPause: boolean;
  readonly mayResume: boolean;
}

/** All that the sidebar shows. `now` is this device's clock. */
export function sidebarModel(state: RunnerState, now: number): SidebarModel {
  const role = state.hello?.role ?? null;
  const runnerNow = now + state.clockOffset;
  const jobs = [...state.jobs.values()];
  const rowOf = (job: BoardJob): JobRow => ({
    job,
    status: statusWord(job),
    sentence: waitSentence(job, runnerNow),
    actions: actionsOf(job, role),
  });
  const sorted = (place: Place, order: (one: BoardJob, other: BoardJob) => number): BoardJob[] =>
    jobs.filter((job) => placeOf(job, state.jobs, runnerNow) === place).sort(order);
  return {
    connection: connectionLine(state, now),
    isStale: state.connection.kind !== 'connected',
    asking: sorted('asking', byUrgency).flatMap((job) => {
      const gate = gateOf(job);
      return gate === null ? [] : [{ ...rowOf(job), gate, question: job.question }];
    }),
    failures: sorted('failures', byNewest).map((job) => {
      const row = rowOf(job);
      return { ...row, canRetry: row.actions.some(({ name }) => name === 'retry') };
    }),
    running: sorted('running', byUrgency).map((job) => ({
      ...rowOf(job),
      stages: stageProgress(job),
      stage: stageLine(job),
      elapsed: job.stage === null ? null : elapsed(runnerNow - job.stage.startedAt),
    })),
    queue: sorted('queue', byUrgency).map(rowOf),
    paused: sorted('paused', byUrgency).map(rowOf),
    finished: sorted('finished', byNewest).slice(0, mostFinished).map(rowOf),
    spending: state.spending === null ? null : spendingLine(state.spending),
    untrusted: untrustedLine(state.untrusted, role),
    backlog: backlogLine(state.runner, role),
    problems: state.runner === null ? [] : problemsOf(state.runner, runnerNow),
    pause: state.runner === null ? null : pauseLine(state.runner, role),
  };
}

type Place = 'asking' | 'failures' | 'running' | 'queue' | 'paused' | 'finished';

function placeOf(job: BoardJob, jobs: RunnerState['jobs'], now: number): Place {
  switch (job.status) {
    case 'running':
    case 'paused':
      return job.status;
    case 'queued':
      return 'queue';
    case 'waiting':
      if (gateOf(job) !== null) return 'asking';
      return job.waitingFor === 'human' ? 'failures' : 'queue';
    case 'failed':
      return now - job.updatedAt < failureShownMs && !isOutdone(job, jobs) ? 'failures' : 'finished';
    case 'succeeded':
    case 'canceled':
      return 'finished';
  }
}

/** A later job does what this one could not. */
function isOutdone(job: BoardJob, jobs: RunnerState['jobs']): boolean {
  return [...jobs.values()].some((other) => other.fr === job.fr && other.createdAt > job.createdAt);
}

function byUrgency(one: BoardJob, other: BoardJob): number {
  return compare(one.priority, other.priority) || one.createdAt - other.createdAt || compare(one.job, other.job);
}

function byNewest(one: BoardJob, other: BoardJob): number {
  return other.updatedAt - one.updatedAt || compare(one.job, other.job);
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

export function spendingLine({ dollars: paid, tokens: used, budget }: Spending): SpendingLine {
  const shares = [
    paid === null || budget?.dollars == null ? null : shareOf(paid, budget.dollars),
    budget?.tokens == null ? null : shareOf(used, budget.tokens),
  ].filter((share) => share !== null);
  const share = shares.length === 0 ? null : Math.max(...shares);
  const money =
    paid === null ? null : ofBudget(dollars(paid), budget?.dollars == null ? null : dollars(budget.dollars));
  const count = ofBudget(tokens(used), budget?.tokens == null ? null : tokens(budget.tokens));
  return {
    text: money === null ? `${count} tokens today` : `${money}, ${count} tokens today`,
    share: share === null ? null : Math.min(1, share),
    isSpent: share !== null && share >= 1,
  };
}

function shareOf(spent: number, budget: number): number {
  return budget <= 0 ? 1 : spent / budget;
}

function ofBudget(spent: string, budget: string | null): string {
  return budget === null ? spent : `${spent} of ${budget}`;
}

function untrustedLine(count: number, role: Role | null): SidebarModel['untrusted'] {
  if (count === 0) return null;
  const notes = counted(count, 'agent or policy note');
  return {
    count,
    sentence: `${notes} changed and ${count === 1 ? 'is' : 'are'} not in force before an admin confirms ${count === 1 ? 'it' : 'them'}.`,
    mayConfirm: role === null || mayCall(role, 'trust.confirm'),
  };
}

/** Told by the runner as a problem; here there is something to press. */
const backlogCode = 'health.backlog';
/** There is a place of its own for what asks to be trusted. */
const shownElsewhere = [backlogCode, 'config.untrusted'];

function backlogLine(runner: RunnerStatus | null, role: Role | null): SidebarModel['backlog'] {
  const problem = runner?.problems.find(({ code }) => code === backlogCode);
  if (problem === undefined) return null;
  return { sentence: problem.message, mayStart: role === null || mayCall(role, 'fr.dispatch-all') };
}

function problemsOf(runner: RunnerStatus, now: number): string[] {
  const circuits = runner.circuits
    .filter(({ state }) => state !== 'closed')
    .map(({ kind, name, until }) => {
      const again =
        until === null || until <= now ? 'It is being tried again.' : `It rests for ${elapsed(until - now)}.`;
      return `The ${kind} ${name} fails again and again. ${again}`;
    });
  const watching = runner.watching ? [] : ['Changes of notes are not told here, so they are seen only now and then.'];
  return [
    ...runner.problems
      .filter(({ code }) => !shownElsewhere.includes(code))
      .map(({ message, hint }) => (hint === null ? message : `${message} ${hint}`)),
    ...circuits,
    ...watching,
  ];
}

function pauseLine(runner: RunnerStatus, role: Role | null): PauseLine {
  const may = role === null || mayCall(role, 'runner.pause');
  const sentences = {
    no: '',
    paused: 'Everything is paused. Nothing goes on before somebody resumes it.',
    draining: `Nothing new starts. ${counted(runner.running, 'job')} still ${runner.running === 1 ? 'goes' : 'go'} on to the end.`,
  };
  return {
    mode: runner.paused,
    sentence: sentences[runner.paused],
    mayPause: may && runner.paused !== 'paused',
    mayResume: may && runner.paused !== 'no',
  };
}

/** How many jobs are in work or ask for something; for a status bar. */
export function headCount(state: RunnerState): { readonly running: number; readonly asking: number } {
  const open = [...state.jobs.values()].filter(({ status }) => !isFinished(status));
  return {
    running: open.filter(({ status }) => status === 'running').length,
    asking: open.filter((job) => job.status === 'waiting' && (gateOf(job) !== null || job.waitingFor === 'human'))
      .length,
  };
}

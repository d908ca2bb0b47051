import { isFinished } from '../domain/job-status.ts';
import type { BoardJob } from '../protocol/board.ts';
import type { MethodResult } from '../protocol/methods.ts';
import type { HelloResult, WireEvent, WireState } from '../protocol/wire.ts';
import type { RunnerState } from './runner-state.ts';

const mostFinished = 50;

export function withHello(state: RunnerState, hello: HelloResult): RunnerState {
  const { role, person, device, runner } = hello;
  return {
    ...state,
    hello: {
      role,
      person,
      device,
      runnerName: runner.name,
      runnerVersion: runner.version,
      vaultWriter: runner.vaultWriter,
    },
  };
}

/** What is known is replaced by what the runner says now. */
export function withSnapshot(state: RunnerState, snapshot: MethodResult<'board.get'>): RunnerState {
  const { seq, epoch, runner, jobs, featureRequests, spending, untrusted } = snapshot;
  return {
    ...state,
    cursor: { epoch, seq },
    runner,
    jobs: withoutOldest(new Map(jobs.map((job) => [job.job, job]))),
    featureRequests,
    spending,
    untrusted,
  };
}

/** The next event after the state's cursor. One of a type that nobody knows here moves the cursor, too. */
export function withEvent(state: RunnerState, event: WireEvent): RunnerState {
  const cursor = state.cursor === null ? null : { ...state.cursor, seq: event.seq };
  if (event.job === undefined) return { ...state, cursor };
  const jobs = new Map(state.jobs).set(event.job.job, event.job);
  return { ...state, cursor, jobs: isFinished(event.job.status) ? withoutOldest(jobs) : jobs };
}

/** Each present part replaces what was known. */
export function withParts(state: RunnerState, parts: WireState): RunnerState {
  return {
    ...state,
    runner: parts.runner ?? state.runner,
    featureRequests: parts.featureRequests ?? state.featureRequests,
    spending: parts.spending ?? state.spending,
    untrusted: parts.untrusted ?? state.untrusted,
  };
}

function withoutOldest(jobs: ReadonlyMap<string, BoardJob>): ReadonlyMap<string, BoardJob> {
  const finished = [...jobs.values()].filter(({ status }) => isFinished(status));
  if (finished.length <= mostFinished) return jobs;
  const left = new Map(jobs);
  finished.sort((one, other) => other.updatedAt - one.updatedAt || compareIds(one, other));
  for (const { job } of finished.slice(mostFinished)) left.delete(job);
  return left;
}

function compareIds(one: BoardJob, other: BoardJob): number {
  return one.job < other.job ? -1 : 1;
}

import { dispositionOf, type ErrorCode, type ErrorSummary } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { isBlocking, reviewResult } from '#shared/domain/stage.ts';
import type { Attempt } from '../ports/job-registry.ts';
import type { HistoryEntry } from './history.ts';

export interface PipelinePolicy {
  /** In order; `code` is always among them. */
  readonly stages: readonly Stage[];
  /** Passes back from test, review or merge to code before a person is asked. */
  readonly rounds: number;
  /** Tries at a stage whose error may be retried. */
  readonly attempts: number;
  /** Attempts of one stage that a dying runner may leave behind before a person is asked. */
  readonly crashes: number;
  readonly planGate: boolean;
}

/** Why code runs again. */
export type Feedback =
  { readonly kind: 'attempt'; readonly attempt: Attempt } | { readonly kind: 'comment'; readonly comment: string };

export type Next =
  | {
      readonly kind: 'stage';
      readonly stage: Stage;
      readonly round: number;
      readonly attempt: number;
      readonly feedback: readonly Feedback[];
      /** Failures in a row of this stage before this try; the caller waits accordingly. */
      readonly failures: number;
    }
  | { readonly kind: 'gate'; readonly gate: 'plan' | 'merge'; readonly round: number }
  /** The agent of this attempt asks a person, or has spent what it may. */
  | { readonly kind: 'gate'; readonly gate: 'question' | 'budget'; readonly round: number; readonly attempt: Attempt }
  | { readonly kind: 'human'; readonly error: ErrorSummary }
  | { readonly kind: 'failed'; readonly error: ErrorSummary }
  | { readonly kind: 'rejected'; readonly comment: string }
  | { readonly kind: 'done' };

interface Position {
  stage: Stage | null;
  round: number;
  /** Rounds used since a person last intervened. */
  used: number;
  budget: number;
  tries: number;
  failures: number;
  crashes: number;
  feedback: Feedback[];
  /** A person's answer to the gate before `stage` has come. */
  approved: boolean;
  stopped: Next | null;
  /** An attempt that goes on when a person has answered. */
  asks: { readonly gate: 'question' | 'budget'; readonly attempt: Attempt } | null;
}

/** What comes next for a job: the only place where that is decided. Pure: no clock, no I/O. */
export function next(history: readonly HistoryEntry[], policy: PipelinePolicy): Next {
  const position: Position = {
    stage: policy.stages[0] ?? null,
    round: 0,
    used: 0,
    budget: policy.rounds,
    tries: 0,
    failures: 0,
    crashes: 0,
    feedback: [],
    approved: false,
    stopped: null,
    asks: null,
  };
  for (const entry of history) {
    if (entry.kind === 'attempt') applyAttempt(position, entry.attempt, policy);
    else if (entry.kind === 'retry') applyRetry(position, entry.retry, policy);
    else {
      const { kind, comment } = entry.decision;
      if (position.asks !== null && kind !== 'reject') answer(position, comment);
      else if (kind === 'approve') position.approved = true;
      else if (kind === 'reject') position.stopped = { kind: 'rejected', comment };
      else if (entry.decision.gate.kind === 'plan') moveTo(position, 'plan', { kind: 'comment', comment });
      else {
        moveTo(position, 'code', { kind: 'comment', comment });
        position.round++;
        position.used = 0;
        position.budget = policy.rounds;
      }
    }
  }
  if (position.stopped) return position.stopped;
  if (position.asks !== null) return { kind: 'gate', round: position.round, ...position.asks };
  if (position.stage === null) return { kind: 'done' };
  if (position.stage === 'merge' && !position.approved) return { kind: 'gate', gate: 'merge', round: position.round };
  if (planIsAskedFor(position, policy)) return { kind: 'gate', gate: 'plan', round: position.round };
  return {
    kind: 'stage',
    stage: position.stage,
    round: position.round,
    attempt: position.tries + 1,
    feedback: position.feedback,
    failures: position.failures,
  };
}

/** The same stage goes on; what the person said goes with it. */
function answer(position: Position, comment: string): void {
  position.asks = null;
  if (comment !== '') position.feedback = [...position.feedback, { kind: 'comment', comment }];
}

function planIsAskedFor(position: Position, policy: PipelinePolicy): boolean {
  if (!policy.planGate || position.approved || position.round > 0) return false;
  return policy.stages.includes('plan') && position.stage === stageAfter('plan', policy) && position.tries === 0;
}

function applyAttempt(position: Position, attempt: Attempt, policy: PipelinePolicy): void {
  switch (attempt.status) {
    case 'running':
      return;
    case 'canceled':
      position.tries++;
      return;
    case 'interrupted':
      position.tries++;
      position.crashes++;
      if (position.crashes >= policy.crashes) position.stopped = { kind: 'human', error: crashLoop(attempt, policy) };
      return;
    case 'passed':
      enter(position, stageAfter(attempt.stage, policy));
      return;
    case 'rejected':
      reject(position, attempt, policy);
      return;
    case 'failed':
      fail(position, attempt, policy);
      return;
  }
}

function enter(position: Position, stage: Stage | null): void {
  position.stage = stage;
  position.tries = 0;
  position.failures = 0;
  position.crashes = 0;
  position.approved = false;
}

function moveTo(position: Position, stage: Stage, feedback: Feedback): void {
  enter(position, stage);
  position.stopped = null;
  position.feedback = [feedback];
}

function reject(position: Position, attempt: Attempt, policy: PipelinePolicy): void {
  const feedback: Feedback = { kind: 'attempt', attempt };
  if (position.used >= position.budget) {
    position.stage = attempt.stage;
    position.feedback = [feedback];
    position.stopped = { kind: 'human', error: roundsExhausted(attempt, position.round) };
    return;
  }
  moveTo(position, policy.stages.includes('code') ? 'code' : attempt.stage, feedback);
  position.round++;
  position.used++;
}

/** What ends an attempt and is a person's to decide, with no failure in it. */
const gateOfCode: Partial<Record<ErrorCode, 'question' | 'budget'>> = {
  'agent.question': 'question',
  'agent.budget': 'budget',
};

function fail(position: Position, attempt: Attempt, policy: PipelinePolicy): void {
  position.tries++;
  // Held by something outside, such as a usage limit: no attempt is charged.
  if (attempt.error && dispositionOf(attempt.error.code) === 'hold') return;
  const gate = attempt.error === null ? undefined : gateOfCode[attempt.error.code];
  if (gate !== undefined) {
    position.asks = { gate, attempt };
    return;
  }
  position.failures++;
  const error = attempt.error ?? {
    code: 'internal.unexpected' as const,
    message: `The ${attempt.stage} stage failed without saying why.`,
    hint: null,
  };
  const disposition = dispositionOf(error.code);
  if (disposition === 'fail' || disposition === 'fatal') position.stopped = { kind: 'failed', error };
  else if (disposition !== 'retry' || position.failures >= policy.attempts) {
    position.stopped = { kind: 'human', error: withAttempts(error, attempt.stage, position.failures) };
  }
}

function applyRetry(
  position: Position,
  retry: { readonly from: Stage | null; readonly rounds: number | null; readonly comment: string },
  policy: PipelinePolicy,
): void {
  const exhausted = position.stopped?.kind === 'human' && position.stopped.error.code === 'stage.rounds-exhausted';
  const feedback = position.feedback;
  const from = retry.from ?? (exhausted ? 'code' : position.stage);
  if (exhausted && from === 'code') position.round++;
  enter(position, from);
  position.stopped = null;
  position.asks = null;
  // The round that the retry begins is one of those it grants.
  position.used = exhausted && from === 'code' ? 1 : 0;
  position.budget = retry.rounds ?? policy.rounds;
  position.feedback = retry.comment === '' ? feedback : [...feedback, { kind: 'comment', comment: retry.comment }];
}

function stageAfter(stage: Stage, policy: PipelinePolicy): Stage | null {
  return policy.stages[policy.stages.indexOf(stage) + 1] ?? null;
}

function withAttempts(error: ErrorSummary, stage: Stage, failures: number): ErrorSummary {
  const message =
    failures > 1
      ? `${error.message.replace(/\.$/, '')}, ${failures} times in a row in the ${stage} stage.`
      : error.message;
  return { ...error, message };
}

function roundsExhausted(attempt: Attempt, used: number): ErrorSummary {
  const review = reviewResult.safeParse(attempt.result);
  const open = review.success ? review.data.issues.filter(isBlocking).length : 0;
  const why =
    attempt.stage === 'review'
      ? `review still refuses${open > 0 ? ` with ${open} open ${open === 1 ? 'issue' : 'issues'}` : ''}`
      : attempt.stage === 'test'
        ? 'the tests still fail'
        : 'the change still does not merge cleanly with the base';
  return {
    code: 'stage.rounds-exhausted',
    message: `After ${used} fix ${used === 1 ? 'round' : 'rounds'} ${why}.`,
    hint: `The run report lists what is open. Go on with: opus job retry ${attempt.jobId} --rounds 1 --comment "…"`,
  };
}

function crashLoop(attempt: Attempt, policy: PipelinePolicy): ErrorSummary {
  return {
    code: 'stage.crash-loop',
    message: `The runner ended ${policy.crashes} times in the middle of the ${attempt.stage} stage.`,
    hint: `Find out why with opus doctor, then: opus job retry ${attempt.jobId}`,
  };
}

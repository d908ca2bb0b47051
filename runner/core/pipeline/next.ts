import { dispositionOf, type ErrorCode } from '#shared/domain/errors.ts';
import type { Gate } from '#shared/domain/gate.ts';
import type { Attempt, RecordedDecision } from '../ports/job-registry.ts';
import { applyHappening } from './apply-happening.ts';
import { applyRetry } from './apply-retry.ts';
import type { HistoryEntry } from './history.ts';
import {
  enter,
  moveTo,
  newPosition,
  stageAfter,
  type Feedback,
  type Next,
  type PipelinePolicy,
  type Position,
} from './position.ts';
import { ciHashOf } from './ci-change.ts';
import { crashLoop, roundsExhausted, withAttempts } from './stop-sentences.ts';

/** Who approved the merge of what there is now. */
export function approversIn(history: readonly HistoryEntry[], policy: PipelinePolicy): readonly string[] {
  return positionAfter(history, policy).approvers;
}

function positionAfter(history: readonly HistoryEntry[], policy: PipelinePolicy): Position {
  const position = newPosition(policy);
  for (const entry of history) {
    if (entry.kind === 'attempt') applyAttempt(position, entry.attempt, policy);
    else if (entry.kind === 'retry') applyRetry(position, entry.retry, policy);
    else if (entry.kind === 'happening') applyHappening(position, entry.recorded, policy);
    else applyDecision(position, entry.decision, policy);
  }
  return position;
}

/** What comes next for a job: the only place where that is decided. Pure: no clock, no I/O. */
export function next(history: readonly HistoryEntry[], policy: PipelinePolicy): Next {
  const position = positionAfter(history, policy);
  if (position.stopped) return position.stopped;
  if (position.asks !== null) return { kind: 'gate', round: position.round, ...position.asks };
  if (position.stage === null) return { kind: 'done' };
  if (position.stage === 'merge' && !position.approved) return { kind: 'gate', gate: 'merge', round: position.round };
  if (position.stage === 'deliver' && policy.ciGate && position.ci !== null && position.ci !== position.acceptedCi) {
    return { kind: 'gate', gate: 'ci', round: position.round, hash: position.ci };
  }
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

function applyDecision(
  position: Position,
  { kind, comment, gate, person }: RecordedDecision,
  policy: PipelinePolicy,
): void {
  if (position.asks !== null && kind !== 'reject') answer(position, comment);
  else if (kind === 'reject') position.stopped = { kind: 'rejected', comment };
  else if (kind === 'approve') approve(position, gate, person, policy);
  else if (gate.kind === 'plan') moveTo(position, 'plan', { kind: 'comment', comment });
  else {
    moveTo(position, 'code', { kind: 'comment', comment });
    position.round++;
    position.used = 0;
    position.budget = policy.rounds;
    position.checkRounds = 0;
    position.remarkRounds = 0;
  }
}

function approve(position: Position, gate: Gate, person: string, policy: PipelinePolicy): void {
  if (gate.kind === 'ci') {
    position.acceptedCi = gate.hash;
    return;
  }
  if (!position.approvers.includes(person)) position.approvers.push(person);
  position.approved = gate.kind !== 'merge' || position.approvers.length >= policy.approvals;
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
      if (position.crashes >= policy.crashes)
        position.stopped = { kind: 'human', error: crashLoop(attempt, policy.crashes) };
      return;
    case 'passed':
      if (attempt.stage === 'code') position.ci = ciHashOf(attempt.result);
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

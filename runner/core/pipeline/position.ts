import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Attempt } from '../ports/job-registry.ts';
import type { CheckFailure } from '../ports/pull-requests.ts';
import type { Remark } from '../pull-request/happening.ts';
import type { MergeRefusal } from './merge-refusal.ts';

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
  /** Fix rounds for checks of the forge, beside the others, before a person is asked. */
  readonly checkRounds: number;
  /** Rounds for remarks of reviewers, before a person is asked. */
  readonly remarkRounds: number;
  /** Whether a person accepts a change of what the forge runs before it is pushed. */
  readonly ciGate: boolean;
  /** People who must approve a merge, each another one. */
  readonly approvals: number;
}

/** Why code runs again. */
export type Feedback =
  | { readonly kind: 'attempt'; readonly attempt: Attempt }
  | { readonly kind: 'comment'; readonly comment: string }
  | { readonly kind: 'checks'; readonly failures: readonly CheckFailure[] }
  | { readonly kind: 'remarks'; readonly remarks: readonly Remark[] }
  | { readonly kind: 'conflict'; readonly refusal: MergeRefusal };

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
  /** What of the change a forge would run, by its hash, is not pushed before a person accepts it. */
  | { readonly kind: 'gate'; readonly gate: 'ci'; readonly round: number; readonly hash: string }
  /** The agent of this attempt asks a person, or has spent what it may. */
  | { readonly kind: 'gate'; readonly gate: 'question' | 'budget'; readonly round: number; readonly attempt: Attempt }
  | { readonly kind: 'human'; readonly error: ErrorSummary }
  | { readonly kind: 'failed'; readonly error: ErrorSummary }
  /** `parks`: given up, with no word against what was asked for. */
  | { readonly kind: 'rejected'; readonly comment: string; readonly parks?: boolean }
  | { readonly kind: 'done' };

/** Where a job stands, as its history is read. */
export interface Position {
  stage: Stage | null;
  round: number;
  /** Rounds used since a person last intervened. */
  used: number;
  budget: number;
  tries: number;
  failures: number;
  crashes: number;
  /** Rounds for the forge's checks, and for remarks, since a person last intervened. */
  checkRounds: number;
  remarkRounds: number;
  feedback: Feedback[];
  /** A person's answer to the gate before `stage` has come. */
  approved: boolean;
  /** Who approved the merge of what there is now. */
  approvers: string[];
  /** What of the change a forge would run was accepted, by its hash. */
  acceptedCi: string | null;
  /** What of the newest code a forge would run; null for nothing. */
  ci: string | null;
  stopped: Next | null;
  /** What stopped it when its pull request was closed. */
  stoppedBeforeClosing: Next | null;
  /** An attempt that goes on when a person has answered. */
  asks: { readonly gate: 'question' | 'budget'; readonly attempt: Attempt } | null;
}

export function newPosition(policy: PipelinePolicy): Position {
  return {
    stage: policy.stages[0] ?? null,
    round: 0,
    used: 0,
    budget: policy.rounds,
    tries: 0,
    failures: 0,
    crashes: 0,
    feedback: [],
    approved: false,
    approvers: [],
    acceptedCi: null,
    ci: null,
    checkRounds: 0,
    remarkRounds: 0,
    stopped: null,
    stoppedBeforeClosing: null,
    asks: null,
  };
}

export function enter(position: Position, stage: Stage | null): void {
  position.stage = stage;
  position.tries = 0;
  position.failures = 0;
  position.crashes = 0;
  position.approved = false;
  position.approvers = [];
}

export function moveTo(position: Position, stage: Stage, feedback: Feedback): void {
  enter(position, stage);
  position.stopped = null;
  position.feedback = [feedback];
}

export function stageAfter(stage: Stage, policy: PipelinePolicy): Stage | null {
  return policy.stages[policy.stages.indexOf(stage) + 1] ?? null;
}

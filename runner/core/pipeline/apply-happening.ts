import type { ErrorSummary } from '#shared/domain/errors.ts';
import type { CommandHappening } from '../pull-request/commands.ts';
import type { RecordedHappening, Remark } from '../pull-request/happening.ts';
import { applyRetry } from './apply-retry.ts';
import { enter, moveTo, stageAfter, type Feedback, type PipelinePolicy, type Position } from './position.ts';
import { checksExhausted, conflictExhausted, remarksExhausted } from './stop-sentences.ts';

/** What happened to the pull request moves the job back to code, stops it, or ends it. */
export function applyHappening(
  position: Position,
  { jobId, happening }: RecordedHappening,
  policy: PipelinePolicy,
): void {
  const stop = (error: ErrorSummary): void => {
    position.stopped = { kind: 'human', error };
  };
  const takeUp = (remarks: readonly Remark[]): void => {
    const feedback: Feedback = { kind: 'remarks', remarks };
    if (position.remarkRounds >= policy.remarkRounds) {
      position.feedback = [feedback];
      stop(remarksExhausted(jobId, position.remarkRounds));
      return;
    }
    backToCode(position, feedback);
    position.remarkRounds++;
    // A person looked at it and wants more: what was used up for what they saw does not count against it.
    position.used = 0;
    position.budget = policy.rounds;
  };
  const obey = ({ command, author, text, comment }: CommandHappening): void => {
    if (command === 'retry') applyRetry(position, { from: null, rounds: null, comment: '' }, policy);
    if (command === 'cancel') {
      position.stopped = { kind: 'rejected', comment: `canceled by ${author} on the forge`, parks: true };
    }
    if (command !== 'fix') return;
    takeUp([{ id: comment, thread: null, author, path: null, line: null, context: null, body: text }]);
  };
  switch (happening.kind) {
    case 'checks-rerun':
      return;
    case 'checks-failed': {
      const { failures } = happening;
      const feedback: Feedback = { kind: 'checks', failures };
      if (position.checkRounds >= policy.checkRounds) {
        const names = failures.map(({ check }) => check);
        position.feedback = [feedback];
        stop(checksExhausted(jobId, position.checkRounds, names));
        return;
      }
      backToCode(position, feedback);
      position.checkRounds++;
      return;
    }
    case 'remarks':
      takeUp(happening.remarks);
      return;
    case 'command':
      if (happening.taken) obey(happening);
      return;
    case 'conflict': {
      const feedback: Feedback = { kind: 'conflict', refusal: happening.refusal };
      if (position.used >= position.budget) {
        position.feedback = [feedback];
        stop(conflictExhausted(jobId, happening.refusal.files));
        return;
      }
      backToCode(position, feedback);
      position.used++;
      return;
    }
    case 'pushed':
      if (happening.adopted) {
        enter(position, stageAfter('code', policy));
        position.feedback = [];
      } else stop(branchMoved(jobId, happening.commit));
      return;
    case 'branch-deleted':
      position.stoppedBeforeClosing = position.stopped;
      stop(branchDeleted(jobId));
      return;
    case 'closed':
      position.stoppedBeforeClosing = position.stopped;
      stop(closed(jobId, happening.by));
      return;
    case 'reopened':
      position.stopped = position.stoppedBeforeClosing;
      return;
    case 'merged':
      enter(position, null);
      position.stopped = null;
      position.asks = null;
      return;
  }
}

function backToCode(position: Position, feedback: Feedback): void {
  moveTo(position, 'code', feedback);
  position.round++;
}

function branchMoved(jobId: string, commit: string): ErrorSummary {
  return {
    code: 'git.branch-moved',
    message: `The branch of ${jobId} was rewritten by somebody else; it is at ${commit.slice(0, 8)} now.`,
    hint: `Look at it. To go on from the job's own commits, move the branch back, then: opus job retry ${jobId} --from deliver`,
  };
}

function branchDeleted(jobId: string): ErrorSummary {
  return {
    code: 'git.branch-moved',
    message: `The branch of ${jobId} was deleted on the forge.`,
    hint: `Push it anew with: opus job retry ${jobId} --from deliver; or give the job up: opus job cancel ${jobId}`,
  };
}

function closed(jobId: string, by: string | null): ErrorSummary {
  return {
    code: 'forge.pull-request-closed',
    message: `The pull request of ${jobId} was closed${by === null ? '' : ` by ${by}`}.`,
    hint: `Reopen it and the job goes on; or give the job up: opus job cancel ${jobId}`,
  };
}

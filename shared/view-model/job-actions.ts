import { isFinished } from '../domain/job-status.ts';
import type { BoardJob } from '../protocol/board.ts';
import { mayCall } from '../protocol/least-role.ts';
import type { MethodName } from '../protocol/methods.ts';
import type { Role } from '../protocol/roles.ts';
import { gateOf } from './shown-gate.ts';

export type JobActionName =
  | 'approve'
  | 'changes'
  | 'reject'
  | 'answer'
  | 'retry'
  | 'resume'
  | 'pause'
  | 'unblock'
  | 'revert'
  | 'cancel'
  | 'open-note'
  | 'open-report'
  | 'open-output'
  | 'open-review'
  | 'open-pull-request';

export interface JobAction {
  readonly name: JobActionName;
  readonly label: string;
  /** Null for what needs no runner. */
  readonly method: MethodName | null;
  /** Asked about before it is done. */
  readonly isDestructive: boolean;
  /** The words of a person that go with it. */
  readonly comment: 'none' | 'optional' | 'required';
}

const all = {
  approve: action('approve', 'Approve', 'approval.decide'),
  changes: action('changes', 'Request changes', 'approval.decide', { comment: 'required' }),
  answer: action('answer', 'Answer', 'question.answer', { comment: 'required' }),
  reject: action('reject', 'Reject', 'approval.decide', { comment: 'optional', isDestructive: true }),
  retry: action('retry', 'Retry', 'job.retry', { comment: 'optional' }),
  resume: action('resume', 'Resume', 'job.resume'),
  pause: action('pause', 'Pause', 'job.pause'),
  unblock: action('unblock', 'Do not wait', 'job.unblock'),
  revert: action('revert', 'Revert', 'job.revert', { comment: 'optional', isDestructive: true }),
  cancel: action('cancel', 'Cancel', 'job.cancel', { comment: 'optional', isDestructive: true }),
  'open-note': action('open-note', 'Open note', null),
  'open-report': action('open-report', 'Open report', null),
  'open-output': action('open-output', 'Open output', 'output.subscribe'),
  'open-review': action('open-review', 'Review changes', 'job.diff'),
  'open-pull-request': action('open-pull-request', 'Open pull request', null),
} satisfies Readonly<Record<JobActionName, JobAction>>;

const heldUp: readonly (string | null)[] = ['dependency', 'slot', 'usage-limit', 'disk', 'circuit', 'forge'];

/**
 * What may be done about a job as it stands by this role, the most important first. Null is a role that is not known, which
 * may do everything: the runner refuses what it must.
 */
export function actionsOf(job: BoardJob, role: Role | null): readonly JobAction[] {
  return namesOf(job)
    .map((name): JobAction => all[name])
    .filter(({ method }) => method === null || role === null || mayCall(role, method));
}

function namesOf(job: BoardJob): JobActionName[] {
  return [...doings(job), ...(isFinished(job.status) ? [] : (['cancel'] as const)), ...openings(job)];
}

function doings(job: BoardJob): JobActionName[] {
  const gate = job.status === 'waiting' ? gateOf(job) : null;
  if (gate !== null) {
    if (gate.kind === 'question') return ['answer', 'reject'];
    return gate.kind === 'budget' ? ['approve', 'reject'] : ['approve', 'changes', 'reject'];
  }
  switch (job.status) {
    case 'queued':
      return ['pause', 'unblock'];
    case 'running':
      return ['pause'];
    case 'waiting':
      if (job.waitingFor === 'human') return ['retry'];
      return heldUp.includes(job.waitingFor) ? ['pause', 'unblock'] : ['pause'];
    case 'paused':
      if (job.pausedBy === 'preemption') return ['pause'];
      return job.pausedBy === 'checkout' ? [] : ['resume'];
    case 'failed':
      return ['retry'];
    case 'succeeded':
      return job.pr === null || job.pr.state === 'merged' ? ['revert'] : [];
    case 'canceled':
      return [];
  }
}

function openings(job: BoardJob): JobActionName[] {
  const names: JobActionName[] = ['open-note', 'open-report', 'open-output'];
  if (job.commit !== null) names.push('open-review');
  if (job.pr !== null) names.push('open-pull-request');
  return names;
}

function action(
  name: JobActionName,
  label: string,
  method: MethodName | null,
  more: Partial<Pick<JobAction, 'isDestructive' | 'comment'>> = {},
): JobAction {
  return { name, label, method, isDestructive: false, comment: 'none', ...more };
}

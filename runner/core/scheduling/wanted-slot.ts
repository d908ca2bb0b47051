import { isFinished, type WaitReason } from '#shared/domain/job.ts';
import type { Stage } from '#shared/domain/stage.ts';
import type { Next } from '../pipeline/position.ts';
import type { Job } from '../ports/job-registry.ts';
import type { Slot } from './snapshot.ts';

const withPerson: readonly (WaitReason | null)[] = ['approval', 'question', 'budget', 'human'];

/** Whether a job would go on if it were let: not at a gate, not with a person, not paused by one, not over. */
export function wantsToGoOn(job: Pick<Job, 'status' | 'waitingFor' | 'pausedBy' | 'gate'>): boolean {
  if (isFinished(job.status)) return false;
  switch (job.status) {
    case 'paused':
      return job.pausedBy === 'preemption';
    case 'waiting':
      return !withPerson.includes(job.waitingFor) || (job.waitingFor === 'budget' && job.gate === null);
    default:
      return true;
  }
}

/** The slot that its next stage needs; null when what comes next is no stage. */
export function slotFor(upcoming: Next): Slot | null {
  return upcoming.kind === 'stage' ? slotOfStage(upcoming.stage) : null;
}

/** Delivering and merging go on beside agents; whoever holds a place among these may deliver with it. */
export function slotOfStage(stage: Stage): Slot {
  return stage === 'deliver' || stage === 'merge' ? 'merge' : 'agent';
}

export function isEnough(held: Slot | null, stage: Stage): boolean {
  return held === 'agent' || (held === 'merge' && slotOfStage(stage) === 'merge');
}

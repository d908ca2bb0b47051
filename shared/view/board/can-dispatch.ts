import { dispatchableStatuses } from '../../domain/feature-request.ts';
import { isFinished } from '../../domain/job-status.ts';
import type { BoardCard } from '../../view-model/board-model.ts';

/** Whether it looks so from here; the note itself is looked at when it is dispatched. */
export function canDispatch({ featureRequest, job, problems }: BoardCard): boolean {
  const { status } = featureRequest;
  if (status === null || !dispatchableStatuses.includes(status) || problems.length > 0) return false;
  return job === null || isFinished(job.status);
}

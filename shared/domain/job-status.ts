// Free of zod, so that a command which only looks need not load it.

export const jobStatuses = ['queued', 'running', 'waiting', 'paused', 'succeeded', 'failed', 'canceled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Nothing happens to it before somebody does something. */
export function isAtRest(job: { readonly status: JobStatus; readonly waitingFor: string | null }): boolean {
  // One that was pushed aside is paused too, and goes on by itself.
  if (isFinished(job.status) || (job.status === 'paused' && job.waitingFor === null)) return true;
  return job.status === 'waiting' && ['approval', 'human', 'question', 'budget'].includes(job.waitingFor ?? '');
}

export function isFinished(status: JobStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

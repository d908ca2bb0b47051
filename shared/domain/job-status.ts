// Free of zod, so that a command which only looks need not load it.

export const jobStatuses = ['queued', 'running', 'waiting', 'paused', 'succeeded', 'failed', 'canceled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

export function isFinished(status: JobStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

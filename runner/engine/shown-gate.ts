import { OpusError } from '#shared/domain/errors.ts';
import { formatGate, isShownGate } from '#shared/domain/gate.ts';
import type { Job } from '../core/ports/job-registry.ts';

function standingOf(job: Job): string {
  if (job.status === 'waiting')
    return `waiting for ${job.waitingFor === 'human' ? 'a person to mend it' : (job.waitingFor ?? 'something')}`;
  return job.status === 'running' ? `running, at ${job.runState}` : job.status;
}

export function noGate(job: Job): OpusError {
  return new OpusError('registry.no-gate', `${job.id} asks for no decision now; it is ${standingOf(job)}.`, {
    hint:
      job.waitingFor === 'human'
        ? `Go on with: opus job retry ${job.id}`
        : `opus job show ${job.id} tells where it is.`,
  });
}

/** Refuses what was meant for another gate than the job's. */
export function requireShown(job: Job, shown: string | undefined): void {
  if (shown === undefined || (job.gate !== null && isShownGate(job.gate, shown))) return;
  const [kind = '', hash = ''] = shown.split('@');
  const was = `${kind}@${hash.slice(0, 8)}`;
  const now =
    job.gate === null
      ? `asks for no decision any more; it is ${standingOf(job)}`
      : `asks for ${formatGate(job.gate)} now`;
  throw new OpusError('registry.gate-stale', `You were shown ${was}, but ${job.id} ${now}. Nothing was decided.`, {
    hint:
      job.gate === null
        ? `Look at what became of it: opus job show ${job.id}`
        : `Look at what it asks for now, and decide on that: opus job show ${job.id}`,
  });
}

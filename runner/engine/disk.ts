import { dispositionOf, OpusError, toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { EngineDependencies } from './stage-context.ts';

type DiskDependencies = Pick<EngineDependencies, 'freeBytes' | 'config' | 'log'>;

/** How often a job that waits for space is looked at. */
export const diskLookMs = 2_000;

/** Whether as much is free for the data folder as is to be kept in reserve. */
export function hasDisk({ freeBytes, config, log }: DiskDependencies): boolean {
  try {
    const free = freeBytes();
    return free === null || free >= config.limits.diskReserve;
  } catch (thrown) {
    log.warn({ err: thrown }, `The free space cannot be told: ${toOpusError(thrown).message}`);
    return true;
  }
}

/** Why a job waits for space. */
export function diskWait(jobId: string): ErrorSummary {
  return {
    code: 'registry.disk-full',
    message: `${jobId} waits, since less than limits.diskReserve is free on the disk of the data folder.`,
    hint: 'It goes on by itself once there is space.',
  };
}

/** What fails while there is no space may well have failed of that, wherever it was noticed; it is charged to nobody. */
export function blameDisk(dependencies: DiskDependencies, jobId: string, error: OpusError): OpusError {
  const disposition = dispositionOf(error.code);
  const isMendable = disposition === 'retry' || disposition === 'needs-human';
  if (!isMendable || hasDisk(dependencies)) return error;
  const { code, message, hint } = diskWait(jobId);
  return new OpusError(code, `${message} Its last try failed of that: ${error.message}`, {
    ...(hint === null ? {} : { hint }),
    details: error.details,
    cause: error,
  });
}

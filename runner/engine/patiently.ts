import { setTimeout as pause } from 'node:timers/promises';
import { OpusError, type ErrorCode } from '#shared/domain/errors.ts';
import type { Log } from '../core/ports/log.ts';

/** What somebody else does to the registry, and ends: another process that holds it, a disk that is full. */
const passing: readonly ErrorCode[] = ['registry.busy', 'registry.disk-full'];
const tryAgainMs = 500;

/**
 * Does it again until the registry takes it, so that nothing that was done is lost to a moment in which it could not be
 * written down. `write` is done several times; while it fails, it must not have changed anything.
 */
export async function patiently<Result>(log: Log, write: () => Result | Promise<Result>): Promise<Result> {
  for (let said = false; ; said = true) {
    try {
      return await write();
    } catch (thrown) {
      if (!(thrown instanceof OpusError && passing.includes(thrown.code))) throw thrown;
      if (!said) log.warn({ err: thrown, code: thrown.code }, `${thrown.message} It is tried again.`);
      await pause(tryAgainMs, undefined, { ref: false });
    }
  }
}

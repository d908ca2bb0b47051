import { OpusError } from '#shared/domain/errors.ts';
import type { Sandbox } from '../../runner/core/ports/sandbox.ts';

/** What the runner finds on a machine that has no bubblewrap. */
export const withoutBubblewrap: Sandbox = {
  probe: () =>
    Promise.resolve({ kind: 'none', reason: 'bubblewrap is not installed.', hint: 'apt-get install bubblewrap' }),
  run: () => Promise.reject(new OpusError('sandbox.unavailable', 'bubblewrap is not installed.')),
};

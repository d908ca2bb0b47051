import { OpusError } from '#shared/domain/errors.ts';
import { probeBubblewrap } from '../../runner/adapters/sandbox/bubblewrap-probe.ts';
import type { Sandbox } from '../../runner/core/ports/sandbox.ts';

const run: Sandbox['run'] = () => Promise.reject(new OpusError('sandbox.unavailable', 'bubblewrap is not installed.'));

/** What the runner finds on a machine that has no bubblewrap. */
export const withoutBubblewrap: Sandbox = { probe: () => probeBubblewrap(run, false), run };

import { OpusError } from '#shared/domain/errors.ts';
import type { MethodResult } from '#shared/protocol/methods.ts';
import type { ReloadOutcome } from './config/live-config.ts';

/** Throws why opus.yml was not taken. */
export function reloadResult(outcome: ReloadOutcome): MethodResult<'runner.reload'> {
  if (outcome.kind === 'refused') {
    const { code, message, hint } = outcome.error;
    throw new OpusError(code, message, hint === null ? {} : { hint });
  }
  if (outcome.kind === 'unchanged') return { changed: [], needsRestart: [] };
  return { changed: [...outcome.changed], needsRestart: [...outcome.needsRestart] };
}

export function reloadSentence({ changed, needsRestart }: Extract<ReloadOutcome, { kind: 'taken' }>): string {
  const now = changed.length === 0 ? 'Nothing of opus.yml changed at once' : `Now in force: ${changed.join(', ')}`;
  return needsRestart.length === 0 ? `${now}.` : `${now}; after a restart: ${needsRestart.join(', ')}.`;
}

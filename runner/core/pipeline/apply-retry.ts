import type { Stage } from '#shared/domain/stage.ts';
import { enter, type PipelinePolicy, type Position } from './position.ts';

/** A person's word that a stopped job goes on: from its failed stage, or from a named one. */
export function applyRetry(
  position: Position,
  retry: { readonly from: Stage | null; readonly rounds: number | null; readonly comment: string },
  policy: PipelinePolicy,
): void {
  const exhausted = position.stopped?.kind === 'human' && position.stopped.error.code === 'stage.rounds-exhausted';
  const feedback = position.feedback;
  const from = retry.from ?? (exhausted ? 'code' : position.stage);
  if (exhausted && from === 'code') position.round++;
  enter(position, from);
  position.stopped = null;
  position.asks = null;
  // The round that the retry begins is one of those it grants.
  position.used = exhausted && from === 'code' ? 1 : 0;
  position.budget = retry.rounds ?? policy.rounds;
  position.checkRounds = 0;
  position.remarkRounds = 0;
  position.feedback = retry.comment === '' ? feedback : [...feedback, { kind: 'comment', comment: retry.comment }];
}

import { createHash } from 'node:crypto';
import type { Attempt } from '../core/ports/job-registry.ts';

/** Names a plan together with the FR's exact text, so that a change of either asks again. */
export function planHash(plan: string, contentHash: string): string {
  return createHash('sha256').update(`${contentHash}\n${plan}`).digest('hex');
}

/** Names one question, or one spent budget, of one attempt. */
export function questionHash({ id, error }: Attempt): string {
  return createHash('sha256')
    .update(`${id}\n${error?.message ?? ''}`)
    .digest('hex');
}

import { createHash } from 'node:crypto';

/** Names a plan together with the FR's exact text, so that a change of either asks again. */
export function planHash(plan: string, contentHash: string): string {
  return createHash('sha256').update(`${contentHash}\n${plan}`).digest('hex');
}

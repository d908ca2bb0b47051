import { randomUUID } from 'node:crypto';
import type { JobRegistry } from '../core/ports/job-registry.ts';

/** Names what the numbers of this registry's events count. A backup does not keep it, so that a restored one has another. */
export function eventEpoch(registry: Pick<JobRegistry, 'state' | 'setState'>): string {
  const known = registry.state('epoch')?.value;
  if (typeof known === 'string') return known;
  const epoch = randomUUID();
  registry.setState('epoch', epoch);
  return epoch;
}

import type { RegistryReader } from '../ports/job-registry.ts';

/** Told when policy might merge by itself, and why it does not. */
export const leftToPersonEvent = 'merge.left-to-person';

const eventsLookedAt = 10_000;

/** Why policy left the merge of this commit to a person, as told last; empty where it was not asked. */
export function leftToPersonOf(
  registry: Pick<RegistryReader, 'events'>,
  jobId: string,
  commit: string | null,
): readonly string[] {
  const events = registry.events({ afterSeq: 0, jobId, limit: eventsLookedAt });
  const told = events.findLast(({ type, data }) => type === leftToPersonEvent && data['commit'] === commit);
  const reasons = told?.data['reasons'];
  return Array.isArray(reasons) ? reasons.filter((reason) => typeof reason === 'string') : [];
}

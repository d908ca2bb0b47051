import type { RegistryEvent } from '../ports/job-registry.ts';

const draftedEvent = 'pr.drafted';
const readiedEvent = 'pr.readied';

/** The event that tells of what a pull request has become; null while it was told. It counts as ready until told otherwise. */
export function draftChange(events: readonly RegistryEvent[], isDraft: boolean): string | null {
  if (isToldDraft(events) === isDraft) return null;
  return isDraft ? draftedEvent : readiedEvent;
}

/** Whether what was told last is that the pull request is a draft. */
export function isToldDraft(events: readonly RegistryEvent[]): boolean {
  return events.findLast(({ type }) => type === draftedEvent || type === readiedEvent)?.type === draftedEvent;
}

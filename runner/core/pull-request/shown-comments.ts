import type { ObservedComment } from '../ports/pull-requests.ts';
import type { RegistryEvent } from '../ports/job-registry.ts';

/** What somebody said of a pull request that nobody obeys, as it is shown. */
export interface ShownComment {
  readonly id: string;
  readonly author: string;
  readonly body: string;
}

export const commentedEvent = 'pr.commented';
/** An event holds no essay. */
const mostOfBody = 500;

export function shownComment({ id, author, body }: ObservedComment): ShownComment {
  const text = body.trim().toWellFormed();
  return { id, author, body: text.length > mostOfBody ? `${text.slice(0, mostOfBody).toWellFormed()}…` : text };
}

export function shownComments(events: readonly RegistryEvent[]): ShownComment[] {
  return events.flatMap(({ type, data }) => {
    const { id, author, body } = data as Partial<ShownComment>;
    const isWhole = typeof id === 'string' && typeof author === 'string' && typeof body === 'string';
    return type === commentedEvent && isWhole ? [{ id, author, body }] : [];
  });
}

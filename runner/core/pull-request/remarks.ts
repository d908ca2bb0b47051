import type { ObservedComment, ObservedPullRequest } from '../ports/pull-requests.ts';
import type { Remark } from './happening.ts';

/**
 * What people who may steer ask for and nobody has taken up: threads that are open and where such a person has the last
 * word, and reviews that request changes. Approvals and plain comments ask for nothing.
 */
export function openRemarks(
  pull: ObservedPullRequest,
  maySteer: (login: string) => boolean,
  takenUp: ReadonlySet<string>,
): Remark[] {
  const remarks: Remark[] = [];
  for (const review of pull.reviews) {
    if (review.state !== 'changes-requested' || takenUp.has(review.id) || !maySteer(review.author)) continue;
    const { id, author, body } = review;
    remarks.push({ id, thread: null, author, path: null, line: null, context: null, body });
  }
  for (const thread of pull.threads) {
    if (thread.isResolved) continue;
    const said = thread.comments.filter((comment) => !takenUp.has(comment.id) && counts(comment, maySteer));
    const { id, path, line } = thread;
    for (const { id: comment, author, context, body } of said) {
      remarks.push({ id: comment, thread: id, author, path, line, context, body });
    }
  }
  return remarks;
}

/** When the newest of these was said. */
export function saidLast(pull: ObservedPullRequest, remarks: readonly Remark[]): number {
  const ids = new Set(remarks.map(({ id }) => id));
  const reviews = pull.reviews.filter(({ id }) => ids.has(id)).map(({ at }) => at);
  const comments = pull.threads.flatMap((thread) => thread.comments.filter(({ id }) => ids.has(id)));
  return Math.max(0, ...reviews, ...comments.map(({ at }) => at));
}

/** What others say is shown and not obeyed. */
export function unheeded(
  pull: ObservedPullRequest,
  maySteer: (login: string) => boolean,
  shown: ReadonlySet<string>,
): ObservedComment[] {
  const all = [...pull.comments, ...pull.threads.flatMap(({ comments }) => comments)];
  return all.filter((comment) => comment.key === null && !shown.has(comment.id) && !maySteer(comment.author));
}

function counts({ author, key }: ObservedComment, maySteer: (login: string) => boolean): boolean {
  return key === null && maySteer(author);
}

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

/**
 * What is shown and not obeyed: what is said beside the lines of the change, by whomever, and what those say in open
 * threads who may not steer.
 */
export function unheeded(
  pull: ObservedPullRequest,
  maySteer: (login: string) => boolean,
  shown: ReadonlySet<string>,
): ObservedComment[] {
  const inThreads = pull.threads
    .filter(({ isResolved }) => !isResolved)
    .flatMap(({ comments }) => comments.filter(({ author }) => !maySteer(author)));
  return [...pull.comments, ...inThreads].filter(({ id, key }) => key === null && !shown.has(id));
}

function counts({ author, key }: ObservedComment, maySteer: (login: string) => boolean): boolean {
  return key === null && maySteer(author);
}

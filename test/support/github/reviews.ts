import type { Comment, Issue, Pull, Review, ReviewComment, ReviewState, ReviewThread } from './records.ts';
import type { GitHubState } from './state.ts';
import { commentView, issueView, pullView, reviewCommentView, reviewView } from './views.ts';

export interface NewReviewComment {
  readonly path: string;
  readonly line: number | null;
  readonly body: string;
}

export interface NewReview {
  readonly state: ReviewState;
  readonly body?: string;
  readonly commit?: string;
  readonly comments?: readonly NewReviewComment[];
}

export function addReview(state: GitHubState, pull: Pull, author: string, wanted: NewReview): Review {
  const review: Review = {
    id: state.nextId(),
    author,
    commit: wanted.commit ?? pull.headCommit,
    at: state.now(),
    state: wanted.state,
    body: wanted.body ?? '',
  };
  pull.reviews.push(review);
  pull.requestedReviewers.delete(author);
  pull.updatedAt = state.now();
  state.count('review');
  for (const comment of wanted.comments ?? []) startThread(state, pull, review, comment);
  if (review.state !== 'PENDING') tellReview(state, pull, review, 'submitted', author);
  return review;
}

export function tellReview(state: GitHubState, pull: Pull, review: Review, action: string, sender: string): void {
  state.tell({
    event: 'pull_request_review',
    action,
    repository: pull.repository,
    sender,
    fields: () => ({
      pull_request: pullView(state, pull),
      // Webhooks write in small letters what REST writes in capitals.
      review: { ...reviewView(state, pull, review), state: review.state.toLowerCase() },
    }),
  });
}

export function dismissReview(state: GitHubState, pull: Pull, review: Review, actor: string): void {
  review.state = 'DISMISSED';
  pull.updatedAt = state.now();
  tellReview(state, pull, review, 'dismissed', actor);
}

export function startThread(state: GitHubState, pull: Pull, review: Review, wanted: NewReviewComment): ReviewThread {
  const thread: ReviewThread = {
    id: state.nextId(),
    path: wanted.path,
    line: wanted.line,
    commit: review.commit,
    comments: [],
    resolvedBy: null,
  };
  pull.threads.push(thread);
  addToThread(state, pull, thread, review, wanted.body);
  return thread;
}

/** GitHub makes a review of its own of each reply. */
export function replyInThread(
  state: GitHubState,
  pull: Pull,
  thread: ReviewThread,
  author: string,
  body: string,
): ReviewComment {
  const review: Review = {
    id: state.nextId(),
    author,
    commit: pull.headCommit,
    at: state.now(),
    state: 'COMMENTED',
    body: '',
  };
  pull.reviews.push(review);
  return addToThread(state, pull, thread, review, body);
}

function addToThread(
  state: GitHubState,
  pull: Pull,
  thread: ReviewThread,
  review: Review,
  body: string,
): ReviewComment {
  const at = state.now();
  const comment: ReviewComment = {
    id: state.nextId(),
    author: review.author,
    at,
    updatedAt: at,
    body,
    review: review.id,
    commit: thread.commit,
    path: thread.path,
    line: thread.line,
    diffHunk: thread.comments[0]?.diffHunk ?? hunkOf(pull, thread),
    inReplyTo: thread.comments[0]?.id ?? null,
  };
  thread.comments.push(comment);
  pull.updatedAt = at;
  state.count('comment');
  state.tell({
    event: 'pull_request_review_comment',
    action: 'created',
    repository: pull.repository,
    sender: review.author,
    fields: () => ({ pull_request: pullView(state, pull), comment: reviewCommentView(state, pull, comment) }),
  });
  return comment;
}

/** The hunk of the file's diff that has the line, up to it. */
function hunkOf(pull: Pull, thread: ReviewThread): string {
  const { bare } = pull.repository;
  const base = bare.branch(pull.baseRef) ?? thread.commit;
  const lines = (bare.tryGit('diff', `${base}...${thread.commit}`, '--', thread.path) ?? '').split('\n');
  let hunk: string[] = [];
  let next = 0;
  for (const line of lines) {
    const start = /^@@ -\S+ \+(\d+)/.exec(line)?.[1];
    if (start !== undefined) {
      hunk = [];
      next = Number(start) - 1;
    }
    if (start === undefined && hunk.length === 0) continue;
    hunk.push(line);
    if (start !== undefined || !line.startsWith('-')) next += start === undefined ? 1 : 0;
    if (thread.line !== null && next >= thread.line && start === undefined) break;
  }
  return hunk.join('\n');
}

export function setResolved(
  state: GitHubState,
  pull: Pull,
  thread: ReviewThread,
  by: string | null,
  actor: string,
): void {
  if ((thread.resolvedBy === null) === (by === null)) return;
  thread.resolvedBy = by;
  state.tell({
    event: 'pull_request_review_thread',
    action: by === null ? 'unresolved' : 'resolved',
    repository: pull.repository,
    sender: actor,
    fields: () => ({
      pull_request: pullView(state, pull),
      thread: {
        node_id: String(thread.id),
        comments: thread.comments.map((comment) => reviewCommentView(state, pull, comment)),
      },
    }),
  });
}

export function addIssueComment(state: GitHubState, item: Issue | Pull, author: string, body: string): Comment {
  const comment = state.addComment(item, author, body);
  tellComment(state, item, comment, 'created', author);
  return comment;
}

export function tellComment(
  state: GitHubState,
  item: Issue | Pull,
  comment: Comment,
  action: string,
  sender: string,
  more = {},
): void {
  state.tell({
    event: 'issue_comment',
    action,
    repository: item.repository,
    sender,
    fields: () => ({ issue: issueView(state, item), comment: commentView(state, item, comment), ...more }),
  });
}

import { Refusal } from './refusal.ts';
import type { Pull, ReviewComment, ReviewState, ReviewThread } from './records.ts';
import { addReview, dismissReview, replyInThread, startThread, type NewReviewComment } from './reviews.ts';
import { invalidField, notFound, pullOf, reads, textOf, writes, type Call, type Routes } from './routes.ts';
import { reviewCommentView, reviewView } from './views.ts';
import type { Fields } from './description.ts';

const area = 'pull_requests';

const states: Record<string, ReviewState> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
};

function threadOf(pull: Pull, comment: number): ReviewThread {
  const thread = pull.threads.find((candidate) => candidate.comments.some(({ id }) => id === comment));
  if (thread === undefined) throw notFound();
  return thread;
}

function allComments(pull: Pull): readonly ReviewComment[] {
  return pull.threads.flatMap((thread) => thread.comments).toSorted((left, right) => left.id - right.id);
}

function reviewOf(call: Call, pull: Pull) {
  const review = pull.reviews.find((candidate) => candidate.id === Number(call.params['review_id']));
  if (review === undefined) throw notFound();
  return review;
}

export const reviewRoutes: Routes = {
  'pulls/list-reviews': reads(area, (call) => {
    const pull = pullOf(call);
    return { status: 200, list: pull.reviews.map((review) => reviewView(call.state, pull, review)) };
  }),
  'pulls/get-review': reads(area, (call) => {
    const pull = pullOf(call);
    return { status: 200, body: reviewView(call.state, pull, reviewOf(call, pull)) };
  }),
  'pulls/create-review': writes(
    area,
    (call) => {
      const pull = pullOf(call);
      const event = textOf(call.body, 'event');
      if (pull.author === call.login && event !== undefined && event !== 'COMMENT') {
        const deed = event === 'APPROVE' ? 'approve' : 'request changes on';
        throw new Refusal(422, 'Unprocessable Entity', { errors: [`Can not ${deed} your own pull request`] });
      }
      const comments = ((call.body['comments'] ?? []) as Fields[]).map((comment): NewReviewComment => ({
        path: String(comment['path']),
        line: typeof comment['line'] === 'number' ? comment['line'] : null,
        body: String(comment['body']),
      }));
      const review = addReview(call.state, pull, call.login, {
        state: event === undefined ? 'PENDING' : (states[event] ?? 'COMMENTED'),
        body: textOf(call.body, 'body') ?? '',
        commit: textOf(call.body, 'commit_id') ?? pull.headCommit,
        comments,
      });
      return { status: 200, body: reviewView(call.state, pull, review) };
    },
    'read',
  ),
  'pulls/dismiss-review': writes(area, (call) => {
    const pull = pullOf(call);
    const review = reviewOf(call, pull);
    dismissReview(call.state, pull, review, call.login);
    return { status: 200, body: reviewView(call.state, pull, review) };
  }),
  'pulls/list-review-comments': reads(area, (call) => {
    const pull = pullOf(call);
    return { status: 200, list: allComments(pull).map((comment) => reviewCommentView(call.state, pull, comment)) };
  }),
  'pulls/list-comments-for-review': reads(area, (call) => {
    const pull = pullOf(call);
    const found = allComments(pull).filter((comment) => comment.review === reviewOf(call, pull).id);
    return { status: 200, list: found.map((comment) => reviewCommentView(call.state, pull, comment)) };
  }),
  'pulls/create-review-comment': writes(
    area,
    (call) => {
      const pull = pullOf(call);
      const line = call.body['line'];
      const path = textOf(call.body, 'path');
      if (path === undefined) throw invalidField('PullRequestReviewComment', 'path');
      const commit = textOf(call.body, 'commit_id') ?? pull.headCommit;
      const review = addReview(call.state, pull, call.login, { state: 'COMMENTED', commit });
      const body = textOf(call.body, 'body') ?? '';
      const thread = startThread(call.state, pull, review, {
        path,
        line: typeof line === 'number' ? line : null,
        body,
      });
      const [comment] = thread.comments;
      if (comment === undefined) throw notFound();
      return { status: 201, body: reviewCommentView(call.state, pull, comment) };
    },
    'read',
  ),
  'pulls/create-reply-for-review-comment': writes(
    area,
    (call) => {
      const pull = pullOf(call);
      const thread = threadOf(pull, Number(call.params['comment_id']));
      const comment = replyInThread(call.state, pull, thread, call.login, textOf(call.body, 'body') ?? '');
      return { status: 201, body: reviewCommentView(call.state, pull, comment) };
    },
    'read',
  ),
};

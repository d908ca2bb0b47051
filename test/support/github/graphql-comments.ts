import { actorObject } from './graphql-actor.ts';
import { connection, type Page } from './graphql-page.ts';
import type { Comment, Issue, Pull, Review, ReviewComment, ReviewThread } from './records.ts';
import type { GitHubState } from './state.ts';
import { association, itemUrl, nodeId, stamp } from './views.ts';

function commentFields(state: GitHubState, pull: Issue | Pull, written: Comment | Review) {
  return {
    databaseId: written.id,
    body: written.body,
    author: () => actorObject(state, written.author),
    authorAssociation: association(state, pull.repository, written.author),
    createdAt: stamp(written.at),
    updatedAt: stamp('updatedAt' in written ? written.updatedAt : written.at),
    isMinimized: false,
  };
}

export function issueCommentObject(state: GitHubState, item: Issue | Pull, written: Comment) {
  const url = `${itemUrl(state, item)}#issuecomment-${written.id}`;
  return { __typename: 'IssueComment', id: nodeId('IC', written.id), url, ...commentFields(state, item, written) };
}

export function reviewObject(state: GitHubState, pull: Pull, review: Review) {
  return {
    __typename: 'PullRequestReview',
    id: nodeId('PRR', review.id),
    ...commentFields(state, pull, review),
    url: `${itemUrl(state, pull)}#pullrequestreview-${review.id}`,
    state: review.state,
    submittedAt: stamp(review.at),
    commit: { __typename: 'Commit', oid: review.commit },
  };
}

export function reviewCommentObject(state: GitHubState, pull: Pull, written: ReviewComment) {
  return {
    __typename: 'PullRequestReviewComment',
    id: nodeId('PRRC', written.id),
    ...commentFields(state, pull, written),
    url: `${itemUrl(state, pull)}#discussion_r${written.id}`,
    path: written.path,
    line: written.line,
    originalLine: written.line,
    diffHunk: written.diffHunk,
    outdated: written.commit !== pull.headCommit,
    commit: { __typename: 'Commit', oid: written.commit },
    originalCommit: { __typename: 'Commit', oid: written.commit },
    pullRequestReview: () => {
      const review = pull.reviews.find((candidate) => candidate.id === written.review);
      return review === undefined ? null : reviewObject(state, pull, review);
    },
  };
}

export function threadObject(state: GitHubState, pull: Pull, thread: ReviewThread) {
  return {
    __typename: 'PullRequestReviewThread',
    id: nodeId('PRRT', thread.id),
    isResolved: thread.resolvedBy !== null,
    isOutdated: thread.commit !== pull.headCommit,
    isCollapsed: thread.resolvedBy !== null,
    path: thread.path,
    line: thread.commit === pull.headCommit ? thread.line : null,
    originalLine: thread.line,
    startLine: null,
    originalStartLine: null,
    diffSide: 'RIGHT',
    subjectType: thread.line === null ? 'FILE' : 'LINE',
    resolvedBy: () => actorObject(state, thread.resolvedBy),
    viewerCanResolve: true,
    viewerCanReply: true,
    comments: (page: Page) =>
      connection(
        thread.comments.map((written) => reviewCommentObject(state, pull, written)),
        page,
      ),
  };
}

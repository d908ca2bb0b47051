/** How much of each is looked at, the newest first: more would let one query cost too much. */
const most = { reviews: 50, threads: 50, threadComments: 30, comments: 50, checks: 100 } as const;

const comment = 'id author { __typename login } body createdAt viewerDidAuthor';

const pullFields = (number: number): string => `
  number url state isDraft headRefName headRefOid baseRefName mergeable mergeStateStatus
  headRef { name }
  mergeCommit { oid }
  mergedBy { __typename login }
  timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) {
    nodes { __typename ... on ClosedEvent { actor { __typename login } } }
  }
  reviews(last: ${most.reviews}) {
    nodes { id author { __typename login } state commit { oid } body submittedAt createdAt }
  }
  reviewThreads(last: ${most.threads}) {
    nodes {
      id isResolved isOutdated path line
      comments(first: ${most.threadComments}) { nodes { ${comment} diffHunk } }
    }
  }
  comments(last: ${most.comments}) { nodes { ${comment} } }
  commits(last: 1) {
    nodes {
      commit {
        oid
        statusCheckRollup {
          contexts(first: ${most.checks}) {
            nodes {
              __typename
              ... on CheckRun {
                databaseId name status conclusion detailsUrl title summary
                isRequired(pullRequestNumber: ${number})
              }
              ... on StatusContext {
                context state description targetUrl
                isRequired(pullRequestNumber: ${number})
              }
            }
          }
        }
      }
    }
  }`;

/** One query for all of these pull requests, each under its own name. */
export function observeQuery(numbers: readonly number[]): string {
  const pulls = numbers.map((number) => `p${number}: pullRequest(number: ${number}) {${pullFields(number)}\n}`);
  return `query observe($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    ${pulls.join('\n')}
  }
}`;
}

/** What of a thread, or of a pull request, says whether it has an answer already. */
export const answeredQueries = {
  thread: `query answered($thread: ID!) {
  node(id: $thread) {
    ... on PullRequestReviewThread { comments(last: 100) { nodes { body viewerDidAuthor } } }
  }
}`,
  pull: `query answered($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    node: pullRequest(number: $number) { comments(last: 100) { nodes { body viewerDidAuthor } } }
  }
}`,
} as const;

export const replyMutation = `mutation reply($thread: ID!, $body: String!) {
  addPullRequestReviewThreadReply(input: { pullRequestReviewThreadId: $thread, body: $body }) { comment { id } }
}`;

export const resolveMutation = `mutation resolve($thread: ID!) {
  resolveReviewThread(input: { threadId: $thread }) { thread { id } }
}`;

export const readyMutation = `mutation ready($pull: ID!) {
  markPullRequestReadyForReview(input: { pullRequestId: $pull }) { pullRequest { id } }
}`;

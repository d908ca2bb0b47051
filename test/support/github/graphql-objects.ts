import { actorObject } from './graphql-actor.ts';
import { commitsOf } from './graphql-checks.ts';
import { issueCommentObject, reviewObject, threadObject } from './graphql-comments.ts';
import { connection, type Page } from './graphql-page.ts';
import type { Issue, Pull, Repository } from './records.ts';
import { baseCommitOf, compared, mergeState, reviewDecision } from './rules.ts';
import type { GitHubState } from './state.ts';
import { association, itemUrl, nodeId, stamp, stampOrNull } from './views.ts';

/**
 * GraphQL's objects of what is kept. A field that a query asks for and that is missing here is an error, not a null.
 */
export function repositoryObject(state: GitHubState, repository: Repository) {
  return {
    __typename: 'Repository',
    id: nodeId('R', repository.id),
    databaseId: repository.id,
    name: repository.name,
    nameWithOwner: `${repository.owner}/${repository.name}`,
    owner: () => actorObject(state, repository.owner),
    url: `${state.origin}/${repository.owner}/${repository.name}`,
    isPrivate: repository.isPrivate,
    isArchived: repository.isArchived,
    isFork: repository.forkOf !== null,
    defaultBranchRef: () => refObject(repository, repository.defaultBranch),
    ref: ({ qualifiedName }: { qualifiedName: string }) => refObject(repository, qualifiedName),
    pullRequest({ number }: { number: number }) {
      const item = repository.items.get(number);
      return item?.kind === 'pull' ? pullObject(state, item) : null;
    },
    pullRequests(page: Page & { states?: readonly string[]; headRefName?: string; baseRefName?: string }) {
      const found = state
        .pulls(repository)
        .filter((pull) => page.states?.includes(pullState(pull)) ?? true)
        .filter((pull) => page.headRefName === undefined || pull.headRef === page.headRefName)
        .filter((pull) => page.baseRefName === undefined || pull.baseRef === page.baseRefName);
      return connection(
        found.map((pull) => pullObject(state, pull)),
        page,
      );
    },
    issue({ number }: { number: number }) {
      const item = repository.items.get(number);
      return item?.kind === 'issue' ? issueObject(state, item) : null;
    },
  };
}

function refObject(repository: Repository, name: string) {
  const branch = name.replace(/^refs\/heads\//, '');
  const commit = repository.bare.branch(branch);
  return commit === null
    ? null
    : { id: `REF_${branch}`, name: branch, prefix: 'refs/heads/', target: { __typename: 'Commit', oid: commit } };
}

export function pullState(pull: Pull): 'OPEN' | 'MERGED' | 'CLOSED' {
  if (pull.mergedAt !== null) return 'MERGED';
  return pull.state === 'open' ? 'OPEN' : 'CLOSED';
}

function conversation(state: GitHubState, item: Issue | Pull) {
  return {
    number: item.number,
    databaseId: item.id,
    title: item.title,
    body: item.body ?? '',
    url: itemUrl(state, item),
    author: () => actorObject(state, item.author),
    authorAssociation: association(state, item.repository, item.author),
    repository: () => repositoryObject(state, item.repository),
    createdAt: stamp(item.createdAt),
    updatedAt: stamp(item.updatedAt),
    closed: item.state === 'closed',
    closedAt: stampOrNull(item.closedAt),
    labels: (page: Page) =>
      connection(
        [...item.labels].map((name) => ({ name })),
        page,
      ),
    comments: (page: Page) =>
      connection(
        item.comments.map((comment) => issueCommentObject(state, item, comment)),
        page,
      ),
    projectItems: (page: Page) =>
      connection(
        [...state.projects.values()].flatMap((project) =>
          project.items
            .filter((entry) => entry.content === item)
            .map((entry) => ({
              id: entry.id,
              project: { id: project.id, title: project.title, number: project.number },
            })),
        ),
        page,
      ),
  };
}

export function issueObject(state: GitHubState, issue: Issue) {
  return {
    __typename: 'Issue',
    id: nodeId('I', issue.id),
    ...conversation(state, issue),
    state: issue.state.toUpperCase(),
    stateReason: issue.stateReason?.toUpperCase() ?? null,
  };
}

export function pullObject(state: GitHubState, pull: Pull): Record<string, unknown> {
  return {
    __typename: 'PullRequest',
    id: nodeId('PR', pull.id),
    ...conversation(state, pull),
    state: pullState(pull),
    isDraft: pull.isDraft,
    isCrossRepository: pull.headRepository !== pull.repository,
    headRefName: pull.headRef,
    headRefOid: pull.headCommit,
    headRef: () => (pull.isHeadGone ? null : refObject(pull.headRepository, pull.headRef)),
    headRepository: () => repositoryObject(state, pull.headRepository),
    headRepositoryOwner: () => actorObject(state, pull.headRepository.owner),
    baseRefName: pull.baseRef,
    baseRefOid: baseCommitOf(pull) ?? pull.headCommit,
    baseRef: () => {
      const ref = refObject(pull.repository, pull.baseRef);
      return ref === null ? null : { ...ref, branchProtectionRule: null, compare: compareField(pull) };
    },
    mergeable() {
      const comparison = compared(pull);
      if (comparison === null || pull.state === 'closed') return 'UNKNOWN';
      return comparison.hasConflict ? 'CONFLICTING' : 'MERGEABLE';
    },
    mergeStateStatus: () => mergeState(state, pull),
    merged: pull.mergedAt !== null,
    mergedAt: stampOrNull(pull.mergedAt),
    mergedBy: () => actorObject(state, pull.mergedBy),
    mergeCommit: pull.mergeCommit === null ? null : { __typename: 'Commit', oid: pull.mergeCommit },
    reviewDecision: () => reviewDecision(state, pull),
    reviewRequests: (page: Page) =>
      connection(
        [...pull.requestedReviewers].map((login) => ({ requestedReviewer: actorObject(state, login) })),
        page,
      ),
    reviews: (page: Page) =>
      connection(
        pull.reviews.map((review) => reviewObject(state, pull, review)),
        page,
      ),
    latestReviews: (page: Page) =>
      connection(
        [...new Map(pull.reviews.map((review) => [review.author, review])).values()].map((review) =>
          reviewObject(state, pull, review),
        ),
        page,
      ),
    reviewThreads: (page: Page) =>
      connection(
        pull.threads.map((thread) => threadObject(state, pull, thread)),
        page,
      ),
    commits: (page: Page) => connection(commitsOf(state, pull), page),
    timelineItems: (page: Page & { itemTypes?: readonly string[] }) =>
      connection(endOf(state, pull, page.itemTypes), page),
  };
}

function compareField(pull: Pull) {
  return () => ({ aheadBy: compared(pull)?.ahead ?? 0, behindBy: compared(pull)?.behind ?? 0, status: 'DIVERGED' });
}

function endOf(state: GitHubState, pull: Pull, types: readonly string[] | undefined) {
  if (pull.closedAt === null) return [];
  const common = { actor: actorObject(state, pull.closedBy), createdAt: stamp(pull.closedAt) };
  const events = [
    ...(pull.mergedAt === null ? [] : [{ __typename: 'MergedEvent', id: `ME_${pull.id}`, ...common }]),
    { __typename: 'ClosedEvent', id: `CE_${pull.id}`, ...common },
  ];
  const wanted = types?.map((type) => type.toLowerCase().replaceAll('_', ''));
  return events.filter((event) => wanted?.includes(event.__typename.toLowerCase()) ?? true);
}

import type { Fields } from './description.ts';
import type { Comment, Issue, Label, Person, Pull, Repository, Review, ReviewComment } from './records.ts';
import { baseCommitOf, compared, mergeState } from './rules.ts';
import type { GitHubState } from './state.ts';

/** GitHub's JSON of what is kept. Fields that are missing here and required there are filled by the description. */
export function stamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

export function stampOrNull(at: number | null): string | null {
  return at === null ? null : stamp(at);
}

/** Global ids, as GraphQL has them. */
export function nodeId(prefix: string, id: number): string {
  return `${prefix}_kwDO${Buffer.from(String(id)).toString('base64url')}`;
}

export function personView(state: GitHubState, person: Person): Fields {
  const name = encodeURIComponent(person.login);
  return {
    login: person.login,
    id: person.id,
    node_id: nodeId('U', person.id),
    avatar_url: `${state.origin}/avatars/${person.id}`,
    url: `${state.api}/users/${name}`,
    html_url: `${state.origin}/${name}`,
    type: person.type,
    site_admin: false,
  };
}

export function repositoryView(state: GitHubState, repository: Repository, viewer?: string): Fields {
  const full = `${repository.owner}/${repository.name}`;
  const may = (role: 'read' | 'triage' | 'write' | 'maintain' | 'admin') =>
    viewer !== undefined && state.may(viewer, repository, role);
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: full,
    owner: personView(state, state.person(repository.owner)),
    private: repository.isPrivate,
    visibility: repository.isPrivate ? 'private' : 'public',
    html_url: `${state.origin}/${full}`,
    url: `${state.api}/repos/${full}`,
    clone_url: `${state.origin}/${full}.git`,
    git_url: `${state.origin}/${full}.git`,
    ssh_url: `git@github.example:${full}.git`,
    description: null,
    fork: repository.forkOf !== null,
    archived: repository.isArchived,
    disabled: false,
    default_branch: repository.defaultBranch,
    allow_merge_commit: repository.allowMerge,
    allow_squash_merge: repository.allowSquash,
    allow_rebase_merge: repository.allowRebase,
    delete_branch_on_merge: repository.deleteBranchOnMerge,
    allow_forking: true,
    has_issues: true,
    has_projects: true,
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
    pushed_at: stamp(repository.createdAt),
    ...(repository.forkOf === null
      ? {}
      : { parent: repositoryView(state, repository.forkOf), source: repositoryView(state, repository.forkOf) }),
    ...(viewer === undefined
      ? {}
      : {
          permissions: {
            admin: may('admin'),
            maintain: may('maintain'),
            push: may('write'),
            triage: may('triage'),
            pull: may('read'),
          },
        }),
  };
}

export function labelView(state: GitHubState, repository: Repository, label: Label): Fields {
  return {
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: `${state.api}/repos/${repository.owner}/${repository.name}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    // GitHub answers null as well, but its description of a pull request does not allow that.
    description: label.description ?? '',
    default: false,
  };
}

export function association(state: GitHubState, repository: Repository, login: string): string {
  if (repository.owner.toLowerCase() === login.toLowerCase()) return 'OWNER';
  return state.may(login, repository, 'triage') ? 'COLLABORATOR' : 'NONE';
}

function conversationView(state: GitHubState, item: Issue | Pull): Fields {
  const { repository } = item;
  const root = `${state.api}/repos/${repository.owner}/${repository.name}`;
  const assignees = [...item.assignees].map((login) => personView(state, state.person(login)));
  return {
    id: item.id,
    number: item.number,
    state: item.state,
    locked: false,
    title: item.title,
    body: item.body,
    user: personView(state, state.person(item.author)),
    labels: [...item.labels].flatMap((name) => {
      const label = repository.labels.get(name);
      return label === undefined ? [] : [labelView(state, repository, label)];
    }),
    milestone: null,
    assignee: assignees[0] ?? null,
    assignees,
    created_at: stamp(item.createdAt),
    updated_at: stamp(item.updatedAt),
    closed_at: stampOrNull(item.closedAt),
    author_association: association(state, repository, item.author),
    comments_url: `${root}/issues/${item.number}/comments`,
    comments: item.comments.length,
  };
}

export function itemUrl(state: GitHubState, item: Issue | Pull): string {
  const folder = item.kind === 'pull' ? 'pull' : 'issues';
  return `${state.origin}/${item.repository.owner}/${item.repository.name}/${folder}/${item.number}`;
}

export function issueView(state: GitHubState, item: Issue | Pull): Fields {
  const root = `${state.api}/repos/${item.repository.owner}/${item.repository.name}`;
  const html = itemUrl(state, item);
  return {
    ...conversationView(state, item),
    node_id: nodeId(item.kind === 'pull' ? 'PR' : 'I', item.id),
    url: `${root}/issues/${item.number}`,
    repository_url: root,
    labels_url: `${root}/issues/${item.number}/labels{/name}`,
    events_url: `${root}/issues/${item.number}/events`,
    html_url: html,
    closed_by: item.closedBy === null ? null : personView(state, state.person(item.closedBy)),
    state_reason: item.kind === 'issue' ? item.stateReason : null,
    ...(item.kind === 'pull'
      ? {
          draft: item.isDraft,
          pull_request: {
            url: `${root}/pulls/${item.number}`,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: stampOrNull(item.mergedAt),
          },
        }
      : {
          sub_issues_summary: { total: item.subIssues.length, completed: 0, percent_completed: 0 },
        }),
  };
}

export function pullView(state: GitHubState, pull: Pull): Fields {
  const { repository } = pull;
  const root = `${state.api}/repos/${repository.owner}/${repository.name}`;
  const url = `${root}/pulls/${pull.number}`;
  const html = itemUrl(state, pull);
  const comparison = compared(pull);
  const base = baseCommitOf(pull) ?? pull.headCommit;
  const links = {
    html,
    self: url,
    issue: `${root}/issues/${pull.number}`,
    comments: `${root}/issues/${pull.number}/comments`,
    review_comments: `${url}/comments`,
    review_comment: `${root}/pulls/comments{/number}`,
    commits: `${url}/commits`,
    statuses: `${root}/statuses/${pull.headCommit}`,
  };
  return {
    ...conversationView(state, pull),
    node_id: nodeId('PR', pull.id),
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: links.issue,
    commits_url: links.commits,
    review_comments_url: links.review_comments,
    review_comment_url: links.review_comment,
    statuses_url: links.statuses,
    merged_at: stampOrNull(pull.mergedAt),
    merge_commit_sha: pull.mergeCommit,
    requested_reviewers: [...pull.requestedReviewers].map((login) => personView(state, state.person(login))),
    requested_teams: [],
    head: sideView(state, pull.headRepository, pull.headRef, pull.headCommit),
    base: sideView(state, repository, pull.baseRef, base),
    _links: Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }])),
    auto_merge: null,
    draft: pull.isDraft,
    merged: pull.mergedAt !== null,
    mergeable: comparison === null || pull.state === 'closed' ? null : !comparison.hasConflict,
    mergeable_state: mergeState(state, pull).toLowerCase(),
    merged_by: pull.mergedBy === null ? null : personView(state, state.person(pull.mergedBy)),
    review_comments: pull.threads.reduce((sum, thread) => sum + thread.comments.length, 0),
    maintainer_can_modify: false,
    commits: comparison?.ahead ?? 0,
  };
}

function sideView(state: GitHubState, repository: Repository, ref: string, sha: string): Fields {
  return {
    label: `${repository.owner}:${ref}`,
    ref,
    sha,
    user: personView(state, state.person(repository.owner)),
    repo: repositoryView(state, repository),
  };
}

export function commentView(state: GitHubState, item: Issue | Pull, comment: Comment): Fields {
  const root = `${state.api}/repos/${item.repository.owner}/${item.repository.name}`;
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    url: `${root}/issues/comments/${comment.id}`,
    html_url: `${itemUrl(state, item)}#issuecomment-${comment.id}`,
    issue_url: `${root}/issues/${item.number}`,
    body: comment.body,
    user: personView(state, state.person(comment.author)),
    created_at: stamp(comment.at),
    updated_at: stamp(comment.updatedAt),
    author_association: association(state, item.repository, comment.author),
  };
}

export function reviewView(state: GitHubState, pull: Pull, review: Review): Fields {
  const html = `${itemUrl(state, pull)}#pullrequestreview-${review.id}`;
  const url = `${state.api}/repos/${pull.repository.owner}/${pull.repository.name}/pulls/${pull.number}`;
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: personView(state, state.person(review.author)),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: url,
    _links: { html: { href: html }, pull_request: { href: url } },
    submitted_at: stamp(review.at),
    commit_id: review.commit,
    author_association: association(state, pull.repository, review.author),
  };
}

export function reviewCommentView(state: GitHubState, pull: Pull, comment: ReviewComment): Fields {
  const root = `${state.api}/repos/${pull.repository.owner}/${pull.repository.name}`;
  const html = `${itemUrl(state, pull)}#discussion_r${comment.id}`;
  const url = `${root}/pulls/comments/${comment.id}`;
  const pullUrl = `${root}/pulls/${pull.number}`;
  return {
    id: comment.id,
    node_id: nodeId('PRRC', comment.id),
    url,
    html_url: html,
    pull_request_url: pullUrl,
    pull_request_review_id: comment.review,
    diff_hunk: comment.diffHunk,
    path: comment.path,
    line: comment.line ?? undefined,
    side: 'RIGHT',
    commit_id: pull.headCommit,
    original_commit_id: comment.commit,
    user: personView(state, state.person(comment.author)),
    body: comment.body,
    created_at: stamp(comment.at),
    updated_at: stamp(comment.updatedAt),
    author_association: association(state, pull.repository, comment.author),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pullUrl } },
    ...(comment.inReplyTo === null ? {} : { in_reply_to_id: comment.inReplyTo }),
  };
}

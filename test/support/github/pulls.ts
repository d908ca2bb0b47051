import type { Issue, Pull, Repository } from './records.ts';
import { compare, compared, isBehindByRule, obstacles } from './rules.ts';
import { Refusal } from './refusal.ts';
import type { GitHubState } from './state.ts';
import { issueView, pullView } from './views.ts';

export interface NewPull {
  readonly title: string;
  readonly body?: string | null;
  /** `branch`, or `owner:branch` for a fork's. */
  readonly head: string;
  readonly base: string;
  readonly draft?: boolean;
}

export type MergeMethod = 'merge' | 'squash' | 'rebase';

export interface MergePull {
  readonly method: MergeMethod;
  readonly sha?: string | undefined;
  readonly title?: string | undefined;
  readonly message?: string | undefined;
}

function invalid(message: string, field: string, code = 'invalid'): Refusal {
  const error = { resource: 'PullRequest', field, code, ...(code === 'custom' ? { message } : {}) };
  return new Refusal(422, code === 'custom' ? 'Validation Failed' : message, { errors: [error] });
}

export function tellPull(state: GitHubState, pull: Pull, action: string, sender: string, more = {}): void {
  state.tell({
    event: 'pull_request',
    action,
    repository: pull.repository,
    sender,
    fields: () => ({ number: pull.number, pull_request: pullView(state, pull), ...more }),
  });
}

export function createPull(state: GitHubState, repository: Repository, author: string, wanted: NewPull): Pull {
  const [owner, ref] = wanted.head.includes(':') ? wanted.head.split(':') : [repository.owner, wanted.head];
  const headRepository = [...state.repositories.values()].find(
    (candidate) =>
      candidate.owner.toLowerCase() === owner?.toLowerCase() &&
      (candidate === repository || candidate.forkOf === repository),
  );
  const headCommit = ref === undefined ? null : (headRepository?.bare.branch(ref) ?? null);
  if (headRepository === undefined || ref === undefined || headCommit === null) {
    throw invalid('Validation Failed', 'head');
  }
  const base = repository.bare.branch(wanted.base);
  if (base === null) throw invalid('Validation Failed', 'base');
  const twin = state
    .pulls(repository)
    .find(
      (pull) =>
        pull.state === 'open' &&
        pull.headRef === ref &&
        pull.headRepository === headRepository &&
        pull.baseRef === wanted.base,
    );
  if (twin !== undefined) {
    throw invalid(`A pull request already exists for ${headRepository.owner}:${ref}.`, 'head', 'custom');
  }
  const number = state.nextNumber(repository);
  takeHead(repository, headRepository, ref, number, headCommit);
  if (compare(repository, base, headCommit).ahead === 0) {
    throw invalid(`No commits between ${wanted.base} and ${ref}`, 'head', 'custom');
  }
  const at = state.now();
  const pull: Pull = {
    kind: 'pull',
    repository,
    id: state.nextId(),
    number,
    author,
    createdAt: at,
    updatedAt: at,
    title: wanted.title,
    body: wanted.body ?? null,
    state: 'open',
    closedAt: null,
    closedBy: null,
    labels: new Set(),
    assignees: new Set(),
    comments: [],
    headRepository,
    headRef: ref,
    headCommit,
    isHeadGone: false,
    baseRef: wanted.base,
    isDraft: wanted.draft ?? false,
    mergedAt: null,
    mergedBy: null,
    mergeCommit: null,
    endBase: null,
    requestedReviewers: new Set(),
    reviews: [],
    threads: [],
  };
  repository.items.set(number, pull);
  state.count('pull');
  tellPull(state, pull, 'opened', author);
  return pull;
}

/** Makes the head's commits known to the base repository, as GitHub does below refs/pull. */
export function takeHead(base: Repository, head: Repository, ref: string, number: number, commit: string): void {
  if (head === base) base.bare.setPullRef(number, commit);
  else base.bare.git('fetch', '--quiet', head.bare.directory, `+refs/heads/${ref}:refs/pull/${number}/head`);
}

export function closePull(state: GitHubState, pull: Pull, actor: string): void {
  if (pull.state === 'closed') return;
  pull.endBase = pull.repository.bare.branch(pull.baseRef);
  end(state, pull, actor);
  tellPull(state, pull, 'closed', actor);
}

export function reopenPull(state: GitHubState, pull: Pull, actor: string): void {
  if (pull.state === 'open') return;
  if (pull.mergedAt !== null || pull.isHeadGone) throw invalid('Validation Failed', 'state');
  Object.assign(pull, { state: 'open', closedAt: null, closedBy: null, endBase: null, updatedAt: state.now() });
  tellPull(state, pull, 'reopened', actor);
}

export function setDraft(state: GitHubState, pull: Pull, isDraft: boolean, actor: string): void {
  if (pull.isDraft === isDraft) return;
  pull.isDraft = isDraft;
  pull.updatedAt = state.now();
  tellPull(state, pull, isDraft ? 'converted_to_draft' : 'ready_for_review', actor);
}

function end(state: GitHubState, pull: Pull, actor: string): void {
  const at = state.now();
  Object.assign(pull, { state: 'closed', closedAt: at, closedBy: actor, updatedAt: at });
}

export function markMerged(state: GitHubState, pull: Pull, actor: string, commit: string, base: string): void {
  end(state, pull, actor);
  Object.assign(pull, { mergedAt: pull.closedAt, mergedBy: actor, mergeCommit: commit, endBase: base });
  state.count('merge');
  tellPull(state, pull, 'closed', actor);
}

/** Merges for good in the bare repository and returns the merge commit; refuses as GitHub does. */
export function mergePull(state: GitHubState, pull: Pull, actor: string, wanted: MergePull): string {
  const { repository } = pull;
  const base = repository.bare.branch(pull.baseRef);
  const comparison = compared(pull);
  if (pull.state === 'closed' || base === null || comparison === null) {
    throw new Refusal(405, 'Pull Request is not mergeable');
  }
  if (wanted.sha !== undefined && wanted.sha !== pull.headCommit) {
    throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
  }
  if (pull.isDraft) throw new Refusal(405, 'Pull Request is still a draft');
  if (comparison.hasConflict) throw new Refusal(405, 'Pull Request is not mergeable');
  const allowed = { merge: repository.allowMerge, squash: repository.allowSquash, rebase: repository.allowRebase };
  if (!allowed[wanted.method]) throw new Refusal(405, refusedMethod[wanted.method]);
  const protection = repository.protections.get(pull.baseRef);
  const mayPass = protection?.enforceAdmins === false && state.may(actor, repository, 'admin');
  const reasons = mayPass ? [] : obstacles(state, pull);
  if (reasons.length > 0) throw new Refusal(405, reasons.join(' '));
  if (isBehindByRule(pull) && !mayPass) {
    throw new Refusal(405, 'The head branch is not up to date with the base branch. Update it and try again.');
  }
  const commit = makeMerge(state, pull, actor, base, wanted);
  repository.bare.setRef(`refs/heads/${pull.baseRef}`, commit);
  markMerged(state, pull, actor, commit, base);
  if (repository.deleteBranchOnMerge && pull.headRepository === repository) {
    repository.bare.setRef(`refs/heads/${pull.headRef}`, null);
  }
  return commit;
}

const refusedMethod: Record<MergeMethod, string> = {
  merge: 'Merge commits are not allowed on this repository.',
  squash: 'Squash merges are not allowed on this repository.',
  rebase: 'Rebase merges are not allowed on this repository.',
};

function makeMerge(state: GitHubState, pull: Pull, actor: string, base: string, wanted: MergePull): string {
  const { bare } = pull.repository;
  const author = state.author(actor);
  const at = state.now();
  if (wanted.method === 'rebase') return rebased(state, pull, base);
  const tree = bare.mergeTree(base, pull.headCommit);
  if (tree === null) throw new Refusal(405, 'Pull Request is not mergeable');
  if (wanted.method === 'squash') {
    const message = `${wanted.title ?? `${pull.title} (#${pull.number})`}\n\n${wanted.message ?? ''}`.trimEnd();
    return bare.commitTree(tree, [base], message, state.author(pull.author), at);
  }
  const title = wanted.title ?? `Merge pull request #${pull.number} from ${pull.headRepository.owner}/${pull.headRef}`;
  const message = `${title}\n\n${wanted.message ?? pull.title}`.trimEnd();
  return bare.commitTree(tree, [base, pull.headCommit], message, author, at);
}

/** Each commit of the pull request anew on the base, by a three-way merge whose base is that commit's parent. */
function rebased(state: GitHubState, pull: Pull, base: string): string {
  const { bare } = pull.repository;
  const commits = bare.git('rev-list', '--reverse', '--no-merges', `${base}..${pull.headCommit}`).split('\n');
  return commits.reduce((onto, commit) => {
    const parent = bare.git('rev-parse', `${commit}^`);
    const ours = bare.commitTree(`${onto}^{tree}`, [parent], 'ours', state.author(pull.author), state.now());
    const tree = bare.mergeTree(ours, commit);
    if (tree === null) throw new Refusal(405, "This branch can't be rebased due to conflicts");
    const [name = '', email = '', message = ''] = bare
      .git('log', '-1', '--format=%an%x00%ae%x00%B', commit)
      .split('\0');
    return bare.commitTree(tree, [onto], message.trimEnd(), { name, email }, state.now());
  }, base);
}

/** Merges the base into the head branch, as the button does. */
export function updateBranch(state: GitHubState, pull: Pull, actor: string, expected: string | undefined): void {
  if (expected !== undefined && expected !== pull.headCommit) {
    throw new Refusal(422, 'expected_head_sha did not match current head ref.');
  }
  const base = pull.repository.bare.branch(pull.baseRef);
  const comparison = compared(pull);
  if (base === null || comparison === null || pull.state === 'closed') throw invalid('Validation Failed', 'base');
  if (comparison.behind === 0) throw new Refusal(422, 'There are no new commits on the base branch.');
  const tree = pull.repository.bare.mergeTree(pull.headCommit, base);
  if (tree === null) throw new Refusal(422, 'merge conflict between base and head');
  const message = `Merge branch '${pull.baseRef}' into ${pull.headRef}`;
  const parents = [pull.headCommit, base];
  const commit = pull.repository.bare.commitTree(tree, parents, message, state.author(actor), state.now());
  if (pull.headRepository === pull.repository) {
    pull.repository.bare.setRef(`refs/heads/${pull.headRef}`, commit);
    return;
  }
  pull.repository.bare.setPullRef(pull.number, commit);
  const refs = `+refs/pull/${pull.number}/head:refs/heads/${pull.headRef}`;
  pull.headRepository.bare.git('fetch', '--quiet', pull.repository.bare.directory, refs);
}

export function tellIssue(state: GitHubState, item: Issue | Pull, action: string, sender: string, more = {}): void {
  state.tell({
    event: 'issues',
    action,
    repository: item.repository,
    sender,
    fields: () => ({ issue: issueView(state, item), ...more }),
  });
}

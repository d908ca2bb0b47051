import { closePull, markMerged, takeHead, tellPull } from './pulls.ts';
import type { Pull, Repository } from './records.ts';
import type { GitHubState } from './state.ts';

const none = '0'.repeat(40);

/** Compares the branches with those last seen, and lets happen what a push makes happen. */
export function noticePushes(state: GitHubState, repository: Repository, pusher: string): void {
  const before = repository.knownBranches;
  const after = repository.bare.refs();
  repository.knownBranches = after;
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => before.get(name) !== after.get(name),
  );
  for (const branch of changed) {
    const old = before.get(branch) ?? null;
    const commit = after.get(branch) ?? null;
    state.count('push');
    tellPush(state, repository, branch, old, commit, pusher);
    for (const owner of state.repositories.values()) {
      for (const pull of state.pulls(owner)) {
        if (pull.headRepository === repository && pull.headRef === branch) moveHead(state, pull, commit, pusher);
      }
    }
    for (const pull of state.pulls(repository)) {
      if (pull.state === 'open' && pull.baseRef === branch) moveBase(state, pull, old, commit, pusher);
    }
  }
}

/** GitHub closes a pull request whose branch is deleted, and forgets pushes to a branch after the end. */
function moveHead(state: GitHubState, pull: Pull, commit: string | null, pusher: string): void {
  pull.isHeadGone = commit === null;
  if (pull.state === 'closed') return;
  if (commit === null) {
    closePull(state, pull, pusher);
    return;
  }
  if (commit === pull.headCommit) return;
  const before = pull.headCommit;
  takeHead(pull.repository, pull.headRepository, pull.headRef, pull.number, commit);
  pull.headCommit = commit;
  pull.updatedAt = state.now();
  tellPull(state, pull, 'synchronize', pusher, { before, after: commit });
}

/** A push that brings the head's commits into the base merges the pull request. */
function moveBase(state: GitHubState, pull: Pull, old: string | null, commit: string | null, pusher: string): void {
  if (commit === null) closePull(state, pull, pusher);
  else if (pull.repository.bare.tryGit('merge-base', '--is-ancestor', pull.headCommit, commit) !== null) {
    markMerged(state, pull, pusher, commit, old ?? commit);
  }
}

function tellPush(
  state: GitHubState,
  repository: Repository,
  branch: string,
  old: string | null,
  commit: string | null,
  pusher: string,
): void {
  const { name, email } = state.author(pusher);
  const isForced =
    old !== null && commit !== null && repository.bare.tryGit('merge-base', '--is-ancestor', old, commit) === null;
  state.tell({
    event: 'push',
    action: null,
    repository,
    sender: pusher,
    fields: () => ({
      ref: `refs/heads/${branch}`,
      before: old ?? none,
      after: commit ?? none,
      created: old === null,
      deleted: commit === null,
      forced: isForced,
      base_ref: null,
      compare: `${state.origin}/${repository.owner}/${repository.name}/compare/${old ?? none}...${commit ?? none}`,
      commits: [],
      head_commit: null,
      pusher: { name, email },
    }),
  });
}

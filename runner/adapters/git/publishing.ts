import { OpusError } from '#shared/domain/errors.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { firstComplaint, originFailureOf } from './git-failure.ts';
import type { HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';

export type PushTargetOf = (repository: RepositoryAddress) => Promise<RepositoryAddress>;

/** The runner's own branches; they may live in a fork. */
const ownBranches = 'opus/';

/** Everything that reads or writes branches of an origin, or of the fork in which the runner's own branches are. */
export function createPublishing(git: HostGit, mirrors: Mirrors, pushTarget?: PushTargetOf) {
  const homeOf = async (repository: RepositoryAddress, branch: string): Promise<RepositoryAddress> =>
    pushTarget !== undefined && branch.startsWith(ownBranches) ? await pushTarget(repository) : repository;

  async function remoteHead(repository: RepositoryAddress, branch: string): Promise<string | null> {
    const wanted = `refs/heads/${branch}`;
    await mirrors.ensure(repository);
    const home = await homeOf(repository, branch);
    const result = await git.run(['ls-remote', '--quiet', '--', home.url, wanted], await mirrors.remoteCall(home));
    if (result.exitCode !== 0) throw originFailureOf(home, 'list the branches of', result.stderr);
    for (const line of result.stdout.split('\n')) {
      const [commit = '', reference] = line.split('\t');
      // The end of another reference's name may be the same.
      if (reference === wanted) return commit;
    }
    return null;
  }

  async function send(
    repository: RepositoryAddress,
    branch: string,
    commit: string,
    expected: string | null,
  ): Promise<void> {
    const reference = `refs/heads/${branch}`;
    const home = await homeOf(repository, branch);
    const result = await git.run(
      [
        'push',
        '--porcelain',
        '--no-verify',
        '--no-signed',
        `--force-with-lease=${reference}:${expected ?? ''}`,
        '--',
        home.url,
        `${commit}:${reference}`,
      ],
      await mirrors.remoteCall(home),
    );
    if (result.exitCode === 0) return;
    const now = await remoteHead(repository, branch);
    if (now === (commit === '' ? null : commit)) return;
    if (now !== expected) {
      throw new OpusError(
        'git.branch-moved',
        `The branch ${branch} of '${repository.name}' moved while the runner worked on it.`,
        {
          hint: 'Look at what was pushed to it; approving again takes it as it is now.',
          details: { branch, expected, found: now },
        },
      );
    }
    const refused = /^!.*\[remote rejected\] \((.*)\)$/m.exec(result.stdout)?.[1];
    if (refused !== undefined && !/lock|failed to update ref/.test(refused)) {
      const said = /^remote: (.+)$/m.exec(result.stderr)?.[1]?.trim();
      throw new OpusError(
        'forge.push-refused',
        `The origin of '${repository.name}' refused ${branch}: ${said ?? refused}`,
        {
          hint: refused.includes('checked out')
            ? 'Its branch is checked out there: make the origin a bare repository, or check out another branch in it.'
            : 'Look at the hooks and branch protection of the origin.',
          details: { branch, reason: refused },
        },
      );
    }
    if (refused !== undefined) {
      throw new OpusError(
        'git.failed',
        `Could not push ${branch} to '${repository.name}': ${firstComplaint(result.stderr)}`,
      );
    }
    throw originFailureOf(home, `push ${branch} to`, result.stderr);
  }

  return {
    remoteHead,
    push: send,
    deleteRemoteBranch: (repository: RepositoryAddress, branch: string, expected: string) =>
      send(repository, branch, '', expected),
  };
}

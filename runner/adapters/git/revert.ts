import { OpusError } from '#shared/domain/errors.ts';
import type { RevertOutcome, RevertRequest } from '../../core/ports/worktrees.ts';
import { withTrailers } from './commit-message.ts';
import { failureOf } from './git-failure.ts';
import type { GitCall, HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';

/** Takes a merge back out of a base by git's own three-way merge, without a tree of files. */
export function createReverts(git: HostGit, mirrors: Mirrors) {
  const lines = async (call: GitCall, doing: string, args: readonly string[]): Promise<string[]> =>
    (await git.text(doing, args, call)).split('\n').filter((line) => line !== '');

  /** A merge and a squash are one commit of the base, a rebase as many as the branch had: those are called the same. */
  async function commitBefore(call: GitCall, request: RevertRequest): Promise<string> {
    const { merge, head } = request;
    const parents = await lines(call, 'look at the merge', ['rev-parse', `${merge}^@`]);
    const [first] = parents;
    if (first === undefined) {
      throw new OpusError('git.conflict', `The commit ${merge.slice(0, 8)} is the first of its repository.`);
    }
    if (parents.length > 1) return first;
    const own = await lines(call, 'list the commits of the branch', [
      'log',
      '--no-merges',
      '--format=%s',
      head,
      `^${first}`,
      '--',
    ]);
    if (own.length < 2) return first;
    const made = ['log', '--first-parent', `--max-count=${own.length}`, '--format=%s', merge, '--'];
    const isRebased = (await lines(call, 'list the commits of the merge', made)).join('\n') === own.join('\n');
    return isRebased ? `${merge}~${own.length}` : first;
  }

  return async function revert(request: RevertRequest): Promise<RevertOutcome> {
    const { repository, base, merge, message, trailers } = request;
    const call = mirrors.call(repository);
    const before = await commitBefore(call, request);
    const sideOf = async (commit: string): Promise<string> =>
      (
        await git.text('prepare the revert', ['commit-tree', `${commit}^{tree}`, '-p', merge, '-m', 'side'], call)
      ).trim();
    const [ours, theirs] = [await sideOf(base), await sideOf(before)];
    const merged = await git.run(['merge-tree', '--write-tree', '--name-only', '--no-messages', ours, theirs], call);
    if (merged.exitCode > 1 || merged.cut) throw failureOf(`revert in '${repository.name}'`, merged.stderr);
    const [tree = '', ...files] = merged.stdout.split('\n').filter((line) => line !== '');
    if (merged.exitCode === 1) return { kind: 'conflict', files: [...new Set(files)] };
    const [known] = await lines(call, 'look at the base', ['rev-parse', `${base}^{tree}`]);
    if (known === tree) return { kind: 'nothing' };
    const made = await git.text('make the revert', ['commit-tree', tree, '-p', base, '-F', '-'], {
      ...call,
      input: withTrailers(message, trailers),
    });
    return { kind: 'reverted', commit: made.trim() };
  };
}

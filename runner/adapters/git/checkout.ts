import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { CheckOut, TakeBack } from '../../core/ports/worktrees.ts';
import type { HostGit } from './host-git.ts';
import type { Mirrors } from './mirror.ts';

/** A person's own clone of what a job has made so far, and the way back. The folder is the person's: no agent has written it. */
export function createCheckouts(git: HostGit, mirrors: Mirrors) {
  async function checkOut({ repository, job, branch, folder }: CheckOut): Promise<void> {
    if (existsSync(folder) && readdirSync(folder).length > 0) {
      throw new OpusError('git.checkout-refused', `The folder ${folder} is not empty; nothing was written into it.`, {
        hint: 'Name one that is empty or does not exist: opus job checkout … --dir FOLDER',
      });
    }
    await mirrors.ensure(repository);
    const call = { gitDir: join(folder, '.git'), workTree: folder };
    await git.text(`make ${folder}`, ['init', '--quiet', `--initial-branch=${branch}`, '--', folder]);
    await git.text(`add the origin to ${folder}`, ['remote', 'add', 'origin', repository.url], call);
    const from = mirrors.call(repository).gitDir ?? '';
    await git.text(
      `bring the commits into ${folder}`,
      ['fetch', '--quiet', '--no-tags', '--', from, `refs/opus/jobs/${job}`],
      call,
    );
    await git.text(`check out ${branch}`, ['reset', '--quiet', '--hard', 'FETCH_HEAD'], call);
  }

  async function takeBack({ repository, job, folder, branch, base }: TakeBack): Promise<string> {
    if (!existsSync(join(folder, '.git'))) {
      throw new OpusError(
        'git.checkout-gone',
        `${folder}, where ${job} was checked out, is no git repository any more.`,
        {
          hint: `Put it back, or go on without it: opus job retry ${job} --from code`,
        },
      );
    }
    const call = { gitDir: join(folder, '.git'), workTree: folder };
    const open = await git.text(`look at ${folder}`, ['status', '--porcelain', '--untracked-files=all'], call);
    if (open.trim() !== '') {
      const count = open.trim().split('\n').length;
      throw new OpusError(
        'git.checkout-refused',
        `${folder} has ${count === 1 ? 'a change' : `${count} changes`} that are not committed; nothing was taken.`,
        { hint: `Commit them there (or remove them), then: opus job return ${job}` },
      );
    }
    const head = (await git.text(`read the branch of ${folder}`, ['rev-parse', '--verify', 'HEAD'], call)).trim();
    await mirrors.ensure(repository);
    const into = mirrors.call(repository);
    await git.text(`take the commits from ${folder}`, ['fetch', '--quiet', '--no-tags', '--', folder, 'HEAD'], into);
    const known = await git.run(['merge-base', '--is-ancestor', base, head], into);
    if (known.exitCode === 0) return head;
    throw new OpusError(
      'git.checkout-refused',
      `What is in ${folder} does not build on ${base.slice(0, 8)}, which ${job} had given out; nothing was taken.`,
      { hint: `Rebase ${branch} on that commit there, then: opus job return ${job}` },
    );
  }

  return { checkOut, takeBack };
}

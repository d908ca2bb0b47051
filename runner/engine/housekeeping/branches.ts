import { OpusError } from '#shared/domain/errors.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import type { EngineDependencies } from '../stage-context.ts';
import { isOver, type Upkeep } from './upkeep.ts';

/** Branches of merged jobs that a kill left in the origin go; those of nobody known are told of once, and never touched. */
export async function dropBranches(
  upkeep: Upkeep,
  address: RepositoryAddress & { readonly base: string },
): Promise<never[]> {
  const { worktrees, registry } = upkeep.dependencies;
  await worktrees.fetch(address, address.base);
  const ours = [...(await worktrees.heads(address))].filter(([branch]) => branch.startsWith('opus/'));
  const all = new Map(registry.jobs({ finished: true }).map((job) => [`${job.repository} ${job.branch}`, job]));
  const strange: string[] = [];
  for (const [branch, commit] of ours) {
    const job = all.get(`${address.name} ${branch}`);
    // Where the pipeline ends with the delivery, the branch is all that there is of the work.
    const isMerged = job?.status === 'succeeded' && job.mergeCommit !== null;
    if (isMerged && isOver(upkeep, job.id) && commit === job.headCommit) {
      await deleteBranch(upkeep.dependencies, address, job);
    } else if (job === undefined || (isMerged && commit !== job.headCommit)) {
      strange.push(`${address.name} ${branch}`);
    }
  }
  tellOnce(upkeep.dependencies, address.name, strange);
  return [];
}

/** Only while it is at the last commit that the runner made; a branch that others moved is theirs. */
export async function deleteBranch(
  { worktrees }: Pick<EngineDependencies, 'worktrees'>,
  address: RepositoryAddress,
  job: Job,
): Promise<void> {
  if (job.headCommit === null) return;
  try {
    await worktrees.deleteRemoteBranch(address, job.branch, job.headCommit);
  } catch (thrown) {
    if (!(thrown instanceof OpusError && thrown.code === 'git.branch-moved')) throw thrown;
  }
}

function tellOnce({ registry, log }: EngineDependencies, repository: string, strange: readonly string[]): void {
  const value = registry.state('leftovers')?.value;
  const told = Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
  const fresh = strange.filter((name) => !told.includes(name));
  for (const name of fresh) {
    const branch = name.slice(repository.length + 1);
    log.warn(
      { repository, branch },
      `The branch ${branch} of '${repository}' is called like the runner's, but no job of it is known at that commit; it is left alone.`,
    );
  }
  const now = [...told.filter((name) => !name.startsWith(`${repository} `) || strange.includes(name)), ...fresh];
  if (now.length !== told.length || fresh.length > 0) registry.setState('leftovers', now);
}

import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import type { RepositoryAddress, Unsaved } from '../../core/ports/worktrees.ts';
import { dropBranches } from './branches.ts';
import { isOver, isUnknown, part, repositoriesOf, type Upkeep } from './upkeep.ts';

/** Comparing an agent's tree with its commits takes seconds; more would hold up the service's stop. */
const comparingMs = 30_000;

export interface Leftovers {
  /** Removes what no job needs any more; what may be somebody's work stays and is told of. */
  clear(): Promise<readonly RunnerProblem[]>;
}

export function createLeftovers(upkeep: Upkeep): Leftovers {
  const { dependencies } = upkeep;
  const { registry, worktrees, files, log } = dependencies;
  /** Nothing writes in the tree of a job that nobody knows, so one look is enough. */
  const compared = new Map<string, Unsaved>();
  const said = new Set<string>();

  async function unsaved(job: string): Promise<Unsaved> {
    const known = compared.get(job);
    if (known) return known;
    const repositories = repositoriesOf(upkeep);
    const limits = dependencies.config.limits.sandbox;
    const found = await worktrees.unsaved({ job, repositories, limits, signal: AbortSignal.timeout(comparingMs) });
    if (found.kind !== 'unknown') compared.set(job, found);
    return found;
  }

  async function trees(): Promise<RunnerProblem[]> {
    const kept = new Map<string, RunnerProblem>();
    for (const job of await worktrees.jobsWithTrees()) {
      // Settling a job removes its trees at once; these are what a kill or a full disk has left of that.
      if (isOver(upkeep, job)) await worktrees.remove(job, () => isOver(upkeep, job));
      if (!isUnknown(upkeep, job)) continue;
      const { kind, folder } = await unsaved(job);
      if (kind === 'none') await worktrees.remove(job, () => isUnknown(upkeep, job));
      else kept.set(job, keptTree(job, kind, folder));
    }
    for (const job of compared.keys()) if (!kept.has(job)) compared.delete(job);
    for (const job of await files.jobs()) {
      if (isOver(upkeep, job) || (isUnknown(upkeep, job) && !kept.has(job))) await files.removeJob(job);
    }
    return [...kept.values()];
  }

  async function keptCommits(address: RepositoryAddress & { readonly base: string }): Promise<RunnerProblem[]> {
    for (const { job, commit, merged } of await worktrees.keptJobs(address, address.base)) {
      const isDone = isUnknown(upkeep, job) || (isOver(upkeep, job) && registry.job(job)?.status === 'succeeded');
      if (merged && isDone) await worktrees.forget(address, job, commit);
    }
    return [];
  }

  async function locks(address: RepositoryAddress): Promise<RunnerProblem[]> {
    return (await worktrees.sweep(address)).map(({ path, reason }) => ({
      code: 'git.lock-left',
      message: `${path} keeps what it locks in '${address.name}' from being pushed; it was left alone, because ${reason}.`,
      hint: `When nothing works in that repository: rm '${path}'`,
    }));
  }

  return {
    async clear() {
      const found = [await part(upkeep, 'What jobs left in the data folder', trees)];
      for (const address of repositoriesOf(upkeep)) {
        const name = `'${address.name}'`;
        found.push(await part(upkeep, `Locks in ${name}`, () => locks(address)));
        found.push(await part(upkeep, `The commits kept of ${name}`, () => keptCommits(address)));
        // An origin that cannot be reached is nothing to complain of here: whatever needs it says so itself.
        await part(upkeep, `The branches of jobs in ${name}`, () => dropBranches(upkeep, address));
      }
      const problems = found.flat();
      for (const { code, message } of problems) if (!said.has(message)) log.warn({ code }, message);
      said.clear();
      for (const { message } of problems) said.add(message);
      return problems;
    },
  };
}

function keptTree(job: string, kind: 'some' | 'unknown', folder: string): RunnerProblem {
  const why =
    kind === 'some'
      ? 'has changes that are in no commit of it'
      : 'could not be compared with its commits, so it may have changes that are in none';
  return {
    code: 'git.tree-kept',
    message: `The registry does not know the job ${job}, and its working folder ${folder} ${why}. It was kept.`,
    hint: `Take what you need out of ${folder}/agent/tree, then: rm -r '${folder}'. If the registry was lost or is an old one, see: opus backup list`,
  };
}

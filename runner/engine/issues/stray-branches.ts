import type { ErrorSummary } from '#shared/domain/errors.ts';
import { strayBranch } from '../../core/issues/stray-branch.ts';
import type { ForgeDesk } from '../../core/ports/forge-desk.ts';
import type { EngineDependencies } from '../stage-context.ts';

/** More would be asked for one by one, and seen by nobody. */
const mostAsked = 20;

/**
 * Branches that a runner has pushed and this registry knows no job of, without a pull request. They are told and left
 * alone: what is in them, nobody here can say. A branch whose job is known is its job's to go on with.
 */
export async function strayBranches(
  dependencies: EngineDependencies,
  name: string,
  desk: ForgeDesk,
): Promise<[branch: string, problem: ErrorSummary][]> {
  const { registry, config } = dependencies;
  const repository = { name, url: config.repos[name]?.url ?? '' };
  const known = (id: string): boolean => registry.job(id) !== null;
  const found = (await desk.branches(repository, 'opus/')).flatMap((branch) => strayBranch(branch, known) ?? []);
  const stray: [string, ErrorSummary][] = [];
  for (const { branch, job, featureRequest } of found.slice(0, mostAsked)) {
    if ((await dependencies.forgeOf(name).find(repository, branch)) !== null) continue;
    stray.push([
      branch,
      {
        code: 'git.branch-moved',
        message: `The branch ${branch} of ${name} was pushed by ${job}, which this runner knows nothing of, and has no pull request.`,
        hint: `Begin anew with: opus run ${featureRequest} --again; and remove it: git push ${repository.url} --delete ${branch}`,
      },
    ]);
  }
  return stray;
}

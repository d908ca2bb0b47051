import { OpusError } from '#shared/domain/errors.ts';
import { pullRequestText } from '../../core/reporting/pull-request-text.ts';
import { weaknessesOfJob } from '../../core/weaker.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { baseOf, headOf } from './head.ts';

/** Pushes the branch and opens, or updates, the one pull request of the job. Repeating it changes nothing more. */
export async function runDeliver(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const { worktrees } = dependencies;
  const { job, repository } = run;
  const head = headOf(job);
  const remote = await worktrees.remoteHead(repository, job.branch);
  if (remote !== null && remote !== head && !(await worktrees.isAncestor(repository, remote, head))) {
    throw new OpusError(
      'git.branch-moved',
      `The branch ${job.branch} in ${job.repository} holds commits that ${job.id} did not make; nothing was overwritten.`,
      { hint: `Look at them, then remove or rename that branch and: opus job retry ${job.id} --from deliver` },
    );
  }
  await worktrees.push(repository, job.branch, head, remote);
  const stat = await worktrees.diffStat(repository, baseOf(job), head);
  const text = pullRequestText(job, run.featureRequest, dependencies.registry.attempts(job.id), stat, {
    tested: run.repositoryConfig.test !== null,
    weaker: weaknessesOfJob(dependencies.registry, job.id),
  });
  const pullRequest = await dependencies.forgeOf(job.repository).open({
    repository,
    job: job.id,
    head: job.branch,
    base: job.base,
    commit: head,
    title: text.title,
    body: text.body,
  });
  return {
    status: 'passed',
    sentence: `pull request #${pullRequest.number} ${pullRequest.url}`,
    result: { number: pullRequest.number },
    commit: head,
    jobFields: { pullRequest: { number: pullRequest.number, url: pullRequest.url, state: pullRequest.state } },
  };
}

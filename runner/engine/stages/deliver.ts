import { OpusError } from '#shared/domain/errors.ts';
import type { Delivered } from '../../core/pull-request/delivered.ts';
import { changeSizeOf } from '../../core/reporting/change-size.ts';
import { costText } from '../../core/reporting/cost.ts';
import { pullRequestText } from '../../core/reporting/pull-request-text.ts';
import { findTampering } from '../../core/tamper/find-tampering.ts';
import { weaknessesOfJob } from '../../core/weaker.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { answerRemarks } from '../pull-requests/answer-remarks.ts';
import { baseOf, headOf } from './head.ts';

/** What is beyond this is not looked at for tampering with tests. */
const diffBytes = 20_000_000;

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
  const tampering = findTampering(await worktrees.diff(repository, baseOf(job), head, diffBytes));
  const { pullRequests: policy } = dependencies.confirmed().policy;
  const text = pullRequestText(job, run.featureRequest, dependencies.registry.attempts(job.id), stat, {
    tested: run.repositoryConfig.test !== null,
    weaker: weaknessesOfJob(dependencies.registry, job.id),
    tampering,
    cost: costText(dependencies.registry.usage({ jobId: job.id })),
    vaultName: dependencies.config.vault.name,
  });
  const pullRequest = await dependencies.forgeOf(job.repository).open({
    repository,
    job: job.id,
    head: job.branch,
    base: job.base,
    commit: head,
    title: text.title,
    body: text.body,
    draft: policy.draft,
    labels: policy.labels,
    reviewers: policy.reviewers,
    reopen: isAskedForAnew(dependencies, job.id),
    ...(run.featureRequest.issue === null || job.reverts !== null ? {} : { closes: run.featureRequest.issue }),
  });
  const delivered = {
    number: pullRequest.number,
    tampering,
    lines: stat.added + stat.removed,
    size: changeSizeOf(stat),
  };
  await answerRemarks(dependencies, run, pullRequest.number, head);
  return {
    status: 'passed',
    sentence: `pull request #${pullRequest.number} ${pullRequest.url}`,
    result: delivered satisfies Delivered,
    commit: head,
    jobFields: { pullRequest: { number: pullRequest.number, url: pullRequest.url, state: pullRequest.state } },
  };
}

/** Since its pull request was closed, a person has said that it is to be delivered again. */
function isAskedForAnew({ registry }: EngineDependencies, jobId: string): boolean {
  const ended = registry
    .happenings(jobId)
    .findLast(({ happening }) => happening.kind === 'closed' || happening.kind === 'branch-deleted');
  const asked = registry.retries(jobId).findLast(({ from }) => from === 'deliver');
  return asked !== undefined && asked.generation > (ended?.generation ?? -1);
}

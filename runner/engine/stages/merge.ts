import { OpusError } from '#shared/domain/errors.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { MergeRefusal } from '../../core/pipeline/merge-refusal.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { trailersOf } from './code.ts';
import { headOf } from './head.ts';
import { closedError, mergeOnForge } from './merge-on-forge.ts';
import { testCommit } from './test.ts';

/** A base that keeps moving under us is tried again this often; each try tests the new result. */
const moves = 5;

/**
 * Merges what was approved: a real merge commit on the base, tested before it is pushed by compare-and-set.
 * Texts that clash, or tests that fail on the result, are a rejection that goes back to code.
 */
export async function runMerge(dependencies: EngineDependencies, run: StageRun): Promise<StageOutcome> {
  const { worktrees } = dependencies;
  const { job, repository } = run;
  const pulls = dependencies.pullRequestsOf(job.repository);
  // A forge that merges itself is never gone round, whatever is known of the pull request.
  if (pulls !== null) {
    const known = job.pullRequest ?? (await dependencies.forgeOf(job.repository).find(repository, job.branch));
    if (known === null) throw closedError(job.id);
    return await mergeOnForge(dependencies, run, pulls, known.number);
  }
  const head = headOf(job);
  const forge = dependencies.forgeOf(job.repository);
  const [pullRequest, firstBase] = await Promise.all([
    forge.find(repository, job.branch),
    worktrees.fetch(repository, job.base),
  ]);
  const evidence: Evidence[] = [];
  const refusedHosts = new Set<string>();
  for (let move = 0; move < moves; move++) {
    const base = move === 0 ? firstBase : await worktrees.fetch(repository, job.base);
    const done = await worktrees.findMerge(repository, base, job.id);
    if (done !== null) return await finish(done);
    if (pullRequest === null || pullRequest.state === 'closed') {
      throw new OpusError(
        'forge.pull-request-closed',
        `The pull request of ${job.id} is ${pullRequest === null ? 'gone' : 'closed'}.`,
        {
          hint: `Open it anew with: opus job retry ${job.id} --from deliver, or dispatch again: opus run ${job.featureRequestId} --again`,
        },
      );
    }
    await requireApprovedHead(head);
    const merged = await worktrees.merge({
      repository,
      base,
      head,
      message: `Merge ${job.branch}: ${run.featureRequest.title}`,
      trailers: [...trailersOf(run), ['Opus-FR', job.featureRequestId]],
    });
    if (merged.kind === 'conflict') {
      return refuse({ kind: 'conflict', files: merged.files, detail: merged.detail, startFrom: merged.commit, base });
    }
    if (run.repositoryConfig.test !== null) {
      const tested = await testCommit(dependencies, run, merged.commit);
      evidence.push(tested.evidence);
      for (const host of tested.refusedHosts) refusedHosts.add(host);
      if (!tested.passed) {
        return refuse({ kind: 'tests', files: [], detail: tested.evidence.tail, startFrom: merged.commit, base });
      }
    }
    run.signal.throwIfAborted();
    if (await pushed(base, merged.commit)) return await finish(merged.commit);
  }
  throw new OpusError(
    'git.failed',
    `The base ${job.base} of ${job.repository} moved ${moves} times while ${job.id} was merging.`,
    {
      hint: `Try again when it is quiet: opus job retry ${job.id}`,
    },
  );

  async function requireApprovedHead(approved: string): Promise<void> {
    const heads = await worktrees.heads(repository);
    if (heads.get(job.branch) === approved) return;
    throw new OpusError(
      'git.branch-moved',
      `The branch ${job.branch} is not at the approved commit ${approved.slice(0, 8)} any more; nothing was merged.`,
      { hint: `Ask for the approval anew with: opus job retry ${job.id} --from deliver` },
    );
  }

  async function pushed(base: string, commit: string): Promise<boolean> {
    try {
      await worktrees.push(repository, job.base, commit, base);
      return true;
    } catch (thrown) {
      if (thrown instanceof OpusError && thrown.code === 'git.branch-moved') return false;
      throw thrown;
    }
  }

  /** A branch that others moved meanwhile is theirs to keep. */
  async function removeBranch(): Promise<void> {
    try {
      await worktrees.deleteRemoteBranch(repository, job.branch, head);
    } catch (thrown) {
      if (!(thrown instanceof OpusError && thrown.code === 'git.branch-moved')) throw thrown;
    }
  }

  function refuse(refusal: MergeRefusal): StageOutcome {
    const sentence =
      refusal.kind === 'conflict'
        ? `conflicts with the base in ${refusal.files.join(', ')}`
        : 'merges with the base, but the tests fail on the result';
    return { status: 'rejected', sentence, result: refusal, commit: head, evidence, refusedHosts: [...refusedHosts] };
  }

  async function finish(mergeCommit: string): Promise<StageOutcome> {
    if (pullRequest !== null) await forge.markMerged(repository, pullRequest.number, mergeCommit);
    await removeBranch();
    return {
      status: 'passed',
      sentence: `merged into ${job.base} as ${mergeCommit.slice(0, 8)}`,
      result: { mergeCommit },
      commit: mergeCommit,
      evidence,
      refusedHosts: [...refusedHosts],
      jobFields: {
        mergeCommit,
        ...(job.pullRequest === null ? {} : { pullRequest: { ...job.pullRequest, state: 'merged' as const } }),
      },
    };
  }
}

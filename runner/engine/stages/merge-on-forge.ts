import { OpusError } from '#shared/domain/errors.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { MergeRefusal } from '../../core/pipeline/merge-refusal.ts';
import type { ObservedCheck, ObservedPullRequest, PullRequests } from '../../core/ports/pull-requests.ts';
import { recordJob } from '../job-recorder.ts';
import type { EngineDependencies, StageOutcome, StageRun } from '../stage-context.ts';
import { trailersOf } from './code.ts';
import { headOf } from './head.ts';
import { testCommit } from './test.ts';

const firstPauseMs = 30_000;
const longestPauseMs = 5 * 60_000;
/** So long a forge may say "not yet" before a person is asked. */
const patienceMs = 12 * 3_600_000;

interface Merging {
  readonly dependencies: EngineDependencies;
  readonly run: StageRun;
  readonly pulls: PullRequests;
  readonly number: number;
  readonly evidence: Evidence[];
  readonly refusedHosts: Set<string>;
}

/**
 * Merges what was approved on a forge that merges itself. One job a repository is here at a time. Where the base has gone
 * on, the branch is first brought up to it, by a merge of the runner's own that is tested; the approval of what was merged
 * into it stands. What the forge still waits for holds the job; a check that fails, or a clash, goes back to code.
 */
export async function mergeOnForge(
  dependencies: EngineDependencies,
  run: StageRun,
  pulls: PullRequests,
  number: number,
): Promise<StageOutcome> {
  const merging: Merging = { dependencies, run, pulls, number, evidence: [], refusedHosts: new Set() };
  const { worktrees } = dependencies;
  const { job, repository } = run;
  const base = await worktrees.fetch(repository, job.base);
  const pull = await observed(merging);
  if (pull.state === 'merged') return finished(merging, pull.mergeCommit ?? pull.headCommit ?? headOf(job));
  if (pull.state === 'closed') throw closedError(job.id);
  const head = pull.headCommit === headOf(job) ? headOf(job) : await pushedBefore(merging, pull, base);
  const candidate = await upToDate(merging, base, head);
  if (typeof candidate !== 'string') return candidate;
  if (candidate !== head && pull.checks.length > 0) throw notYet(merging, 'its checks begin anew on the new base');
  const isShown = isApproved(dependencies, job.id, candidate);
  // Whoever approved this very commit saw what had failed on it and is not required.
  const failing = pull.checks.filter((check) => isOf(check, candidate, 'failed') && (check.isRequired || !isShown));
  if (failing.length > 0) return await refusedByChecks(merging, failing, candidate, base);
  const pending = pull.checks.filter((check) => isOf(check, candidate, 'pending'));
  if (pending.length > 0) throw notYet(merging, `${pending.map(({ name }) => name).join(', ')} not ended`);
  if (pull.isDraft) await pulls.markReady(repository, number);
  run.signal.throwIfAborted();
  return await mergeNow(merging, candidate, base);
}

async function mergeNow(merging: Merging, commit: string, base: string): Promise<StageOutcome> {
  const { dependencies, run, pulls, number } = merging;
  const { method } = dependencies.confirmed().policy.pullRequests;
  const trailers = [...trailersOf(run), ['Opus-FR', run.job.featureRequestId] as const];
  const outcome = await pulls.merge({
    repository: run.repository,
    number,
    commit,
    method,
    title: `${run.featureRequest.id}: ${run.featureRequest.title} (#${number})`,
    message: trailers.map(([key, value]) => `${key}: ${value}`).join('\n'),
  });
  switch (outcome.kind) {
    case 'merged':
      return finished(merging, outcome.commit);
    case 'not-yet':
      throw notYet(merging, outcome.reason);
    case 'conflict': {
      const clash = await upToDate(merging, base, commit);
      if (typeof clash !== 'string') return clash;
      throw notYet(merging, outcome.reason);
    }
    case 'moved':
      throw movedError(merging, commit);
    case 'closed':
      throw closedError(run.job.id);
  }
}

/** The head with the base in it, tested and on its branch; an outcome where that cannot be. */
async function upToDate(merging: Merging, base: string, head: string): Promise<string | StageOutcome> {
  const { dependencies, run, evidence, refusedHosts } = merging;
  const { worktrees } = dependencies;
  const { job, repository } = run;
  if (await worktrees.isAncestor(repository, base, head)) return head;
  const merged = await worktrees.merge({
    repository,
    base: head,
    head: base,
    message: `Merge ${job.base} into ${job.branch}`,
    trailers: trailersOf(run),
  });
  if (merged.kind === 'conflict') {
    const { files, detail, commit } = merged;
    return refusal(merging, head, { kind: 'conflict', files, detail, startFrom: commit, base });
  }
  if (run.repositoryConfig.test !== null) {
    const tested = await testCommit(dependencies, run, merged.commit);
    evidence.push(tested.evidence);
    for (const host of tested.refusedHosts) refusedHosts.add(host);
    if (!tested.passed) {
      const detail = tested.evidence.tail;
      return refusal(merging, head, { kind: 'tests', files: [], detail, startFrom: merged.commit, base });
    }
  }
  await worktrees.keep(repository, job.id, merged.commit);
  await worktrees.push(repository, job.branch, merged.commit, head);
  recordUpdate(merging, merged.commit, base);
  return merged.commit;
}

function recordUpdate({ dependencies, run: { job } }: Merging, commit: string, base: string): void {
  const current = dependencies.registry.job(job.id) ?? job;
  recordJob(dependencies.registry, `${job.id}/up-to-date/${commit}`, current, {
    fields: { headCommit: commit, baseCommit: base },
    events: [['pr.updated', { commit, base }]],
  });
}

/** A runner that died after it had pushed the updated branch kept that commit first: the branch is there, and it is ours. */
async function pushedBefore(merging: Merging, pull: ObservedPullRequest, base: string): Promise<string> {
  const { dependencies, run } = merging;
  const { worktrees } = dependencies;
  const { job, repository } = run;
  const head = headOf(job);
  const kept = await worktrees.kept(repository, job.id);
  const isOurs = kept !== null && kept === pull.headCommit && (await worktrees.isAncestor(repository, head, kept));
  if (!isOurs) throw movedError(merging, head);
  const holdsBase = await worktrees.isAncestor(repository, base, kept);
  recordUpdate(merging, kept, holdsBase ? base : (job.baseCommit ?? base));
  return kept;
}

async function refusedByChecks(
  merging: Merging,
  failing: readonly ObservedCheck[],
  head: string,
  base: string,
): Promise<StageOutcome> {
  const { pulls, run } = merging;
  const again = failing.filter(({ run: times }) => times <= 1);
  if (again.length > 0) {
    const started = await Promise.all(again.map((check) => pulls.rerun(run.repository, check)));
    if (started.some(Boolean)) throw notYet(merging, `${again.map(({ name }) => name).join(', ')} running once more`);
  }
  const [first] = failing;
  const why = first === undefined ? null : await pulls.failureOf(run.repository, first);
  const detail = [why?.check, why?.job, why?.step].filter(Boolean).join(' / ') + `\n${why?.tail ?? ''}`;
  return refusal(merging, head, { kind: 'tests', files: [], detail, startFrom: head, base });
}

function refusal(merging: Merging, commit: string, result: MergeRefusal): StageOutcome {
  const sentence =
    result.kind === 'conflict'
      ? `conflicts with the base in ${result.files.join(', ')}`
      : 'merges with the base, but tests fail on the result';
  const { evidence, refusedHosts } = merging;
  return { status: 'rejected', sentence, result, commit, evidence, refusedHosts: [...refusedHosts] };
}

async function finished(merging: Merging, mergeCommit: string): Promise<StageOutcome> {
  const { dependencies, run, evidence, refusedHosts } = merging;
  const { job, repository } = run;
  const head = dependencies.registry.job(job.id)?.headCommit ?? headOf(job);
  await dependencies.worktrees.deleteRemoteBranch(repository, job.branch, head).catch((thrown: unknown) => {
    // A branch that others moved, or that the forge removed already, is theirs to keep.
    dependencies.log.info({ err: thrown, job: job.id }, `The branch ${job.branch} stays.`);
  });
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

async function observed({ pulls, run, number }: Merging): Promise<ObservedPullRequest> {
  const [pull] = await pulls.observe(run.repository, [number]);
  if (pull !== undefined) return pull;
  throw new OpusError('forge.pull-request-closed', `The pull request ${number} of ${run.job.id} is gone.`, {
    hint: `Open it anew with: opus job retry ${run.job.id} --from deliver`,
  });
}

function isApproved({ registry }: EngineDependencies, jobId: string, commit: string): boolean {
  return registry.decisions(jobId).some(({ kind, gate }) => kind === 'approve' && gate.hash === commit);
}

function isOf(check: ObservedCheck, commit: string, state: ObservedCheck['state']): boolean {
  return check.commit === commit && check.state === state;
}

/** Held, and charged to nobody; after hours of it a person is asked. */
function notYet({ dependencies, run }: Merging, reason: string): OpusError {
  const { registry, clock } = dependencies;
  const waits = registry
    .attempts(run.job.id)
    .filter(
      ({ stage, generation, error }) => stage === 'merge' && generation === run.attempt.generation && error !== null,
    );
  const since = waits.find(({ error }) => error?.code === 'forge.not-yet')?.startedAt ?? clock.now();
  const message = `The forge does not merge ${run.job.id} yet: ${reason}.`;
  if (clock.now() - since > patienceMs) {
    return new OpusError(
      'forge.merge-refused',
      `${message} It has said so for ${Math.round(patienceMs / 3_600_000)} hours.`,
      {
        hint: `Look at ${run.job.pullRequest?.url ?? 'its pull request'}, then: opus job retry ${run.job.id}`,
      },
    );
  }
  const pause = Math.min(longestPauseMs, firstPauseMs * 1.5 ** waits.length);
  return new OpusError('forge.not-yet', message, { until: clock.now() + pause });
}

function movedError({ run }: Merging, approved: string): OpusError {
  return new OpusError(
    'git.branch-moved',
    `The branch ${run.job.branch} is not at the approved commit ${approved.slice(0, 8)} any more; nothing was merged.`,
    { hint: `Ask for the approval anew with: opus job retry ${run.job.id} --from deliver` },
  );
}

export function closedError(job: string): OpusError {
  return new OpusError('forge.pull-request-closed', `The pull request of ${job} is closed.`, {
    hint: `Open it anew with: opus job retry ${job} --from deliver`,
  });
}

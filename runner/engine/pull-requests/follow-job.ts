import type { Job } from '../../core/ports/job-registry.ts';
import type { CheckFailure, ObservedCheck, ObservedPullRequest, PullRequests } from '../../core/ports/pull-requests.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import type { Happening } from '../../core/pull-request/happening.ts';
import { react, type Reaction, type ReactionFacts } from '../../core/pull-request/react.ts';
import { approveByPolicy } from '../auto-merge.ts';
import { decide } from '../control.ts';
import { approversOf } from '../next-of-job.ts';
import type { EngineDependencies } from '../stage-context.ts';
import { recordHappening } from './record-happening.ts';
import { showChecks } from './show-checks.ts';
import { showComments } from './show-comments.ts';
import { showDraft } from './show-draft.ts';

export interface FollowedPullRequest {
  readonly repository: RepositoryAddress;
  readonly pulls: PullRequests;
  readonly pull: ObservedPullRequest;
  /** Our own login, where the forge told it. */
  readonly self: string | null;
}

/** More than one poll ever brings; against reactions that would not settle. */
const mostReactions = 10;
/** So long after a push a forge may take until it shows what it checks. */
const checksAppearMs = 60_000;

/**
 * Does what is to be done about a job's pull request as it was observed. Returns whether the job is to be looked at by
 * its pipeline. Each step is recorded before the next is decided, so that doing it all again does nothing more.
 */
export async function followJob(
  dependencies: EngineDependencies,
  jobId: string,
  followed: FollowedPullRequest,
): Promise<boolean> {
  const { registry } = dependencies;
  const facts = await factsOf(dependencies, followed);
  const followedJob = registry.job(jobId);
  if (followedJob !== null) {
    showDraft(dependencies, followedJob, followed.pull);
    showChecks(dependencies, followedJob, followed.pull);
    showComments(dependencies, followedJob, followed.pull, facts);
  }
  let isOnTop: boolean | null = null;
  let hasChanged = false;
  for (let count = 0; count < mostReactions; count++) {
    const job = registry.job(jobId);
    if (job?.headCommit == null || !rests(job)) return hasChanged;
    if (movedTo(job, followed.pull) !== null) isOnTop ??= await isMovedOnTop(dependencies, job, followed);
    const reaction = react(
      {
        id: job.id,
        headCommit: job.headCommit,
        isAtMergeGate: job.gate?.kind === 'merge',
        isWithPerson: job.waitingFor === 'human',
        approvedBy: approversOf(dependencies, job.id),
        happenings: registry.happenings(job.id),
      },
      followed.pull,
      { ...facts, now: dependencies.clock.now(), isOnTop },
    );
    if (reaction === null) return (await isApproved(dependencies, job, followed.pull)) || hasChanged;
    if (!(await done(dependencies, job, followed, reaction))) return hasChanged;
    hasChanged = true;
  }
  return hasChanged;
}

/** A forge on which nothing has been checked yet has nothing to say of a commit that was pushed a moment ago. */
async function isApproved(dependencies: EngineDependencies, job: Job, pull: ObservedPullRequest): Promise<boolean> {
  if (job.gate?.kind !== 'merge' || pull.state !== 'open' || pull.headCommit !== job.headCommit) return false;
  const age = dependencies.clock.now() - job.updatedAt;
  if (pull.checks.length === 0 && age < checksAppearMs) return false;
  const isAsked = pull.reviews.some(({ state }) => state === 'changes-requested');
  const hasRemarks = isAsked || pull.threads.some(({ isResolved }) => !isResolved);
  return await approveByPolicy(dependencies, job, { checks: pull.checks, hasRemarks });
}

/** Whether it led to something that is recorded. */
async function done(
  dependencies: EngineDependencies,
  job: Job,
  { repository, pulls }: FollowedPullRequest,
  reaction: Reaction,
): Promise<boolean> {
  switch (reaction.kind) {
    case 'record':
      return recordAsSeen(dependencies, job, reaction.key, reaction.happening);
    case 'rerun': {
      const { commit, checks } = reaction;
      for (const check of checks) await pulls.rerun(repository, check);
      const names = checks.map(({ name }) => name);
      recordAsSeen(dependencies, job, reaction.key, { kind: 'checks-rerun', commit, checks: names });
      // What was observed is from before: the next look tells how it went.
      return false;
    }
    case 'ask-why': {
      const failures = await failuresOf(pulls, repository, reaction.checks);
      return recordAsSeen(dependencies, job, reaction.key, {
        kind: 'checks-failed',
        commit: reaction.commit,
        failures,
      });
    }
    case 'look-for-conflict':
      return await recordConflict(dependencies, job, repository);
    case 'approve':
      await decide(dependencies, job, 'approve', '', { person: reaction.person, channel: 'forge' });
      return true;
  }
}

/**
 * While the forge and git were asked, somebody may have decided, and a stage may be at work: what was to be done about the
 * job as it was seen is not to be done about the job as it is. From here to the commit nobody else can step in.
 */
function recordAsSeen(dependencies: EngineDependencies, seen: Job, key: string, happening: Happening): boolean {
  const job = dependencies.registry.job(seen.id);
  const isAsSeen =
    job !== null && rests(job) && job.headCommit === seen.headCommit && job.gate?.hash === seen.gate?.hash;
  if (!isAsSeen) return false;
  recordHappening(dependencies, job, key, happening);
  return true;
}

async function failuresOf(
  pulls: PullRequests,
  repository: RepositoryAddress,
  checks: readonly ObservedCheck[],
): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const check of checks.slice(0, 5)) failures.push(await pulls.failureOf(repository, check));
  return failures;
}

/** The forge says that they clash; what exactly clashes git says. */
async function recordConflict(dependencies: EngineDependencies, job: Job, repository: RepositoryAddress) {
  const { worktrees } = dependencies;
  const head = job.headCommit ?? '';
  const base = await worktrees.fetch(repository, job.base);
  const merged = await worktrees.merge({ repository, base, head, message: `Merge ${job.base}`, trailers: [] });
  if (merged.kind === 'merged') return false;
  const { files, detail, commit: startFrom } = merged;
  return recordAsSeen(dependencies, job, `conflict:${head}:${base}`, {
    kind: 'conflict',
    refusal: { kind: 'conflict', files, detail, startFrom, base },
  });
}

/** Its stages see for themselves what happened to the pull request, and record that. */
function rests(job: Job): boolean {
  return job.status === 'waiting' && ['approval', 'human', 'question', 'budget'].includes(job.waitingFor ?? '');
}

function movedTo(job: Job, pull: ObservedPullRequest): string | null {
  const isMoved = pull.state === 'open' && pull.headCommit !== null && pull.headCommit !== job.headCommit;
  return isMoved ? pull.headCommit : null;
}

/** Commits on top of ours are gone on with; anything else needs a person. */
async function isMovedOnTop(
  dependencies: EngineDependencies,
  job: Job,
  { repository, pull }: FollowedPullRequest,
): Promise<boolean> {
  const { worktrees } = dependencies;
  const commit = pull.headCommit ?? '';
  await worktrees.fetch(repository, job.base);
  const isOnTop = await worktrees.isAncestor(repository, job.headCommit ?? '', commit);
  if (isOnTop) await worktrees.keep(repository, job.id, commit);
  return isOnTop;
}

/** Who may steer is asked of the forge for those who said something, before anything is decided. */
async function factsOf(
  dependencies: EngineDependencies,
  { repository, pulls, pull, self }: FollowedPullRequest,
): Promise<Omit<ReactionFacts, 'now' | 'isOnTop'>> {
  const { pullRequests: policy } = dependencies.confirmed().policy;
  const authors = new Set([
    ...pull.reviews.filter(({ state }) => state === 'changes-requested').map(({ author }) => author),
    ...pull.threads
      .filter(({ isResolved }) => !isResolved)
      .flatMap(({ comments }) => comments.map(({ author }) => author)),
  ]);
  const steering = new Set(policy.trusted);
  for (const author of authors) {
    if (author === self || steering.has(author)) continue;
    if (await pulls.mayWrite(repository, author)) steering.add(author);
  }
  return {
    maySteer: (login) => steering.has(login),
    approvers: policy.approvers,
    self,
    quietMs: policy.quiet,
  };
}

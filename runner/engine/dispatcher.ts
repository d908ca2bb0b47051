import { OpusError } from '#shared/domain/errors.ts';
import {
  isDispatchable,
  type FeatureRequest,
  type FeatureRequestNote,
  type NoteStatus,
} from '#shared/domain/feature-request.ts';
import { isFinished } from '#shared/domain/job.ts';
import { branchName, jobId, jobNumberOfBranch, parseJobId } from '#shared/domain/ids.ts';
import { requireAgent } from '../core/agents.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { outboxOf } from './job-recorder.ts';
import type { EngineDependencies } from './stage-context.ts';

/** Makes a new job for an FR, after checking everything that can be known before an agent starts. */
export async function dispatch(
  dependencies: EngineDependencies,
  featureRequest: FeatureRequestNote,
  all: readonly FeatureRequest[],
  seenStatus: NoteStatus,
  options: { readonly waitForDependencies: boolean },
): Promise<Job> {
  const { registry, config, clock, worktrees } = dependencies;
  requireSandbox(dependencies);
  requireDispatchable(featureRequest);
  if (!options.waitForDependencies) requireDependencies(featureRequest, all);
  const name = featureRequest.repo ?? config.defaultRepository;
  const repository = config.repos[name];
  if (!repository) {
    throw new OpusError('vault.fr-invalid', `${featureRequest.path}: opus.yml names no repository "${name}".`, {
      hint: `Write one of: ${Object.keys(config.repos).join(', ')}.`,
    });
  }
  const confirmed = dependencies.confirmed();
  let firstAgent: string | null = null;
  for (const stage of confirmed.policy.stages) {
    if (stage !== 'plan' && stage !== 'code' && stage !== 'review') continue;
    const { name: agent } = requireAgent(confirmed.profiles, stage, featureRequest);
    firstAgent ??= agent;
  }
  const address = { name, url: repository.url };
  const base = featureRequest.base ?? repository.base;
  const baseCommit = await worktrees.fetch(address, base).catch((thrown: unknown) => {
    throw blameNote(thrown, featureRequest);
  });
  const branches = [...(await worktrees.heads(address)).keys()];
  const number = 1 + (await highestNumber(dependencies, featureRequest.id, branches));
  const id = jobId(featureRequest.id, number);
  const now = clock.now();
  const job: Job = {
    id,
    featureRequestId: featureRequest.id,
    number,
    title: featureRequest.title,
    notePath: featureRequest.path,
    repository: name,
    priority: featureRequest.priority,
    status: 'queued',
    waitingFor: null,
    runState: 'queued',
    base,
    baseCommit,
    branch: branchName(id, featureRequest.title),
    headCommit: null,
    gate: null,
    pullRequest: null,
    mergeCommit: null,
    error: null,
    noteStatus: 'in-progress',
    run: 1,
    slot: null,
    pausedBy: null,
    agent: firstAgent,
    holdUntil: null,
    admittedAt: null,
    queuedAt: now,
    missingSince: null,
    checkout: null,
    reverts: null,
    createdAt: now,
    updatedAt: now,
  };
  // While the origin was asked, somebody else may have dispatched it; from here to the commit nobody can.
  const open = registry.newestJobOf(featureRequest.id);
  if (open && !isFinished(open.status)) return open;
  registry.commit(`${id}/dispatch`, null, {
    insertJob: job,
    events: [{ type: 'job.queued', jobId: id, data: { fr: featureRequest.id, path: featureRequest.path } }],
    outbox: outboxOf(job, 'in-progress', seenStatus, []),
  });
  return job;
}

/** A base that the note names is the note's mistake, not opus.yml's. */
function blameNote(thrown: unknown, featureRequest: FeatureRequest): unknown {
  if (featureRequest.base === null || !(thrown instanceof OpusError) || thrown.code !== 'git.base-missing')
    return thrown;
  return new OpusError('vault.fr-invalid', `${featureRequest.path}: ${thrown.message}`, {
    hint: `Name a branch that exists in "base" of ${featureRequest.path}, or leave it out.`,
    cause: thrown,
  });
}

function requireSandbox({ config, sandboxState }: EngineDependencies): void {
  if (config.sandbox !== 'required' || sandboxState.kind === 'isolated') return;
  throw new OpusError(
    'sandbox.unavailable',
    `Jobs are not started, since the sandbox cannot work here: ${sandboxState.reason}`,
    {
      hint: sandboxState.hint,
    },
  );
}

function requireDispatchable(featureRequest: FeatureRequest): void {
  const problem = featureRequest.problems.find((candidate) => candidate.severity === 'error');
  if (problem) {
    throw new OpusError('vault.fr-invalid', `${featureRequest.path}:${problem.line}: ${problem.message}`, {
      hint: problem.hint,
    });
  }
  if (!isDispatchable(featureRequest)) {
    throw new OpusError(
      'vault.fr-not-dispatchable',
      `${featureRequest.id} has the status "${featureRequest.status ?? ''}", which is not dispatched.`,
      { hint: `Set "status: planned" in ${featureRequest.path} to work on it again.` },
    );
  }
}

function requireDependencies(featureRequest: FeatureRequest, all: readonly FeatureRequest[]): void {
  const open = featureRequest.dependsOn
    .map((id) => all.find((candidate) => candidate.id === id))
    .filter((dependency) => dependency !== undefined && dependency.status !== 'done');
  if (open.length > 0) {
    const list = open.map((dependency) => `${dependency?.id ?? ''} (${dependency?.status ?? 'no status'})`).join(', ');
    throw new OpusError('vault.fr-not-dispatchable', `${featureRequest.id} depends on ${list}, which is not done.`, {
      hint: `Run that first, or take it out of depends_on in ${featureRequest.path}.`,
    });
  }
}

/** Job numbers count on from the registry, the reports and the branches, so that a lost database never gives one out twice. */
async function highestNumber(
  dependencies: EngineDependencies,
  id: string,
  branches: readonly string[],
): Promise<number> {
  const ofReports = (await dependencies.vault.reportNames()).map((name) => {
    const parsed = parseJobId(name);
    return parsed?.featureRequestId === id ? parsed.number : 0;
  });
  const ofBranches = branches.map((branch) => jobNumberOfBranch(branch, id) ?? 0);
  return Math.max(dependencies.registry.highestNumber(id), 0, ...ofReports, ...ofBranches);
}

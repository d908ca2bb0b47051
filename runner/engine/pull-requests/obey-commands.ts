import { dispositionOf, toOpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { ObservedComment, PullRequests } from '../../core/ports/pull-requests.ts';
import type { RepositoryAddress } from '../../core/ports/worktrees.ts';
import { commanders, nextCommand, type CommandHappening } from '../../core/pull-request/commands.ts';
import { commandReply } from '../../core/reporting/command-reply.ts';
import { cancel as cancelAtRest } from '../control.ts';
import type { EngineDependencies } from '../stage-context.ts';
import { recordHappening } from './record-happening.ts';

export interface SpokenTo {
  readonly repository: RepositoryAddress;
  /** Of the issue or pull request that the comments are in. */
  readonly number: number;
  readonly comments: readonly ObservedComment[];
  /** Our own login, where the forge told it. */
  readonly self: string | null;
  readonly pulls: PullRequests;
}

export type CancelJob = (jobId: string, reason: string) => Promise<unknown>;

/** More than one look ever brings. */
const mostCommands = 20;

/**
 * Takes up what people who may steer say to the runner in comments. Each is answered, then recorded; killed in between,
 * the answer is found again by its key. Returns whether the job's pipeline is to look.
 */
export async function obeyCommands(
  dependencies: EngineDependencies,
  jobId: string,
  spoken: SpokenTo,
  cancel?: CancelJob,
): Promise<boolean> {
  const { registry } = dependencies;
  const { mention } = dependencies.confirmed().policy;
  let steering: ReadonlySet<string> | null = null;
  let hasChanged = false;
  for (let count = 0; count < mostCommands; count++) {
    const job = registry.job(jobId);
    if (job === null || isFinished(job.status)) return hasChanged;
    const recorded = registry.happenings(jobId);
    const ending = recorded.find(({ happening }) => happening.kind === 'command' && happening.command === 'cancel');
    if (ending?.happening.kind === 'command') {
      const reason = `canceled by ${ending.happening.author} on the forge`;
      await (cancel?.(jobId, reason) ?? cancelAtRest(dependencies, job, reason, 'parked'));
      return true;
    }
    steering ??= await steeringOf(dependencies, spoken);
    const known = steering;
    const maySteer = (login: string): boolean => known.has(login);
    const upcoming = nextCommand(job, spoken.comments, recorded, { maySteer, self: spoken.self, mention });
    if (upcoming === null) return hasChanged;
    await answer(dependencies, job, spoken, upcoming);
    const answered = registry.job(jobId);
    // Somebody else decided while the forge was told: the next look answers for the job as it is by then.
    if (answered === null || answered.status !== job.status || answered.gate?.hash !== job.gate?.hash)
      return hasChanged;
    recordHappening(dependencies, answered, upcoming.key, upcoming.happening);
    hasChanged ||= upcoming.happening.taken && upcoming.happening.command !== 'explain';
  }
  return hasChanged;
}

async function steeringOf(
  dependencies: EngineDependencies,
  { comments, repository, self, pulls }: SpokenTo,
): Promise<Set<string>> {
  const { mention, pullRequests } = dependencies.confirmed().policy;
  const steering = new Set(pullRequests.trusted);
  for (const author of commanders(comments, mention)) {
    if (author === self || steering.has(author)) continue;
    if (await pulls.mayWrite(repository, author)) steering.add(author);
  }
  return steering;
}

/** What may go better later keeps the command for later; where nothing can be said, as in a locked issue, it still counts. */
async function answer(
  dependencies: EngineDependencies,
  job: Job,
  { repository, number }: SpokenTo,
  { key, happening }: { readonly key: string; readonly happening: CommandHappening },
): Promise<void> {
  const { registry, config, log } = dependencies;
  const text = commandReply(happening, job, registry.attempts(job.id), config.command);
  try {
    await dependencies.deskOf(job.repository)?.keepComment({ repository, number, text, key: `${job.id} ${key}` });
  } catch (thrown) {
    const error = toOpusError(thrown);
    if (['retry', 'hold'].includes(dispositionOf(error.code))) throw error;
    log.warn({ err: thrown, job: job.id, code: error.code }, `${happening.command} was not answered: ${error.message}`);
  }
}

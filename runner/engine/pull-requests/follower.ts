import { isFinished } from '#shared/domain/job.ts';
import { dispositionOf, toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { Job } from '../../core/ports/job-registry.ts';
import type { ObservedPullRequest } from '../../core/ports/pull-requests.ts';
import type { EngineDependencies } from '../stage-context.ts';
import { followJob } from './follow-job.ts';
import { obeyCommands, type CancelJob } from './obey-commands.ts';

export interface Follower {
  /** Looks at all open pull requests of one repository, or of all. Two looks at one repository never run at once. */
  look(repository?: string): Promise<void>;
  /** Milliseconds until the next look is worth its calls; looks that took more than one make it longer. */
  pauseMs(): number;
  /** What keeps it from looking, by repository. */
  problems(): readonly ErrorSummary[];
}

export interface FollowerOptions {
  readonly dependencies: EngineDependencies;
  /** A job's pipeline should look at the registry again. */
  readonly changed: (job: Job) => Promise<void>;
  /** Ends a job, whatever it does; where it is left out, only what rests can be ended. */
  readonly cancel?: CancelJob;
}

/** So many looks in a row at which nothing had changed make the pauses longer. */
const quietLooks = 20;

/**
 * Follows pull requests on forges that people and machines act on. A look finds everything that happened since the last
 * one, however long ago that was; a webhook only makes the next look come at once.
 */
export function createFollower({ dependencies, changed, cancel }: FollowerOptions): Follower {
  const { registry, log, clock } = dependencies;
  const looking = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const problems = new Map<string, ErrorSummary>();
  const rested = new Map<string, number>();
  const pictures = new Map<string, string>();
  let quiet = 0;
  let owed = 0;

  const followed = (): Map<string, Job[]> => {
    const byRepository = new Map<string, Job[]>();
    for (const job of registry.jobs({ finished: false })) {
      if (job.pullRequest === null || isFinished(job.status)) continue;
      byRepository.set(job.repository, [...(byRepository.get(job.repository) ?? []), job]);
    }
    return byRepository;
  };

  async function lookAt(name: string, jobs: readonly Job[]): Promise<void> {
    const pulls = dependencies.pullRequestsOf(name);
    const url = dependencies.config.repos[name]?.url;
    if (pulls === null || url === undefined || (rested.get(name) ?? 0) > clock.now()) return;
    const repository = { name, url };
    const numbers = jobs.flatMap(({ pullRequest }) => (pullRequest === null ? [] : [pullRequest.number]));
    const before = pulls.calls();
    const observed = await pulls.observe(repository, numbers);
    const self = await pulls.self();
    noteWhetherQuiet(name, observed);
    for (const job of jobs) {
      const pull = observed.find(({ number }) => number === job.pullRequest?.number);
      if (pull === undefined) continue;
      const spoken = { repository, number: pull.number, comments: pull.comments, self, pulls };
      if (await obeyCommands(dependencies, job.id, spoken, cancel)) await changed(registry.job(job.id) ?? job);
      if (await followJob(dependencies, job.id, { repository, pulls, pull, self })) {
        await changed(registry.job(job.id) ?? job);
      }
    }
    problems.delete(name);
    owed += Math.max(0, pulls.calls() - before - 1);
  }

  function noteWhetherQuiet(name: string, observed: readonly ObservedPullRequest[]): void {
    const picture = JSON.stringify(observed);
    quiet = pictures.get(name) === picture ? quiet + 1 : 0;
    pictures.set(name, picture);
  }

  async function lookGuarded(name: string, jobs: readonly Job[]): Promise<void> {
    try {
      await lookAt(name, jobs);
    } catch (thrown) {
      const error = toOpusError(thrown);
      const isNews = problems.get(name)?.message !== error.message;
      problems.set(name, error.summary());
      if (dispositionOf(error.code) === 'hold' && error.until !== null) rested.set(name, error.until);
      // The status says it as long as it lasts; the log says it once.
      const level = isNews ? 'warn' : 'debug';
      log[level](
        { err: thrown, repository: name, code: error.code },
        `The pull requests of ${name} were not looked at: ${error.message}`,
      );
    }
  }

  /** News that come while a look is on may be newer than what it sees: another look follows. */
  async function lookOne(name: string): Promise<void> {
    const running = looking.get(name);
    if (running !== undefined) {
      again.add(name);
      await running;
      return;
    }
    const run = (async () => {
      do {
        again.delete(name);
        const jobs = followed().get(name) ?? [];
        if (jobs.length > 0) await lookGuarded(name, jobs);
      } while (again.has(name));
    })();
    looking.set(name, run);
    try {
      await run;
    } finally {
      looking.delete(name);
    }
  }

  return {
    async look(repository) {
      const names = repository === undefined ? [...followed().keys()] : [repository];
      await Promise.all(names.map(lookOne));
    },
    pauseMs() {
      const { active, idle } = dependencies.config.polling;
      const wanted = active * Math.max(1, quiet / quietLooks, 1 + owed);
      const pause = Math.min(Math.max(active, idle), wanted);
      owed = Math.max(0, owed - (pause / active - 1));
      return pause;
    },
    problems: () => [...problems.values()],
  };
}

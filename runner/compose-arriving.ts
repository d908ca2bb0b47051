import type { ErrorSummary } from '#shared/domain/errors.ts';
import { createWebhookReader } from './adapters/forge-github/webhook-reader.ts';
import type { RunnerParts } from './compose-parts.ts';
import type { LiveConfig } from './config/live-config.ts';
import { resolveSecret } from './config/secrets.ts';
import type { GithubConfig, RunnerConfig } from './core/configuration.ts';
import type { Job } from './core/ports/job-registry.ts';
import type { Application } from './engine/application.ts';
import { createArrivals, type Arrivals } from './engine/arrivals.ts';
import { createIssueDesk } from './engine/issues/issue-desk.ts';
import { createPeriodic } from './engine/periodic.ts';
import { createFollower } from './engine/pull-requests/follower.ts';
import { createFollowing } from './engine/pull-requests/following.ts';

export interface Arriving {
  readonly arrivals: Arrivals;
  problems(): readonly ErrorSummary[];
  start(): void;
  /** Settles when the looks that are on have ended. */
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
const soonMs = 3_000;

/** What comes from forges: found by looking, and looked for at once when a webhook says so. */
export function composeArriving(
  { dependencies, log, runtime }: RunnerParts,
  live: LiveConfig,
  application: Pick<Application, 'cancel'>,
): Arriving {
  const changed = async (job: Job): Promise<void> => {
    await runtime.wake(job);
    runtime.changed();
    await runtime.tell();
  };
  const cancel = (jobId: string, reason: string): Promise<Job> => application.cancel(jobId, reason);
  const follower = createFollower({ dependencies, changed, cancel });
  const following = createFollowing(follower, log);
  const desk = createIssueDesk({ dependencies, changed, cancel });
  const periodic = createPeriodic(log);
  let looking: Promise<void> = Promise.resolve();
  const arrivals = createArrivals({
    reader: createWebhookReader({
      repositories: () => githubSections(live.current()),
      resolveSecret: (reference, use) => resolveSecret(reference, use, process.env),
    }),
    registry: dependencies.registry,
    clock: dependencies.clock,
    log,
    news(repository) {
      following.news(repository);
      looking = desk.look(repository);
    },
  });
  return {
    arrivals,
    problems: () => [...follower.problems(), ...desk.problems()],
    start() {
      following.start();
      periodic.every(
        'issues',
        () => live.current().polling.idle,
        () => desk.look(),
        soonMs,
      );
      periodic.every(
        'branches',
        () => hourMs,
        () => desk.lookForBranches(),
        2 * soonMs,
      );
    },
    async stop() {
      arrivals.stop();
      await Promise.all([following.stop(), periodic.stop()]);
      await looking;
    },
  };
}

function githubSections({ repos }: RunnerConfig): Record<string, GithubConfig> {
  return Object.fromEntries(
    Object.entries(repos).flatMap(([name, { forge, github }]) =>
      forge === 'github' && github !== null ? [[name, github]] : [],
    ),
  );
}

import type { ErrorSummary } from '#shared/domain/errors.ts';
import { createWebhookReader } from './adapters/forge-github/webhook-reader.ts';
import type { RunnerParts } from './compose-parts.ts';
import type { LiveConfig } from './config/live-config.ts';
import { resolveSecret } from './config/secrets.ts';
import type { GithubConfig, RunnerConfig } from './core/configuration.ts';
import { createArrivals, type Arrivals } from './engine/arrivals.ts';
import { createFollower } from './engine/pull-requests/follower.ts';
import { createFollowing, type Following } from './engine/pull-requests/following.ts';

export interface Arriving {
  readonly following: Following;
  readonly arrivals: Arrivals;
  problems(): readonly ErrorSummary[];
}

/** What comes from forges: found by looking, and looked for at once when a webhook says so. */
export function composeArriving({ dependencies, log, runtime }: RunnerParts, live: LiveConfig): Arriving {
  const follower = createFollower({
    dependencies,
    changed: async (job) => {
      await runtime.wake(job);
      runtime.changed();
      await runtime.tell();
    },
  });
  const following = createFollowing(follower, log);
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
    },
  });
  return { following, arrivals, problems: () => follower.problems() };
}

function githubSections({ repos }: RunnerConfig): Record<string, GithubConfig> {
  return Object.fromEntries(
    Object.entries(repos).flatMap(([name, { forge, github }]) =>
      forge === 'github' && github !== null ? [[name, github]] : [],
    ),
  );
}

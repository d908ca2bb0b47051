import type { ExpectedCost } from '#shared/domain/expected-cost.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { expectedCost, type PastJob } from '../core/expected-cost.ts';
import type { RegistryReader } from '../core/ports/job-registry.ts';
import { leftToday, limitOfJob, type BudgetLimits } from './budget.ts';

export interface ExpectedSources {
  readonly registry: Pick<RegistryReader, 'jobs' | 'usage' | 'usageBy'>;
  readonly config: { readonly limits: BudgetLimits; readonly defaultRepository: string };
  readonly now: number;
}

/** What a request's next job will probably take, by the finished jobs and by how complex their notes say that they were. */
export function expectedOf(
  { registry, config, now }: ExpectedSources,
  featureRequest: FeatureRequest,
  all: readonly FeatureRequest[],
): ExpectedCost {
  const left = leftToday(registry, config.limits, now);
  return expectedCost(
    { repository: featureRequest.repo ?? config.defaultRepository, complexity: featureRequest.complexity },
    pastJobs(registry, all),
    {
      budget: limitOfJob(config.limits, featureRequest.budget),
      leftToday: {
        dollars: left.dollars === null ? null : Math.max(0, left.dollars),
        tokens: left.tokens === null ? null : Math.max(0, left.tokens),
      },
    },
  );
}

/** Those that came to an end of their own; a canceled one tells only when somebody stopped it. */
function pastJobs(registry: ExpectedSources['registry'], all: readonly FeatureRequest[]): PastJob[] {
  const used = new Map(registry.usageBy('job', {}).map((group) => [group.key, group]));
  if (used.size === 0) return [];
  const complexities = new Map(all.map(({ id, complexity }) => [id, complexity]));
  return registry.jobs({ finished: true }).flatMap((job): PastJob[] => {
    const sum = used.get(job.id);
    if (sum === undefined || (job.status !== 'succeeded' && job.status !== 'failed')) return [];
    const tokens = sum.usage.input + sum.usage.output;
    const isPriced = sum.unpriced === 0 && sum.subscription < tokens;
    return [
      {
        repository: job.repository,
        complexity: complexities.get(job.featureRequestId) ?? null,
        dollars: isPriced ? sum.cost : null,
        tokens,
      },
    ];
  });
}

import { OpusError } from '#shared/domain/errors.ts';
import type { LimitsConfig } from '../core/configuration.ts';
import type { Job, RegistryReader, UsageTotal } from '../core/ports/job-registry.ts';
import type { OpenGateway } from '../core/ports/gateway.ts';
import type { EngineDependencies } from './stage-context.ts';

interface Spent {
  readonly dollars: number;
  readonly tokens: number;
}

/**
 * What an attempt of the job may still spend. Rejects with `agent.budget` when the job has spent what it may, which a
 * person decides on, and with `agent.daily-budget` when the day has, which holds the job until midnight.
 */
export function remainingBudget(dependencies: EngineDependencies, job: Job, own: number | null): OpenGateway['budget'] {
  const { registry, config, clock } = dependencies;
  const { budget, tokens } = config.limits;
  // Each yes at a budget gate is worth another budget of the same size.
  const grants =
    1 + registry.decisions(job.id).filter(({ gate, kind }) => gate.kind === 'budget' && kind !== 'reject').length;
  const ofJob = spent(registry.usage({ jobId: job.id }));
  const limit = lesser(budget, own);
  const left = {
    dollars: limit === null ? null : limit * grants - ofJob.dollars,
    tokens: tokens === null ? null : tokens * grants - ofJob.tokens,
  };
  if (isSpent(left)) {
    throw new OpusError('agent.budget', `${job.id} has spent its budget: ${spentText(ofJob)}.`, {
      hint: `Let it spend as much again: opus approve ${job.featureRequestId}; or end it: opus reject ${job.featureRequestId}`,
    });
  }
  const leftToday = remainingToday(registry, config.limits, clock.now());
  return { dollars: lesser(left.dollars, leftToday.dollars), tokens: lesser(left.tokens, leftToday.tokens) };
}

/** What all of a day may still spend, jobs or not. Rejects with `agent.daily-budget`. */
export function remainingToday(
  registry: Pick<RegistryReader, 'usage'>,
  { dailyBudget, dailyTokens }: LimitsConfig,
  now: number,
): OpenGateway['budget'] {
  const midnight = startOfDay(now);
  const ofDay = spent(registry.usage({ since: midnight }));
  const leftToday = {
    dollars: dailyBudget === null ? null : dailyBudget - ofDay.dollars,
    tokens: dailyTokens === null ? null : dailyTokens - ofDay.tokens,
  };
  if (isSpent(leftToday)) {
    throw new OpusError('agent.daily-budget', `The budget of the day is spent: ${spentText(ofDay)}.`, {
      hint: 'Jobs go on after midnight; raise limits.dailyBudget in opus.yml to go on today.',
      until: startOfDay(midnight + 36 * 3_600_000),
    });
  }
  return leftToday;
}

export function spent(totals: readonly UsageTotal[]): Spent {
  return {
    dollars: totals.reduce((sum, { cost }) => sum + cost, 0),
    tokens: totals.reduce((sum, { usage }) => sum + usage.input + usage.output, 0),
  };
}

function isSpent({ dollars, tokens }: OpenGateway['budget']): boolean {
  return (dollars !== null && dollars <= 0) || (tokens !== null && tokens <= 0);
}

function lesser(left: number | null, right: number | null): number | null {
  if (left === null) return right;
  return right === null ? left : Math.min(left, right);
}

function spentText({ dollars, tokens }: Spent): string {
  return `${dollars.toFixed(2)} USD and ${tokens.toLocaleString('en')} tokens`;
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

import { OpusError } from '#shared/domain/errors.ts';
import type { Spending } from '#shared/protocol/board.ts';
import type { LimitsConfig } from '../core/configuration.ts';
import type { Job, RegistryReader, UsageTotal } from '../core/ports/job-registry.ts';
import type { Budget } from '../core/ports/gateway.ts';
import type { EngineDependencies } from './stage-context.ts';

interface Spent {
  readonly dollars: number;
  readonly tokens: number;
}

export type BudgetLimits = Pick<LimitsConfig, 'budget' | 'tokens' | 'dailyBudget' | 'dailyTokens'>;

/** All that jobs and their attempts spend is in the registry as it is spent, so that none of them has a budget to itself. */
type BudgetDependencies = Pick<EngineDependencies, 'registry' | 'config' | 'clock'>;

/**
 * What an attempt of the job may still spend. Rejects with `agent.budget` when the job has spent what it may, which a
 * person decides on, and with `agent.daily-budget` when the day has, which holds the job until midnight.
 */
export function remainingBudget(dependencies: BudgetDependencies, job: Job, own: number | null): Budget {
  const { ofJob, left } = leftOfJob(dependencies, job, own);
  if (isSpent(left)) {
    throw new OpusError('agent.budget', `${job.id} has spent its budget: ${spentText(ofJob)}.`, {
      hint: `Let it spend as much again: opus approve ${job.featureRequestId}; or end it: opus reject ${job.featureRequestId}`,
    });
  }
  return lesser(left, remainingToday(dependencies.registry, dependencies.config.limits, dependencies.clock.now()));
}

/** The same as it is now, nothing or less where it is spent. */
export function budgetLeft(dependencies: BudgetDependencies, job: Job, own: number | null): Budget {
  const { registry, config, clock } = dependencies;
  return lesser(leftOfJob(dependencies, job, own).left, leftToday(registry, config.limits, clock.now()));
}

/** For a job that was stopped for its budget: throws `agent.daily-budget` when it was the day's and not its own. */
export function refuseSpentDay(dependencies: BudgetDependencies, job: Job, own: number | null): void {
  if (isSpent(leftOfJob(dependencies, job, own).left)) return;
  remainingToday(dependencies.registry, dependencies.config.limits, dependencies.clock.now());
}

function leftOfJob({ registry, config }: BudgetDependencies, job: Job, own: number | null) {
  // Each yes at a budget gate is worth another budget of the same size.
  const grants =
    1 + registry.decisions(job.id).filter(({ gate, kind }) => gate.kind === 'budget' && kind !== 'reject').length;
  const ofJob = spent(registry.usage({ jobId: job.id }));
  const { dollars, tokens } = limitOfJob(config.limits, own);
  const left: Budget = {
    dollars: dollars === null ? null : dollars * grants - ofJob.dollars,
    tokens: tokens === null ? null : tokens * grants - ofJob.tokens,
  };
  return { ofJob, left };
}

/** What a job may spend before a person is asked; `own` is its note's. */
export function limitOfJob({ budget, tokens }: BudgetLimits, own: number | null): Budget {
  return { dollars: lesserOf(budget, own), tokens };
}

/** What all of a day may still spend, jobs or not. Rejects with `agent.daily-budget`. */
export function remainingToday(registry: Pick<RegistryReader, 'usage'>, limits: LimitsConfig, now: number): Budget {
  const left = leftToday(registry, limits, now);
  if (isSpent(left)) {
    const midnight = startOfDay(now);
    const ofDay = spent(registry.usage({ since: midnight }));
    throw new OpusError('agent.daily-budget', `The budget of the day is spent: ${spentText(ofDay)}.`, {
      hint: 'Jobs go on after midnight; raise limits.dailyBudget in opus.yml to go on today.',
      until: startOfDay(midnight + 36 * 3_600_000),
    });
  }
  return left;
}

/** The same as it is now, nothing or less where it is spent. */
export function leftToday(
  registry: Pick<RegistryReader, 'usage'>,
  { dailyBudget, dailyTokens }: Pick<LimitsConfig, 'dailyBudget' | 'dailyTokens'>,
  now: number,
): Budget {
  const ofDay = spent(registry.usage({ since: startOfDay(now) }));
  return {
    dollars: dailyBudget === null ? null : dailyBudget - ofDay.dollars,
    tokens: dailyTokens === null ? null : dailyTokens - ofDay.tokens,
  };
}

/** What was spent since midnight, jobs or not, and what may be. */
export function spendingToday(
  registry: Pick<RegistryReader, 'usage'>,
  { dailyBudget, dailyTokens }: Pick<LimitsConfig, 'dailyBudget' | 'dailyTokens'>,
  now: number,
): Spending {
  const ofDay = registry.usage({ since: startOfDay(now) });
  const isPriced = ofDay.every(({ unpriced }) => unpriced === 0);
  const { dollars, tokens } = spent(ofDay);
  return {
    dollars: isPriced ? dollars : null,
    tokens,
    budget: dailyBudget === null && dailyTokens === null ? null : { dollars: dailyBudget, tokens: dailyTokens },
  };
}

function spent(totals: readonly UsageTotal[]): Spent {
  return {
    dollars: totals.reduce((sum, { cost }) => sum + cost, 0),
    tokens: totals.reduce((sum, { usage }) => sum + usage.input + usage.output, 0),
  };
}

function isSpent({ dollars, tokens }: Budget): boolean {
  return (dollars !== null && dollars <= 0) || (tokens !== null && tokens <= 0);
}

function lesser(left: Budget, right: Budget): Budget {
  return { dollars: lesserOf(left.dollars, right.dollars), tokens: lesserOf(left.tokens, right.tokens) };
}

function lesserOf(left: number | null, right: number | null): number | null {
  if (left === null) return right;
  return right === null ? left : Math.min(left, right);
}

function spentText({ dollars, tokens }: Spent): string {
  return `${dollars.toFixed(2)} USD and ${tokens.toLocaleString('en')} tokens`;
}

function startOfDay(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

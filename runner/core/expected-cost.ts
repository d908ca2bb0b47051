import type { ExpectedCost } from '#shared/domain/expected-cost.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { dollarText, shortCount } from './reporting/cost.ts';

/** What a finished job took. */
export interface PastJob {
  readonly repository: string;
  readonly complexity: FeatureRequest['complexity'];
  /** Null where not all of its prices are known, or a subscription paid. */
  readonly dollars: number | null;
  readonly tokens: number;
}

type Range = NonNullable<ExpectedCost['dollars']>;
type Limits = ExpectedCost['budget'];

/** Fewer say nothing of the next. */
const fewestJobs = 3;
/** Prices, models and agents change: older jobs say little. */
const mostJobs = 50;
const lowest = 0.2;
const highest = 0.8;

/** The range of the middle of the jobs that are most like it. `past` is in order, the newest last. */
export function expectedCost(
  next: Pick<PastJob, 'repository' | 'complexity'>,
  past: readonly PastJob[],
  limits: { readonly budget: Limits; readonly leftToday: Limits },
): ExpectedCost {
  const ofRepository = past.filter(({ repository }) => repository === next.repository);
  const alike = next.complexity === null ? [] : ofRepository.filter(({ complexity }) => complexity === next.complexity);
  const jobs = [alike, ofRepository, past].find(({ length }) => length >= fewestJobs)?.slice(-mostJobs) ?? [];
  return {
    dollars: rangeOf(jobs.flatMap(({ dollars }) => dollars ?? [])),
    tokens: rangeOf(jobs.map(({ tokens }) => tokens)),
    jobs: jobs.length,
    ...limits,
  };
}

function rangeOf(values: readonly number[]): Range | null {
  if (values.length < fewestJobs) return null;
  const sorted = [...values].sort((left, right) => left - right);
  return { low: percentile(sorted, lowest), high: percentile(sorted, highest) };
}

/** Between the two values that are next to it, in proportion. */
function percentile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

/** `0.12–0.40 USD, 30.0k–90.0k tokens, by the last 7 jobs; at most 2.00 USD; 8.00 USD left today`; null where there is nothing to say. */
export function expectedText({ dollars, tokens, jobs, budget, leftToday }: ExpectedCost): string | null {
  const ranges = [rangeText(dollars, dollarText, ' USD'), rangeText(tokens, shortCount, ' tokens')].filter(Boolean);
  const most = limitText(budget);
  const left = limitText(leftToday);
  if (ranges.length === 0 && most === '' && left === '') return null;
  return [
    ranges.length === 0 ? 'not known yet' : `${ranges.join(', ')}, by the last ${jobs} jobs`,
    most === '' ? '' : `at most ${most}`,
    left === '' ? '' : `${left} left today`,
  ]
    .filter(Boolean)
    .join('; ');
}

/** What several jobs will take together; those of which nothing is known are counted. */
export function expectedSumText(all: readonly ExpectedCost[]): string | null {
  const dollars = sumOf(all.map((each) => each.dollars));
  const tokens = sumOf(all.map((each) => each.tokens));
  const ranges = [rangeText(dollars, dollarText, ' USD'), rangeText(tokens, shortCount, ' tokens')].filter(Boolean);
  if (ranges.length === 0) return null;
  const unknown = all.filter((each) => each.tokens === null).length;
  const unpriced = dollars === null ? 0 : all.filter((each) => each.tokens !== null && each.dollars === null).length;
  return [
    ranges.join(', '),
    unknown === 0 ? '' : `${unknown} of ${all.length} not known`,
    unpriced === 0 ? '' : `${unpriced} of ${all.length} without dollars`,
  ]
    .filter(Boolean)
    .join('; ');
}

function sumOf(ranges: readonly (Range | null)[]): Range | null {
  const known = ranges.filter((range) => range !== null);
  if (known.length === 0) return null;
  return known.reduce((sum, { low, high }) => ({ low: sum.low + low, high: sum.high + high }), { low: 0, high: 0 });
}

function rangeText(range: Range | null, format: (value: number) => string, unit: string): string {
  if (range === null) return '';
  const [low, high] = [Math.max(0, range.low), range.high].map((value) =>
    format(unit === ' tokens' ? Math.round(value) : value).replace(unit, ''),
  );
  return low === high ? `${low}${unit}` : `${low}–${high}${unit}`;
}

function limitText({ dollars, tokens }: Limits): string {
  return [dollars === null ? '' : dollarText(dollars), tokens === null ? '' : `${shortCount(tokens)} tokens`]
    .filter(Boolean)
    .join(' and ');
}

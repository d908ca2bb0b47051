import type { TokenUsage } from '#shared/domain/agent-event.ts';
import type { RegistryReader, UsageFilter, UsageSum, UsedShare } from '../../core/ports/job-registry.ts';
import type { Connection } from './connection.ts';

const sums = `count(*) AS responses, sum(estimated) AS estimated, sum(input) AS input, sum(cache_read) AS cacheRead,
  sum(cache_write) AS cacheWrite, sum(output) AS output,
  coalesce(sum(CASE WHEN subscription = 0 THEN cost END), 0) AS cost,
  sum(CASE WHEN subscription = 0 AND cost IS NULL THEN input + output ELSE 0 END) AS unpriced,
  sum(CASE WHEN subscription = 1 THEN input + output ELSE 0 END) AS subscription`;

const columns = {
  agent: 'agent',
  model: 'model',
  job: 'job_id',
  day: `strftime('%Y-%m-%d', at / 1000, 'unixepoch', 'localtime')`,
} as const;

interface Key {
  readonly first: string | null;
  readonly second: string | null;
}

type Sums = Omit<UsageSum, 'usage' | 'shares'> & TokenUsage;

export function usageTotalsOf(connection: Connection): Pick<RegistryReader, 'usage' | 'usageBy'> {
  function totals(filter: UsageFilter, first: string, second: string, order: string): (Key & UsageSum)[] {
    const { jobId, since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
    const where = `WHERE at >= ? AND at < ? ${jobId === undefined ? '' : 'AND job_id = ?'}`;
    const parameters = [since, until, ...(jobId === undefined ? [] : [jobId])];
    const keys = `${first} AS first, ${second} AS second`;
    const shares = connection.all(
      `SELECT ${keys}, endpoint, CAST(window.key AS INTEGER) AS lengthMs, sum(window.value) AS share
       FROM usage, json_each(usage.shares) AS window ${where} GROUP BY 1, 2, endpoint, lengthMs ORDER BY endpoint, lengthMs`,
      parameters,
    ) as (Key & UsedShare)[];
    const rows = connection.all(
      `SELECT ${keys}, ${sums} FROM usage ${where} GROUP BY 1, 2 ORDER BY ${order}`,
      parameters,
    ) as (Key & Sums)[];
    return rows.map(({ input, cacheRead, cacheWrite, output, ...sum }) => ({
      ...sum,
      usage: { input, cacheRead, cacheWrite, output },
      shares: shares
        .filter((share) => share.first === sum.first && share.second === sum.second)
        .map(({ endpoint, lengthMs, share }) => ({ endpoint, lengthMs, share })),
    }));
  }

  const dearestFirst = 'cost DESC, input + output DESC';
  return {
    usage: (filter) =>
      totals(filter, 'agent', 'model', dearestFirst).map(({ first, second, ...sum }) => ({
        agent: first ?? '',
        model: second ?? '',
        ...sum,
      })),
    usageBy: (by, filter) =>
      totals(filter, columns[by], 'NULL', by === 'day' ? 'first' : dearestFirst).map(
        ({ first, second: _second, ...sum }) => ({ key: first, ...sum }),
      ),
  };
}

export function sharesToColumn(shares: readonly Pick<UsedShare, 'lengthMs' | 'share'>[]): string {
  return JSON.stringify(Object.fromEntries(shares.map(({ lengthMs, share }) => [String(lengthMs), share])));
}

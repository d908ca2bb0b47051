import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistryReader } from '../adapters/registry/registry-reader.ts';
import type { RegistryReader, UsageFilter, UsageSum } from '../core/ports/job-registry.ts';
import { costText, dollarText, percentText, shortCount, windowText } from '../core/reporting/cost.ts';
import type { WindowNow } from '../core/usage-windows.ts';
import { subscriptionWindows } from '../engine/usage-book.ts';
import { locateConfig } from './configuration.ts';
import { shortDuration } from './plain-text.ts';
import { tableLines, type Cell } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface UsageOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly days?: number;
  readonly job?: string;
  /** By agent and model when absent. */
  readonly by?: 'day' | 'agent' | 'model' | 'job';
}

type Totals = readonly (UsageSum & Readonly<Record<string, unknown>>)[];

interface Used {
  readonly totals: Totals;
  readonly windows: readonly WindowNow[];
}

const dayMs = 86_400_000;

/** What models took, of the last days or of one job, and how full the windows of subscriptions are. */
export function usage(terminal: Terminal, options: UsageOptions): number {
  const { config } = locateConfig(terminal, options.config);
  const now = Date.now();
  const used = read(join(config.data, 'registry.db'), options, now);
  if (options.json === true) {
    printJson(terminal, used);
    return 0;
  }
  const { totals, windows } = used;
  if (totals.length === 0) terminal.out('No model was asked.');
  else {
    const keys = options.by === undefined ? ['agent', 'model'] : [options.by];
    const head = [...keys.map((key) => key.toUpperCase()), 'RESPONSES', 'IN', 'CACHED', 'OUT', 'COST'];
    const rows = totals.map((total): Cell[] => [
      ...keys.map((key) => (typeof total[key] === 'string' ? total[key] : '-')),
      total.estimated === 0 ? String(total.responses) : `${total.responses} (${total.estimated} estimated)`,
      shortCount(total.usage.input),
      shortCount(total.usage.cacheRead),
      shortCount(total.usage.output),
      costCell(total),
    ]);
    for (const line of tableLines(terminal, head, rows)) terminal.out(line);
    terminal.out(`\nIn all: ${costText(totals)}`);
  }
  for (const window of windows) terminal.out(windowLine(window, now));
  return 0;
}

function costCell({ cost, unpriced, subscription, usage }: UsageSum): string {
  if (subscription > 0 && subscription >= usage.input + usage.output) return 'subscription';
  const paid = unpriced > 0 ? `${dollarText(cost)} + ?` : dollarText(cost);
  return subscription > 0 ? `${paid} + subscription` : paid;
}

function windowLine({ endpoint, lengthMs, share, resetsAt, at }: WindowNow, now: number): string {
  const used = share === 0 ? '0 %' : percentText(share);
  const heard = `, as of ${shortDuration(Math.max(0, now - at))} ago`;
  const resets = resetsAt === null ? '' : `, begins anew in ${shortDuration(resetsAt - now)}`;
  return `${endpoint}: ${used} of the ${windowText(lengthMs)} window used${resetsAt === null ? '' : heard}${resets}`;
}

function read(file: string, options: UsageOptions, now: number): Used {
  if (!existsSync(file)) return { totals: [], windows: [] };
  const registry = openRegistryReader({ file });
  try {
    const filter = filterOf(registry, options, now);
    const totals = filter === null ? [] : totalsOf(registry, filter, options.by);
    return { totals, windows: subscriptionWindows(registry, now) };
  } finally {
    registry.close();
  }
}

/** Null where the job is not known. */
function filterOf(registry: RegistryReader, { by, days, job }: UsageOptions, now: number): UsageFilter | null {
  if (job === undefined) return { since: now - (days ?? (by === 'day' ? 7 : 1)) * dayMs };
  const found = registry.job(job) ?? registry.newestJobOf(job);
  return found ? { jobId: found.id } : null;
}

function totalsOf(registry: RegistryReader, filter: UsageFilter, by: UsageOptions['by']): Totals {
  if (by === undefined) return registry.usage(filter).map((total) => ({ ...total }));
  return registry.usageBy(by, filter).map(({ key, ...sum }) => ({ [by]: key, ...sum }));
}

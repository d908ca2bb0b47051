import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistryReader } from '../adapters/registry/registry-reader.ts';
import type { UsageTotal } from '../core/ports/job-registry.ts';
import { costText, dollarText, shortCount } from '../core/reporting/cost.ts';
import { locateConfig } from './configuration.ts';
import { tableLines, type Cell } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface UsageOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly days?: number;
  readonly job?: string;
}

const dayMs = 86_400_000;

/** What models took, by agent and model: of the last days, or of one job. */
export function usage(terminal: Terminal, options: UsageOptions): number {
  const { config } = locateConfig(terminal, options.config);
  const totals = read(join(config.data, 'registry.db'), options);
  if (options.json === true) {
    printJson(terminal, totals);
    return 0;
  }
  if (totals.length === 0) {
    terminal.out('No model was asked.');
    return 0;
  }
  const rows = totals.map((total): Cell[] => [
    total.agent,
    total.model,
    String(total.responses),
    shortCount(total.usage.input),
    shortCount(total.usage.cacheRead),
    shortCount(total.usage.output),
    total.unpriced > 0 ? `${dollarText(total.cost)} + ?` : dollarText(total.cost),
  ]);
  for (const line of tableLines(terminal, ['AGENT', 'MODEL', 'RESPONSES', 'IN', 'CACHED', 'OUT', 'COST'], rows))
    terminal.out(line);
  terminal.out(`\nIn all: ${costText(totals)}`);
  return 0;
}

function read(file: string, { days = 1, job }: UsageOptions): UsageTotal[] {
  if (!existsSync(file)) return [];
  const registry = openRegistryReader({ file });
  try {
    if (job === undefined) return registry.usage({ since: Date.now() - days * dayMs });
    const found = registry.job(job) ?? registry.newestJobOf(job);
    return found ? registry.usage({ jobId: found.id }) : [];
  } finally {
    registry.close();
  }
}

import type { JobDocument } from '#shared/domain/job.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistryReader } from '../adapters/registry/registry-reader.ts';
import { jobDocumentOf } from '../core/reporting/job-document.ts';
import { acceptedConfig, type AcceptedConfig } from './accepted-config.ts';
import { commandOn, locateFile } from './config-file.ts';
import { jobTable } from './job-table.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';

const recentlyFinished = 20;

/** Everything this file loads counts against the time of `opus status`: no adapter but the reading half of the registry. */
export async function status(
  terminal: Terminal,
  options: { readonly json: boolean; readonly config?: string },
): Promise<number> {
  const file = locateFile(terminal, options.config);
  const { data, sandbox } = acceptedConfig(file) ?? (await checkedConfig(terminal, file));
  const jobs = documents(data);
  if (sandbox !== 'required') {
    const what =
      sandbox === 'off' ? 'agents run WITHOUT a sandbox' : 'agents run without a sandbox where it cannot work';
    terminal.err(`${terminal.paint('err', 'yellow', 'warning')} opus.yml says "sandbox: ${sandbox}": ${what}.`);
  }
  if (options.json) {
    printJson(terminal, { runner: null, jobs });
    return 0;
  }
  const command = commandOn(terminal, file);
  const pid = workingProcess(data);
  terminal.out(pid === null ? 'No runner is working.' : `A runner is working (pid ${pid}).`);
  if (jobs.length === 0) {
    terminal.out(`There are no jobs yet. Begin one with: ${command('run FR-…')}`);
    return 0;
  }
  terminal.out('');
  for (const line of jobTable(terminal, jobs, pid !== null)) terminal.out(line);
  const asking = jobs.filter((job) => job.gate !== null);
  if (asking[0] !== undefined) {
    const count = asking.length === 1 ? 'One job waits' : `${asking.length} jobs wait`;
    terminal.out(`\n${count} for your decision: ${command(`job show ${asking[0].job}`)}`);
  }
  return 0;
}

async function checkedConfig(terminal: Terminal, file: string): Promise<AcceptedConfig> {
  const { locateConfig } = await import('./configuration.ts');
  return locateConfig(terminal, file).config;
}

/** The unfinished jobs and the last finished ones, oldest first. */
function documents(data: string): JobDocument[] {
  const file = join(data, 'registry.db');
  if (!existsSync(file)) return [];
  const registry = openRegistryReader({ file });
  try {
    const now = Date.now();
    const unfinished = registry.jobs({ finished: false });
    const open = new Set(unfinished.map((job) => job.id));
    const finished = registry
      .jobs({ finished: true, limit: recentlyFinished + unfinished.length })
      .filter((job) => !open.has(job.id))
      .slice(-recentlyFinished);
    return [...finished, ...unfinished]
      .sort((left, right) => left.createdAt - right.createdAt)
      .map((job) => jobDocumentOf(job, registry.attempts(job.id), now));
  } finally {
    registry.close();
  }
}

import type { JobDocument } from '#shared/domain/job.ts';
import { composeReader } from '../compose-reader.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { jobTable } from './job-table.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';

const recentlyFinished = 20;

/** Everything this file loads counts against the time of `opus status`: no adapter but the reading half of the registry. */
export function status(terminal: Terminal, options: { readonly json: boolean; readonly config?: string }): number {
  const located = locateConfig(terminal, options.config);
  const reader = composeReader(located.config);
  const jobs = reader.documents({ recent: recentlyFinished });
  reader.close();
  if (options.json) {
    printJson(terminal, { runner: null, jobs });
    return 0;
  }
  const pid = workingProcess(located.config.data);
  terminal.out(pid === null ? 'No runner is working.' : `A runner is working (pid ${pid}).`);
  if (jobs.length === 0) {
    terminal.out(`There are no jobs yet. Begin one with: ${located.command('run FR-…')}`);
    return 0;
  }
  terminal.out('');
  for (const line of jobTable(terminal, jobs, pid !== null)) terminal.out(line);
  const next = decisionHint(jobs, located);
  if (next !== '') terminal.out(`\n${next}`);
  return 0;
}

function decisionHint(jobs: readonly JobDocument[], located: LocatedConfig): string {
  const asking = jobs.filter((job) => job.gate !== null);
  const first = asking[0];
  if (!first) return '';
  const count = asking.length === 1 ? 'One job waits' : `${asking.length} jobs wait`;
  return `${count} for your decision: ${located.command(`job show ${first.job}`)}`;
}

import { jobTable } from './job-table.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** Every job, oldest first. */
export async function listJobs(terminal: Terminal, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, (reader, located) => {
    const jobs = reader.jobs().map((job) => reader.document(job.id));
    if (options.json === true) printJson(terminal, jobs);
    else if (jobs.length === 0) terminal.out(`There are no jobs yet. Begin one with: ${located.command('run FR-…')}`);
    else for (const line of jobTable(terminal, jobs, workingProcess(located.config.data) !== null)) terminal.out(line);
    return 0;
  });
}

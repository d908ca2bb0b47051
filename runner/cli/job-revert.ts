import { locateConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';
import { workOnJob } from './work-on-job.ts';

export interface RevertOptions {
  readonly comment?: string;
  readonly json?: boolean;
  readonly config?: string;
}

/** Begins the job that takes a merge back, and works on it up to its own merge gate. */
export async function revertJob(terminal: Terminal, name: string, options: RevertOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const { comment = '', json = false } = options;
  return await workOnJob(
    terminal,
    located,
    { json },
    {
      here: async (application) => await application.revert(application.job(name).id, comment),
      there: (client) => client.call('job.revert', { job: name, comment }),
    },
  );
}

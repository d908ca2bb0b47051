import type { Stage } from '#shared/domain/stage.ts';
import { locateConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';
import { workOnJob } from './work-on-job.ts';

export interface RetryOptions {
  readonly from?: Stage;
  readonly rounds?: number;
  readonly comment?: string;
  readonly json?: boolean;
  readonly config?: string;
}

/** Lets a job that needs a person go on, and works on it until it rests again. */
export async function retry(terminal: Terminal, name: string, options: RetryOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const { from, rounds, comment = '' } = options;
  return await workOnJob(
    terminal,
    located,
    { json: options.json === true },
    {
      here: async (application) =>
        await application.retry(application.job(name).id, { from: from ?? null, rounds: rounds ?? null, comment }),
      there: (client) =>
        client.call('job.retry', {
          job: name,
          comment,
          ...(from === undefined ? {} : { from }),
          ...(rounds === undefined ? {} : { rounds }),
        }),
    },
  );
}

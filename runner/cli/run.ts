import { locateConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';
import { workOnJob } from './work-on-job.ts';

export interface RunOptions {
  readonly approve?: boolean;
  readonly again?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

/** One feature request in the foreground, up to its next gate. */
export async function run(terminal: Terminal, featureRequest: string, options: RunOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const { approve = false, again = false, json = false } = options;
  return await workOnJob(
    terminal,
    located,
    { json, approve },
    {
      here: async (application) => {
        const job = await application.dispatch(featureRequest, { again });
        return job.gate === null ? job : await application.takeNoteDecision(job.id);
      },
      there: (client) => client.call('fr.dispatch', { fr: featureRequest, again }),
    },
  );
}

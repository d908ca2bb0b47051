import type { ExpectedCost } from '#shared/domain/expected-cost.ts';
import { expectedText } from '../core/expected-cost.ts';
import { locateConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';
import { workOnJob } from './work-on-job.ts';

export interface RunOptions {
  readonly approve?: boolean;
  readonly again?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

/** On standard error, so that what is printed stays one document. */
function sayExpected(terminal: Terminal, expected: ExpectedCost | undefined): void {
  const text = expected === undefined ? null : expectedText(expected);
  if (text !== null) terminal.err(terminal.paint('err', 'dim', `  expected: ${text}`));
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
        sayExpected(terminal, await application.expected(featureRequest));
        const job = await application.dispatch(featureRequest, { again });
        return job.gate === null ? job : await application.takeNoteDecision(job.id);
      },
      there: async (client) => {
        const job = await client.call('fr.dispatch', { fr: featureRequest, again });
        sayExpected(terminal, job.expected);
        return job;
      },
    },
  );
}

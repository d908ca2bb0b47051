import type { DecisionKind } from '#shared/domain/gate.ts';
import { locateConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';
import { thisPerson, workOnJob } from './work-on-job.ts';

export interface DecideOptions {
  readonly comment?: string;
  readonly json?: boolean;
  readonly config?: string;
}

/** approve, changes and reject: the answer is recorded, and what follows from it is done at once. */
export async function decide(
  terminal: Terminal,
  kind: DecisionKind,
  name: string,
  options: DecideOptions,
): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const { json = false, comment = '' } = options;
  // A job that ended as it was told to is no failure of this command.
  const wantedEnd = kind === 'reject' ? 'canceled' : null;
  const person = thisPerson(terminal);
  return await workOnJob(
    terminal,
    located,
    { json, wantedEnd },
    {
      here: async (application) => await application.decide(application.job(name).id, kind, comment, person),
      there: (client) =>
        client.call('approval.decide', { job: name, kind, comment, person: person.person, device: person.device }),
    },
  );
}

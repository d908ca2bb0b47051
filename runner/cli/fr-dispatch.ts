import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { DispatchedJob } from '#shared/protocol/method-results.ts';
import { composeReader } from '../compose-reader.ts';
import { composeRunner } from '../compose.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { expectedSumText, expectedText } from '../core/expected-cost.ts';
import { locateConfig } from './configuration.ts';
import { jobTable } from './job-table.ts';
import { connectToService } from './service-client.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface DispatchOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly again?: boolean;
}

interface Dispatched {
  readonly jobs: readonly DispatchedJob[];
  readonly refused: readonly {
    readonly fr: string;
    readonly code: string;
    readonly message: string;
    readonly hint: string | null;
  }[];
}

/** Queues feature requests for the service, which starts them as there are slots; waits for nothing. */
export async function dispatchFeatureRequests(
  terminal: Terminal,
  names: readonly string[],
  options: DispatchOptions,
): Promise<number> {
  const { all = false, again = false } = options;
  if (all === names.length > 0) {
    throw new OpusError('config.usage', 'Name the feature requests to dispatch, or --all for the backlog.', {
      hint: 'opus fr dispatch FR-001, or opus fr dispatch --all',
    });
  }
  const located = locateConfig(terminal, options.config);
  const client = connectToService(located.config.data);
  if (options.json !== true && !all) say(await expectedOf(located.config, names));
  const dispatched = client ? await there() : await here();
  if (options.json === true) printJson(terminal, dispatched);
  else {
    if (all) say(dispatched.jobs);
    if (dispatched.jobs.length > 0)
      for (const line of jobTable(terminal, dispatched.jobs, client !== null)) terminal.out(line);
    else if (dispatched.refused.length === 0) terminal.out('Nothing waits for your word.');
    for (const { fr, message, hint } of dispatched.refused) {
      terminal.err(`${terminal.paint('err', 'red', fr)}  ${message}${hint === null ? '' : `\n  ${hint}`}`);
    }
    if (client === null && dispatched.jobs.length > 0) {
      terminal.err(`\nNo service runs; they start with: ${located.command('serve')}`);
    }
  }
  return dispatched.refused.length > 0 ? 2 : 0;

  function say(jobs: readonly Pick<DispatchedJob, 'fr' | 'expected'>[]): void {
    const known = jobs.flatMap(({ fr, expected }) => (expected === undefined ? [] : [{ fr, expected }]));
    const line = (who: string, text: string | null): void => {
      if (text !== null) terminal.err(terminal.paint('err', 'dim', `${who}  expected: ${text}`));
    };
    for (const { fr, expected } of known) line(fr, expectedText(expected));
    if (known.length > 1) line('In all', expectedSumText(known.map(({ expected }) => expected)));
  }

  async function there(): Promise<Dispatched> {
    if (!client) return { jobs: [], refused: [] };
    if (all) return await client.call('fr.dispatch-all', {});
    return await each((fr) => client.call('fr.dispatch', { fr, again }));
  }

  async function here(): Promise<Dispatched> {
    const runner = await composeRunner(located.config);
    try {
      await runner.start();
      const wanted = all ? await runner.releaseBacklog() : names;
      return await each(async (fr) => {
        const expected = await runner.application.expected(fr);
        const job = await runner.application.dispatch(fr, { again, waitForDependencies: true });
        return { ...runner.application.document(job.id), expected };
      }, wanted);
    } finally {
      await runner.stop();
    }
  }

  async function each(dispatch: (fr: string) => Promise<DispatchedJob>, wanted = names): Promise<Dispatched> {
    const jobs: DispatchedJob[] = [];
    const refused: { fr: string; code: string; message: string; hint: string | null }[] = [];
    for (const fr of wanted) {
      try {
        jobs.push(await dispatch(fr));
      } catch (thrown) {
        const { code, message, hint } = toOpusError(thrown);
        refused.push({ fr, code, message, hint });
      }
    }
    return { jobs, refused };
  }
}

/** Before anything starts; of what cannot be read nothing is said here, since dispatching says it. */
async function expectedOf(
  config: RunnerConfig,
  names: readonly string[],
): Promise<Pick<DispatchedJob, 'fr' | 'expected'>[]> {
  try {
    const reader = composeReader(config);
    try {
      const notes = await reader.featureRequests();
      return await Promise.all(
        names.map(async (fr) => {
          const note = notes.find(({ id }) => id === fr);
          return note === undefined ? { fr } : { fr, expected: await reader.expected(note, notes) };
        }),
      );
    } finally {
      reader.close();
    }
  } catch {
    return [];
  }
}

import { isFinished } from '#shared/domain/job.ts';
import { join, relative, resolve } from 'node:path';
import { acquireRunnerLock } from '../adapters/registry/runner-lock.ts';
import { composeReader } from '../compose-reader.ts';
import type { Job } from '../core/ports/job-registry.ts';
import { demoFolder } from './config-file.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { emptyDemoFolder, prepareDemoFolder } from './demo-folder.ts';
import { readServiceFile } from '../server/service-file.ts';
import type { Terminal } from './terminal.ts';
import { workOnJob } from './work-on-job.ts';

export interface DemoOptions {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly dir?: string;
}

const featureRequest = 'FR-001';

/**
 * The example, up to the merge gate. An unfinished run of it goes on; after a finished one it begins afresh. On a
 * terminal, and without `once`, the service then takes over until Ctrl-C.
 */
export async function demo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const folder = resolve(terminal.cwd, options.dir ?? demoFolder);
  const shown = relative(terminal.cwd, folder) || '.';
  let fresh = await prepareDemoFolder(folder);
  let located = locateConfig(terminal, join(folder, 'opus.yml'));
  if (!fresh && demoIsOver(located)) {
    // Refused while another process still works on a job in it.
    const lock = acquireRunnerLock(located.config.data);
    try {
      await emptyDemoFolder(folder);
    } finally {
      lock.release();
    }
    fresh = await prepareDemoFolder(folder);
    located = locateConfig(terminal, join(folder, 'opus.yml'));
  }
  terminal.err(fresh ? `The example is in ${shown}.` : `Going on with the example in ${shown}.`);
  const work = {
    json: options.json === true,
    quietWarnings: fresh,
    afterwards: (job: Job) => whatToLookAt(terminal, located, job),
  };
  const code = await workOnJob(terminal, located, work, {
    here: async (application, runner) => {
      // They are this program's own notes, copied a moment ago.
      if (fresh) await runner.trust.confirm('all');
      const job = await application.dispatch(featureRequest, { again: false });
      return job.gate === null ? job : await application.takeNoteDecision(job.id);
    },
    there: (client) => client.call('fr.dispatch', { fr: featureRequest }),
  });
  const staysOn = options.once !== true && options.json !== true && terminal.canAsk && terminal.outIsTerminal;
  if (code !== 0 || !staysOn || terminal.signal.aborted || readServiceFile(located.config.data) !== null) return code;
  const note = join(relative(terminal.cwd, located.config.vault.path), '10_features');
  terminal.err('');
  terminal.err(
    terminal.paint('err', 'bold', 'The service takes over. Approve in the note, and watch it merge; Ctrl-C ends it.'),
  );
  terminal.err(terminal.paint('err', 'dim', `A new note in ${note} with "status: planned" is started as you save it.`));
  const { serve } = await import('./serve.ts');
  return await serve(terminal, { config: located.config.file });
}

function demoIsOver(located: LocatedConfig): boolean {
  const reader = composeReader(located.config);
  try {
    const job = reader.jobs().findLast((candidate) => candidate.featureRequestId === featureRequest);
    return job !== undefined && isFinished(job.status);
  } finally {
    reader.close();
  }
}

function whatToLookAt(terminal: Terminal, located: LocatedConfig, job: Job): string[] {
  const vault = relative(terminal.cwd, located.config.vault.path);
  return [
    '',
    terminal.paint('out', 'bold', 'Look at'),
    `  ${join(vault, job.notePath)}`,
    `    ${terminal.paint('out', 'dim', 'the note, with what the runner wrote into it')}`,
    `  ${join(vault, '20_runs', `${job.id}.md`)}`,
    `    ${terminal.paint('out', 'dim', 'the run report')}`,
  ];
}

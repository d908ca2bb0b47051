import { resolve } from 'node:path';
import { controlJob, type Control, type ControlOptions } from './control-job.ts';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

export type JobWord = 'pause' | 'resume' | 'unblock' | 'return';

/** The commands that need no more than the job's name. */
export async function changeJob(
  terminal: Terminal,
  word: JobWord,
  name: string,
  options: ControlOptions,
): Promise<number> {
  const controls: Record<JobWord, Control> = {
    pause: {
      here: (application, id) => application.pause(id),
      there: (client) => client.call('job.pause', { job: name }),
    },
    resume: {
      here: (application, id) => application.resume(id),
      there: (client) => client.call('job.resume', { job: name }),
    },
    unblock: {
      here: (application, id) => application.unblock(id),
      there: (client) => client.call('job.unblock', { job: name }),
    },
    return: {
      here: (application, id) => application.takeBack(id),
      there: (client) => client.call('job.return', { job: name }),
    },
  };
  return await controlJob(terminal, name, options, controls[word]);
}

export async function cancelJob(
  terminal: Terminal,
  name: string,
  options: ControlOptions & { readonly reason?: string },
): Promise<number> {
  const { reason } = options;
  return await controlJob(terminal, name, options, {
    here: (application, id) => application.cancel(id, reason ?? 'canceled by a person'),
    there: (client) => client.call('job.cancel', { job: name, ...(reason === undefined ? {} : { reason }) }),
  });
}

/** A folder of the job's own name in the current one, unless another is named. */
export async function checkOutJob(
  terminal: Terminal,
  name: string,
  options: ControlOptions & { readonly dir?: string },
): Promise<number> {
  const folder = resolve(terminal.cwd, options.dir ?? name);
  const code = await controlJob(terminal, name, options, {
    here: (application, id) => application.checkOut(id, folder),
    there: (client) => client.call('job.checkout', { job: name, dir: folder }),
  });
  if (options.json !== true)
    terminal.err(
      `\nIt is in ${folder}. Commit there, then give it back with: ${programName(terminal)} job return ${name}`,
    );
  return code;
}

import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { exitCodeOf, type JobDocument, type JobStatus } from '#shared/domain/job.ts';
import { hostname, userInfo } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { composeReader } from '../compose-reader.ts';
import { composeRunner, type Runner } from '../compose.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { Actor, Application } from '../engine/application.ts';
import type { LocatedConfig } from './configuration.ts';
import { inThisInstallation } from './program-name.ts';
import { createEventProgress } from './event-progress.ts';
import { createProgress, type Progress } from './progress.ts';
import { errorLines, exitCodeOfError } from './render-error.ts';
import { jobLines } from './render-job.ts';
import { connectToService, type ServiceClient } from './service-client.ts';
import { printJson, type Terminal } from './terminal.ts';

const usualLockPatienceMs = 10_000;

export interface WorkOptions {
  readonly json: boolean;
  /** Answer every gate with yes. */
  readonly approve?: boolean;
  /** How long another process may hold the data folder before that is an error; ten seconds unless said. */
  readonly lockPatienceMs?: number;
  /** Leaves out what the runner warns about at its start, for a caller that mends it. */
  readonly quietWarnings?: boolean;
  /** An end of the job that was asked for, and so is a success whatever it is. */
  readonly wantedEnd?: JobStatus | null;
  /** Printed after the job where a person reads it. */
  readonly afterwards?: (job: Job) => string[];
}

/** How something is begun on a job, by this process or by the service. */
export interface Beginning {
  here(application: Application, runner: Runner): Promise<Job>;
  there(client: ServiceClient): Promise<JobDocument>;
}

/**
 * Begins something on a job, sees it through until it rests, and prints it, whatever it came to. Where a service runs,
 * that does the work and this looks on.
 */
export async function workOnJob(
  terminal: Terminal,
  located: LocatedConfig,
  options: WorkOptions,
  begin: Beginning,
): Promise<number> {
  const progress = createProgress(terminal);
  try {
    const patienceMs = options.lockPatienceMs ?? usualLockPatienceMs;
    const found = connectToService(located.config.data);
    const runner = found ?? (await composePatiently(terminal, located.config, progress, patienceMs));
    if ('service' in runner) return await lookOn(terminal, located, options, progress, runner, begin);
    try {
      return await workAndPrint(terminal, located, options, progress, runner, begin);
    } finally {
      progress.close();
      await runner.stop();
    }
  } finally {
    progress.close();
  }
}

async function workAndPrint(
  terminal: Terminal,
  located: LocatedConfig,
  options: WorkOptions,
  progress: Progress,
  runner: Runner,
  begin: Beginning,
): Promise<number> {
  const { application } = runner;
  for (const warning of options.quietWarnings === true ? [] : runner.warnings)
    terminal.err(`${terminal.paint('err', 'yellow', 'warning')} ${inThisInstallation(warning, terminal)}`);
  await runner.start();
  let job = await begin.here(application, runner);
  let failure: OpusError | null = null;
  try {
    const approve = options.approve === true ? thisPerson(terminal) : null;
    job = await application.work(job.id, { approve, signal: terminal.signal });
  } catch (thrown) {
    failure = toOpusError(thrown);
    job = application.job(job.id);
  }
  progress.close();
  const document = application.document(job.id);
  printOutcome(terminal, located, options, document, job, false);
  if (failure === null) return document.status === options.wantedEnd ? 0 : exitCodeOf(document);
  for (const line of errorLines(failure, terminal)) terminal.err(line);
  return exitCodeOfError(failure);
}

function printOutcome(
  terminal: Terminal,
  located: LocatedConfig,
  options: WorkOptions,
  document: JobDocument,
  job: Job,
  isWorkedOn: boolean,
): void {
  if (options.json) {
    printJson(terminal, document);
    return;
  }
  terminal.err('');
  for (const line of jobLines(terminal, document, { ...job, isWorkedOn }, located)) terminal.out(line);
  for (const line of options.afterwards?.(job) ?? []) terminal.out(line);
}

/** The service works; here is shown what it does. */
async function lookOn(
  terminal: Terminal,
  located: LocatedConfig,
  options: WorkOptions,
  progress: Progress,
  client: ServiceClient,
  begin: Beginning,
): Promise<number> {
  const { throughSeq: afterSeq } = await client.call('events.since', {});
  let document = await begin.there(client);
  const show = createEventProgress(progress, terminal);
  try {
    for (let after = afterSeq; ;) {
      document = await client.follow(document.job, {
        signal: terminal.signal,
        afterSeq: after,
        onEvent: (event) => {
          after = event.seq;
          show(event);
        },
      });
      if (options.approve !== true || document.waitingFor !== 'approval') break;
      const { person, device } = thisPerson(terminal);
      document = await client.call('approval.decide', { job: document.job, kind: 'approve', person, device });
    }
  } catch (thrown) {
    if (!terminal.signal.aborted) throw thrown;
    terminal.err(`The service goes on with ${document.job}. Look with: ${located.command(`job show ${document.job}`)}`);
  }
  progress.close();
  const reader = composeReader(located.config);
  try {
    printOutcome(terminal, located, options, document, reader.job(document.job), true);
  } finally {
    reader.close();
  }
  return document.status === options.wantedEnd ? 0 : exitCodeOf(document);
}

/** Who sits at this terminal. */
export function thisPerson(terminal: Pick<Terminal, 'environment'>): Actor & { readonly device: string } {
  try {
    return { person: userInfo().username, channel: 'cli', device: hostname() };
  } catch {
    // A user id without an entry in the system's list, as containers have.
    return { person: terminal.environment['USER'] ?? 'unknown', channel: 'cli', device: hostname() };
  }
}

/** A runner of this process, or the service that turns out to hold the data folder. */
async function composePatiently(
  terminal: Terminal,
  config: RunnerConfig,
  progress: Progress,
  patienceMs: number,
): Promise<Runner | ServiceClient> {
  const deadline = Date.now() + patienceMs;
  for (let said = false; ; said = true) {
    try {
      return await composeRunner(config, { progress: progress.show });
    } catch (thrown) {
      const locked = thrown instanceof OpusError && thrown.code === 'registry.locked';
      const service = locked ? connectToService(config.data) : null;
      if (service) return service;
      if (!locked || Date.now() >= deadline || terminal.signal.aborted) throw thrown;
      if (!said) terminal.err(terminal.paint('err', 'dim', `${thrown.message} Waiting for it…`));
      await pause(250, undefined, { signal: terminal.signal }).catch(() => undefined);
    }
  }
}

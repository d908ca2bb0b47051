import type { JobDocument } from '#shared/domain/job.ts';
import { composeReader } from '../compose-reader.ts';
import { composeRunner } from '../compose.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { Application } from '../engine/application.ts';
import { locateConfig } from './configuration.ts';
import { jobLines } from './render-job.ts';
import { connectToService, type ServiceClient } from './service-client.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface ControlOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export interface Control {
  here(application: Application, jobId: string): Promise<Job>;
  there(client: ServiceClient): Promise<JobDocument>;
}

/** Changes a job and prints how it stands then, without waiting for what follows from it. Through the service where one runs. */
export async function controlJob(
  terminal: Terminal,
  name: string,
  options: ControlOptions,
  control: Control,
): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const client = connectToService(located.config.data);
  const document = client ? await control.there(client) : await byThisProcess();
  if (options.json === true) {
    printJson(terminal, document);
    return 0;
  }
  const reader = composeReader(located.config);
  try {
    const names = { ...reader.job(document.job), isWorkedOn: client !== null };
    for (const line of jobLines(terminal, document, names, located)) terminal.out(line);
  } finally {
    reader.close();
  }
  return 0;

  async function byThisProcess(): Promise<JobDocument> {
    const runner = await composeRunner(located.config);
    try {
      await runner.start();
      const job = await control.here(runner.application, runner.application.job(name).id);
      return runner.application.document(job.id);
    } finally {
      await runner.stop();
    }
  }
}

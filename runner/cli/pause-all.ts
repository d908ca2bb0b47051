import { setTimeout as pause } from 'node:timers/promises';
import type { PauseResult } from '#shared/protocol/runner-status.ts';
import { composeRunner } from '../compose.ts';
import { locateConfig } from './configuration.ts';
import { connectToService } from './service-client.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface PauseAllOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** Until nothing runs. */
  readonly wait?: boolean;
}

const lookMs = 500;

/** `pause --all`, `resume --all` and `drain`: the whole runner at once. A pause holds over restarts. */
export async function setRunnerMode(
  terminal: Terminal,
  mode: 'pause' | 'resume' | 'drain',
  options: PauseAllOptions,
): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const client = connectToService(located.config.data);
  if (client === null) return await withoutService();
  let result: PauseResult = await client.call(`runner.${mode}`, {});
  while (options.wait === true && result.running > 0 && !terminal.signal.aborted) {
    await pause(lookMs, undefined, { signal: terminal.signal }).catch(() => undefined);
    const { paused, running } = await client.call('runner.status', {});
    result = { paused, running };
  }
  if (options.json === true) printJson(terminal, result);
  else terminal.out(sentenceOf(result, located.command('resume --all')));
  return 0;

  async function withoutService(): Promise<number> {
    const paused = mode === 'pause' ? 'paused' : 'no';
    if (mode !== 'drain') {
      const runner = await composeRunner(located.config);
      runner.keepPaused(mode === 'pause');
      await runner.stop();
    }
    if (options.json === true) printJson(terminal, { paused, running: 0 });
    else if (mode === 'drain') terminal.out('No service runs, so nothing has to be drained.');
    else if (mode === 'pause')
      terminal.out(`The service will start paused. Undo with: ${located.command('resume --all')}`);
    else terminal.out(`The service will start jobs as soon as it runs: ${located.command('serve')}`);
    return 0;
  }
}

function sentenceOf({ paused, running }: PauseResult, resume: string): string {
  const jobs = running === 1 ? 'one job' : `${running} jobs`;
  switch (paused) {
    case 'paused':
      return `Paused: nothing runs or starts${running > 0 ? `; ${jobs} being stopped at the last checkpoint` : ''}. Go on with: ${resume}`;
    case 'draining':
      return running > 0
        ? `Draining: ${jobs} may go on until they rest, nothing starts. Go on with: ${resume}`
        : `Drained: nothing runs and nothing starts. Go on with: ${resume}`;
    case 'no':
      return 'Jobs are started as there are slots.';
  }
}

import { setFlagsFromString } from 'node:v8';
import { readServiceFile } from '../server/service-file.ts';
import { OpusError } from '#shared/domain/errors.ts';
import { createSystemdNotifier } from '../adapters/systemd/notify.ts';
import { composeService } from '../compose-service.ts';
import { createLiveConfig, type ReloadOutcome } from '../config/live-config.ts';
import { loadConfig } from '../config/load.ts';
import { locateConfig } from './configuration.ts';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

export interface ServeOptions {
  readonly config?: string;
}

/** The service: works until it is stopped, and then ends with 0. */
export async function serve(terminal: Terminal, options: ServeOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const running = readServiceFile(located.config.data);
  if (running) {
    throw new OpusError(
      'registry.locked',
      `The service already runs on this data folder (pid ${running.pid}, ${running.url}).`,
      {
        hint: `Look with: ${located.command('status')}`,
      },
    );
  }
  // A program that runs for months and seldom has much to do gives back what it does not need, rather than be quick to take more.
  setFlagsFromString('--optimize-for-size');
  const now = terminal.untilStopped();
  const systemd = createSystemdNotifier(terminal.environment);
  const live = createLiveConfig(() =>
    loadConfig(located.config.file, { command: programName(terminal), environment: terminal.environment }),
  );
  let url = '';
  const service = await composeService({
    live,
    overrides: { console: terminal.errIsTerminal ? 'pretty' : 'json' },
    onReload: (outcome) => {
      if (outcome.kind !== 'unchanged') systemd.ready(statusAfter(outcome, url));
    },
  });
  url = service.url;
  const reload = (): void => {
    systemd.reloading();
    const outcome = service.reload();
    if (outcome.kind === 'unchanged') systemd.ready(`at ${service.url}`);
  };
  process.on('SIGHUP', reload);
  const watchdog =
    systemd.intervalMs === null
      ? null
      : setInterval(() => {
          systemd.watchdog();
        }, systemd.intervalMs);
  systemd.ready(`at ${service.url}`);
  try {
    await untilAborted(terminal.signal);
    systemd.stopping('stopping; running steps may end');
    await service.stop(now);
    return 0;
  } finally {
    if (watchdog) clearInterval(watchdog);
    process.off('SIGHUP', reload);
    await systemd.close();
  }
}

function statusAfter(outcome: ReloadOutcome, url: string): string {
  return outcome.kind === 'refused' ? `at ${url}; opus.yml was refused: ${outcome.error.message}` : `at ${url}`;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

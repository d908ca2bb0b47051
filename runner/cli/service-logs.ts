import { readJournal } from '../adapters/systemd/journal.ts';
import { plainText } from './plain-text.ts';
import {
  requireInstalled,
  requireSystemd,
  servicePlace,
  thisHost,
  type ScopeOptions,
  type ServiceHost,
} from './service-place.ts';
import type { Terminal } from './terminal.ts';

export interface LogsOptions extends ScopeOptions {
  readonly follow?: boolean;
  readonly lines?: number;
}

const usualLines = 100;

export async function serviceLogs(
  terminal: Terminal,
  options: LogsOptions,
  host: ServiceHost = thisHost(),
): Promise<number> {
  requireSystemd(host);
  const place = servicePlace(terminal, options, host);
  requireInstalled(place);
  await readJournal({
    ...{ scope: place.scope, environment: terminal.environment, signal: terminal.signal },
    lines: options.lines ?? usualLines,
    follow: options.follow === true,
    onLine: (line) => {
      terminal.out(plainText(line));
    },
    onNote: (line) => {
      terminal.err(plainText(line));
    },
  });
  return 0;
}

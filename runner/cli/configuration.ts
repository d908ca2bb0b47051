import { loadConfig } from '../config/load.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { rememberAccepted } from './accepted-config.ts';
import { commandOn, locateFile } from './config-file.ts';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

/** The configuration a command works with, and how to call a command on the same one. */
export interface LocatedConfig {
  readonly config: RunnerConfig;
  readonly command: (words: string) => string;
}

export function locateConfig(terminal: Terminal, option: string | undefined): LocatedConfig {
  const file = locateFile(terminal, option);
  const config = rememberAccepted(file, () =>
    loadConfig(file, { command: programName(terminal), environment: terminal.environment }),
  );
  return { config, command: commandOn(terminal, file) };
}

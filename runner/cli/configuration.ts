import { OpusError } from '#shared/domain/errors.ts';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { findConfig, loadConfig } from '../config/load.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

export const demoFolder = '.opus-demo';

/** The configuration a command works with, and how to call a command on the same one. */
export interface LocatedConfig {
  readonly config: RunnerConfig;
  /** `npx opus approve FR-001`, with --config where it would not be found without. */
  readonly command: (words: string) => string;
}

/** `option` is --config; without it the nearest opus.yml upward, else the demo's in the current folder. */
export function locateConfig(terminal: Terminal, option: string | undefined): LocatedConfig {
  const found = option === undefined ? findConfig(terminal.cwd) : resolve(terminal.cwd, option);
  if (found !== null) return located(terminal, found);
  const demo = join(terminal.cwd, demoFolder, 'opus.yml');
  if (!existsSync(demo)) {
    throw new OpusError('config.not-found', `There is no opus.yml in ${terminal.cwd} or a folder above it.`, {
      hint: 'Make one with `opus init`, name one with --config, or try the example with `opus demo`.',
    });
  }
  terminal.err(
    terminal.paint('err', 'dim', `There is no opus.yml here; using the demo's: ${join(demoFolder, 'opus.yml')}`),
  );
  return located(terminal, demo);
}

function located(terminal: Terminal, file: string): LocatedConfig {
  const program = programName(terminal);
  return {
    config: loadConfig(file, { command: program, environment: terminal.environment }),
    command: (words) => `${program} ${words}${configSuffix(terminal.cwd, file)}`,
  };
}

function configSuffix(cwd: string, file: string): string {
  const foundAnyway = findConfig(cwd) ?? join(cwd, demoFolder, 'opus.yml');
  if (foundAnyway === file) return '';
  const way = relative(cwd, file);
  const shown = way.startsWith('..') ? file : way;
  return ` --config ${/^[\w./@+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`}`;
}

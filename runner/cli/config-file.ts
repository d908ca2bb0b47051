import { OpusError } from '#shared/domain/errors.ts';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { programName } from './program-name.ts';
import type { Terminal } from './terminal.ts';

// `opus status` loads this file and not the one that checks a configuration, which takes as long as all the rest of it.

export const demoFolder = '.opus-demo';
const configName = 'opus.yml';

/** `option` is --config; without it the nearest opus.yml upward, else the demo's in the current folder. */
export function locateFile(terminal: Terminal, option: string | undefined): string {
  if (option !== undefined) return resolve(terminal.cwd, option);
  const found = nearestConfig(terminal.cwd);
  if (found !== null) return found;
  const demo = demoConfig(terminal.cwd);
  if (!existsSync(demo)) {
    throw new OpusError('config.not-found', `There is no opus.yml in ${terminal.cwd} or a folder above it.`, {
      hint: 'Make one with `opus init`, name one with --config, or try the example with `opus demo`.',
    });
  }
  const note = `There is no opus.yml here; using the demo's: ${join(demoFolder, configName)}`;
  terminal.err(terminal.paint('err', 'dim', note));
  return demo;
}

/** How a person calls a command on this configuration: `npx opus run FR-001`, with --config where it would not be found without. */
export function commandOn(terminal: Terminal, file: string): (words: string) => string {
  const program = programName(terminal);
  const suffix = configSuffix(terminal.cwd, file);
  return (words) => `${program} ${words}${suffix}`;
}

function configSuffix(cwd: string, file: string): string {
  if ((nearestConfig(cwd) ?? demoConfig(cwd)) === file) return '';
  const way = relative(cwd, file);
  const shown = way.startsWith('..') ? file : way;
  return ` --config ${/^[\w./@+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`}`;
}

function nearestConfig(start: string): string | null {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const candidate = join(folder, configName);
    if (statSync(candidate, { throwIfNoEntry: false })?.isFile() === true) return candidate;
    if (dirname(folder) === folder) return null;
  }
}

function demoConfig(cwd: string): string {
  return join(cwd, demoFolder, configName);
}

import { InvalidArgumentError, Option } from 'commander';
import type { Terminal } from './terminal.ts';

/** What the definition of a command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The exit code; the command that runs sets it. */
  code: number;
}

export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

export function jsonOption(): Option {
  return new Option('--json', 'one JSON document on standard output');
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

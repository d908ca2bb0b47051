import { composeReader, type Reader } from '../compose-reader.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import type { Terminal } from './terminal.ts';

export interface ReadOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** For commands that only look: no lock is taken and nothing is started. */
export async function withReader<Result>(
  terminal: Terminal,
  options: ReadOptions,
  use: (reader: Reader, located: LocatedConfig) => Result | Promise<Result>,
): Promise<Result> {
  const located = locateConfig(terminal, options.config);
  const reader = composeReader(located.config);
  try {
    return await use(reader, located);
  } finally {
    reader.close();
  }
}

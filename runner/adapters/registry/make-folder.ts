import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** A folder with those above it, one part at a time: below /proc, say, Node's own way to make them all at once never ends. */
export function makeFolder(folder: string, mode = 0o777): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (thrown) {
    // Another process may have made it meanwhile.
    if (!existsSync(folder)) throw thrown;
  }
}

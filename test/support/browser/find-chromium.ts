import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The Debian package, or what OPUS_CHROMIUM names; null where there is none. */
export function findChromium(): string | null {
  const named = process.env['OPUS_CHROMIUM'];
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = named === undefined ? [...folders, '/usr/bin'].map((folder) => join(folder, 'chromium')) : [named];
  return candidates.find(canRun) ?? null;
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

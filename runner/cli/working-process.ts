import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The process that works on jobs here, null when there is none. A killed runner leaves the file behind, so the process is looked for. */
export function workingProcess(data: string): number | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(join(data, 'runner.json'), 'utf8'));
    if (typeof holder !== 'object' || holder === null || !('pid' in holder) || typeof holder.pid !== 'number')
      return null;
    process.kill(holder.pid, 0);
    return holder.pid;
  } catch {
    return null;
  }
}

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** How the sandboxes of a data folder are named in the process list. */
export function sandboxName(dataFolder: string): string {
  return `opus-sandbox-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`;
}

/**
 * Ends what a killed runner left: bubblewrap forks before its child is tied to its parent, so that a kill in that instant leaves
 * a sandbox that waits for ever and runs nothing. Only the one runner of the data folder may call it, before its first sandbox.
 * Returns how many there were.
 */
export function endOrphans(name: string): number {
  let ended = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry) || firstArgument(entry) !== name) continue;
    try {
      process.kill(Number(entry), 'SIGKILL');
      ended++;
    } catch {
      // It ended by itself, or it is another user's.
    }
  }
  return ended;
}

function firstArgument(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0] ?? '';
  } catch {
    return '';
  }
}

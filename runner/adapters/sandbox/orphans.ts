import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { ProcessTable, type ProcessEntry } from './process-table.ts';

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
    if (kill(Number(entry))) ended += 1;
  }
  return ended;
}

/**
 * The same beside sandboxes that are at work: what is called so and does not descend from this process, twice in a row, for a
 * sandbox at work is its monitor's child and the monitor is this process's. Returns what looks, and ends; it says how many.
 */
export function createStrayWatch(name: string): () => number {
  const table = new ProcessTable(0);
  let before: ReadonlySet<string> = new Set();
  return () => {
    const entries = table.entries({ fresh: true });
    const strays = [...entries.values()].filter(
      (entry) => firstArgument(String(entry.pid)) === name && !descends(entry, entries),
    );
    let ended = 0;
    for (const { pid, started } of strays) {
      if (before.has(`${pid} ${started}`) && table.isAlive(pid, started) && kill(pid)) ended += 1;
    }
    before = new Set(strays.map(({ pid, started }) => `${pid} ${started}`));
    return ended;
  };
}

function descends(entry: ProcessEntry, entries: ReadonlyMap<number, ProcessEntry>): boolean {
  const seen = new Set<number>();
  for (let at: ProcessEntry | undefined = entry; at && !seen.has(at.pid); at = entries.get(at.parent)) {
    if (at.pid === process.pid || at.parent === process.pid) return true;
    seen.add(at.pid);
  }
  return false;
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    // It ended by itself, or it is another user's.
    return false;
  }
}

function firstArgument(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1)[0] ?? '';
  } catch {
    return '';
  }
}

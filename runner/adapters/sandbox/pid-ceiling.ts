import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { release } from 'node:os';

/** The kernel's least: below are numbers it keeps for itself. */
const leastCeiling = 301;

/**
 * Caps the process numbers of a namespace where the number of processes has no other limit: for root, to whom the
 * usual one does not apply. `namespace` is what bubblewrap said it made.
 */
export async function capProcessNumbers(pid: number, namespace: number, ceiling: number): Promise<void> {
  // Before Linux 6.14 the setting was the whole machine's, whoever wrote it.
  if (process.getuid?.() !== 0 || !isAtLeast(release(), 6, 14)) return;
  let descriptor: number;
  try {
    descriptor = openSync(`/proc/${pid}/ns/pid`, 'r');
  } catch {
    return;
  }
  try {
    // The number may have come to name another process, in this machine's own namespace.
    const { ino } = fstatSync(descriptor);
    if (ino !== namespace || ino === statSync('/proc/self/ns/pid').ino) return;
    await enterAndSet(descriptor, Math.max(leastCeiling, ceiling));
  } finally {
    closeSync(descriptor);
  }
}

function enterAndSet(descriptor: number, ceiling: number): Promise<void> {
  const script = 'echo "$0" > /proc/sys/kernel/pid_max';
  const child = spawn('/usr/bin/nsenter', ['--pid=/proc/self/fd/3', '/bin/sh', '-c', script, String(ceiling)], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    cwd: '/',
    env: {},
  });
  return new Promise((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  });
}

export function isAtLeast(version: string, major: number, minor: number): boolean {
  const [foundMajor = 0, foundMinor = 0] = version.split('.').map((part) => parseInt(part, 10));
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

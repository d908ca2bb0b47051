import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A disk of a few megabytes at `disk` in the folder, which only those see that are inside. */
export interface SmallDisk {
  readonly folder: string;
  /** The program, with its arguments, that runs another one where the disk is. */
  readonly inside: readonly string[];
  /** Where this process finds what those inside see at a path. */
  seenAt(path: string): string;
  /** Takes so many megabytes away. */
  use(megabytes: number): void;
  /** Leaves not one byte. */
  fill(): void;
  free(): void;
}

const asRoot = process.getuid?.() === 0;
const unshare = ['unshare', ...(asRoot ? ['-m'] : ['-r', '-m'])];

/** Why there can be no such disk here; null when there can. */
export function noSmallDisk(): string | null {
  if (process.platform !== 'linux') return 'there are no mount namespaces here';
  const [program = '', ...rest] = unshare;
  const tried = spawnSync(program, [...rest, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { encoding: 'utf8' });
  return tried.status === 0 ? null : tried.stderr || String(tried.error);
}

export async function makeSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'disk-')));
  mkdirSync(join(folder, 'disk'));
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$1" && echo mounted && exec sleep 600`;
  const [program = '', ...rest] = unshare;
  const holder = spawn(program, [...rest, 'sh', '-c', script, 'sh', join(folder, 'disk')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  onTestFinished(async () => {
    holder.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  await Promise.race([once(holder.stdout, 'data'), ended]);
  if (holder.exitCode !== null) throw new Error('The small disk could not be mounted.');
  const { pid } = holder;
  const seenAt = (path: string): string => `/proc/${pid}/root${path}`;
  const filler = seenAt(join(folder, 'disk', 'filler'));
  return {
    folder,
    inside: ['nsenter', ...(asRoot ? [] : ['-U', '--preserve-credentials']), '-m', '-t', String(pid), '--'],
    seenAt,
    use(megabytes) {
      writeFileSync(filler, Buffer.alloc(megabytes * 1024 ** 2));
    },
    fill() {
      const descriptor = openSync(filler, 'a');
      try {
        for (let size = 1024 ** 2; size >= 1; size = Math.floor(size / 16)) writeUntilFull(descriptor, size);
      } finally {
        closeSync(descriptor);
      }
    },
    free() {
      rmSync(filler, { force: true });
    },
  };
}

function writeUntilFull(descriptor: number, size: number): void {
  const bytes = Buffer.alloc(size);
  try {
    for (;;) writeSync(descriptor, bytes);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown;
  }
}

import { randomUUID } from 'node:crypto';
import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// This file stays free of everything but Node: it is read by commands that must start at once.

/** How the command line finds the service of a data folder and proves that it may command it. */
export interface ServiceFile {
  readonly url: string;
  readonly pid: number;
  /** As good as the user's own rights, for as long as the service runs. */
  readonly token: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What the service shows of itself, as PEM; null without TLS. Nothing else is believed at its address. */
  readonly certificate: string | null;
}

export interface WrittenServiceFile {
  /** Unless another service has written its own meanwhile. May be called twice. */
  remove(): void;
}

const name = 'service.json';

/** Readable by its owner alone from the first byte on; a reader sees all of it or none. */
export function writeServiceFile(data: string, service: ServiceFile): WrittenServiceFile {
  const file = join(data, name);
  const temporary = join(data, `.${name}-${randomUUID()}.tmp`);
  try {
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(descriptor, `${JSON.stringify(service)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  return {
    remove() {
      if (readServiceText(file)?.token === service.token) rmSync(file, { force: true });
    },
  };
}

/** Null when none runs: there is no file, it is damaged, or the process that wrote it is gone. */
export function readServiceFile(data: string): ServiceFile | null {
  const service = readServiceText(join(data, name));
  return service !== null && isAlive(service.pid) ? service : null;
}

function readServiceText(file: string): ServiceFile | null {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const value: unknown = JSON.parse(readFileSync(descriptor, 'utf8'));
      return isServiceFile(value) ? value : null;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}

function isServiceFile(value: unknown): value is ServiceFile {
  if (typeof value !== 'object' || value === null) return false;
  const { url, pid, token, version, startedAt, certificate } = value as Record<string, unknown>;
  return (
    typeof url === 'string' &&
    /^https?:$/.test(URL.parse(url)?.protocol ?? '') &&
    Number.isSafeInteger(pid) &&
    Number(pid) > 0 &&
    typeof token === 'string' &&
    /^[\w.~+/=-]+$/.test(token) &&
    typeof version === 'string' &&
    typeof startedAt === 'number' &&
    (certificate === null || typeof certificate === 'string')
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // Another user's process is alive all the same.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

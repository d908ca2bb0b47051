import { mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { versionIn } from '../../core/agent-kinds.ts';
import type { Sandbox, SandboxLimits } from '../../core/ports/sandbox.ts';

export interface VersionQuestion {
  readonly sandbox: Sandbox;
  readonly path: string;
  readonly hidden: readonly string[];
  readonly limits: SandboxLimits;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What an installed CLI says of its version, in a sandbox and a HOME of its own; null when it says none in time. */
export async function versionOf({ sandbox, path, ...asked }: VersionQuestion): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'opus-version-'));
  try {
    const { tail, ending } = await sandbox.run({
      ...asked,
      argv: [...(await programWords(path)), '--version'],
      cwd: folder,
      env: { HOME: folder, LANG: 'C.UTF-8', TERM: 'dumb', GEMINI_CLI_NO_RELAUNCH: 'true' },
      mounts: [{ source: folder, mode: 'read-write' }],
      network: [],
    });
    return ending === 'exited' ? versionIn(tail) : null;
  } catch {
    return null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A script of Node's is run by this process's own Node: in the sandbox there may be no other. */
export async function programWords(found: string): Promise<readonly [string, ...string[]]> {
  const path = await realpath(found);
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const firstLine = buffer.toString('latin1', 0, bytesRead).split('\n')[0] ?? '';
    return /^#!.*\bnode\b/.test(firstLine) ? [process.execPath, path] : [found];
  } finally {
    await file.close();
  }
}

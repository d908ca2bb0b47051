import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  defaultSandboxLimits,
  type Sandbox,
  type SandboxRequest,
  type SandboxResult,
} from '../../runner/core/ports/sandbox.ts';

const folders: string[] = [];

/** A folder of its own, removed by `removeFolders`. */
export function temporaryFolder(name = 'opus-sandbox-test-'): string {
  const folder = mkdtempSync(join(tmpdir(), name));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** What every process of one test carries in its environment. */
export function newMark(): string {
  return `mark-${randomUUID()}`;
}

export function requestFor(argv: readonly [string, ...string[]], more: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    argv,
    cwd: '/',
    env: {},
    mounts: [],
    hidden: [],
    network: [],
    limits: defaultSandboxLimits,
    timeoutMs: 40_000,
    ...more,
  };
}

export function runShell(sandbox: Sandbox, script: string, more: Partial<SandboxRequest> = {}): Promise<SandboxResult> {
  return sandbox.run(requestFor(['/bin/sh', '-c', script], more));
}

/** Processes of this machine that carry the mark in their environment or arguments. */
export function processesWith(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      const [environment, command] = ['environ', 'cmdline'].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, 'latin1'),
      );
      return environment?.includes(mark) === true || command?.includes(mark) === true;
    } catch {
      return false;
    }
  });
}

export async function until(condition: () => boolean, waitMs = 20_000): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Did not become true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

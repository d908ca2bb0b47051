import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import type { RunnerStatus } from '#shared/protocol/runner-status.ts';
import type { FaultLab } from './fault-lab.ts';

/** A slow machine takes its time; nothing waits so long where things go right. */
export const patience = { timeout: 25_000, interval: 40 } as const;

const main = join(import.meta.dirname, '../../runner/main.ts');

export interface ServiceOptions {
  /** A module that is loaded before the program. */
  readonly preload?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A program that runs the service, with its arguments. */
  readonly inside?: readonly string[];
  /** The data folder as this process sees it, where that is another path. */
  readonly data?: string;
}

/** `opus serve` as a process of its own, which is gone when the test ends. */
export interface ServiceProcess {
  /** Of the service itself, also where another program runs it. */
  readonly pid: number;
  readonly client: ServiceClient;
  /** Everything it said on standard error. */
  said(): string;
  /** The messages of its log, in order. */
  messages(): string[];
  signal(signal: NodeJS.Signals): void;
  /** Its exit code; null after a signal. */
  ended(): Promise<number | null>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  isAlive(): boolean;
  status(): Promise<RunnerStatus>;
  /** What `/readyz` says: its HTTP status, and the checks by name. */
  readiness(): Promise<{ status: number; checks: Record<string, { ok: boolean; message: string }> }>;
}

interface Spawned {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  readonly said: () => string;
}

/** A command of opus as a process of its own. */
export function startOpus(args: readonly string[], options: ServiceOptions = {}): Spawned {
  const node = [...(options.preload === undefined ? [] : ['--import', options.preload]), main, ...args];
  const [program = process.execPath, ...rest] = [...(options.inside ?? []), process.execPath, ...node];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...options.environment },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started.`);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { pid, ended, said: () => said };
}

/** Settles when the service answers; rejects when it ends before. */
export async function startService(
  lab: Pick<FaultLab, 'config' | 'data'>,
  options: ServiceOptions = {},
): Promise<ServiceProcess> {
  const data = options.data ?? lab.data;
  const spawned = startOpus(['serve', '--config', lab.config], options);
  let exit: number | null | undefined;
  void spawned.ended.then((code) => (exit = code));
  const client = await vi.waitFor(() => {
    if (exit !== undefined) return null;
    const found = connectToService(data);
    if (!found || found.service.pid !== spawned.pid) throw new Error(`The service does not answer. ${spawned.said()}`);
    // The file is there before the supervisor works.
    if (!spawned.said().includes('The service runs at')) throw new Error(`It is starting. ${spawned.said()}`);
    return found;
  }, patience);
  if (client === null) throw new Error(`The service ended with ${exit}. ${spawned.said()}`);
  const signal = (name: NodeJS.Signals): void => {
    process.kill(spawned.pid, name);
  };
  return {
    pid: spawned.pid,
    client,
    said: spawned.said,
    messages: () => logMessages(data),
    signal,
    ended: () => spawned.ended,
    async stop() {
      signal('SIGTERM');
      return await spawned.ended;
    },
    async kill() {
      signal('SIGKILL');
      await spawned.ended;
    },
    isAlive: () => exit === undefined,
    status: () => client.call('runner.status', {}),
    async readiness() {
      const response = await fetch(new URL('/readyz', client.service.url));
      const body = (await response.json()) as { checks: { name: string; ok: boolean; message: string }[] };
      const checks = Object.fromEntries(body.checks.map(({ name, ok, message }) => [name, { ok, message }]));
      return { status: response.status, checks };
    },
  };
}

function logMessages(data: string): string[] {
  const file = join(data, 'logs/runner.log');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [(JSON.parse(line) as { msg: string }).msg];
      } catch {
        return [];
      }
    });
}

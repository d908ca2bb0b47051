import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import type { Job, RegistryReader } from '../../runner/core/ports/job-registry.ts';
import type { Installed } from './installed.ts';
import type { Row } from './measure.ts';
import type { ServiceLab } from './service-lab.ts';

/** `opus serve`, the bundled program in a process of its own, watched from outside. */
export interface ServiceSession {
  readonly pid: number;
  readonly client: ServiceClient;
  /** Looks at what the service wrote down without asking it, so that looking costs it nothing. */
  readonly registry: RegistryReader;
  /** Of the service's own process, children not counted. */
  cpuMs(): number;
  residentMB(): number;
  /** What its descriptors are of: files by name, the others by kind. */
  descriptors(): string[];
  children(): number;
  /** The one of these metrics' values, summed over its labels. */
  metric(name: string): Promise<number>;
  /** Where to speak to the process's inspector; null unless it was asked for. */
  readonly inspector: string | null;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface SessionOptions {
  /** Arguments of Node before the program. */
  readonly nodeOptions?: readonly string[];
}

const ticksMs = 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const startWithinMs = 60_000;

/** Returns once the service is ready; with `watching`, once it has also read the vault and watches it. */
export async function startSession(
  installed: Installed,
  lab: ServiceLab,
  options: SessionOptions = {},
): Promise<ServiceSession> {
  const words = [...(options.nodeOptions ?? []), installed.bin, 'serve', '--config', lab.configFile];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error('opus serve could not be started.');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-10_000);
  });
  const exit = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exit;
  };
  try {
    const client = await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`opus serve ended early: ${said}`);
        const found = connectToService(lab.data);
        if (found?.service.pid !== pid) return null;
        const status = await found.call('runner.status', {});
        return status.watching ? found : null;
      },
      { what: 'a ready service', withinMs: startWithinMs },
    );
    const registry = openRegistryReader({ file: join(lab.data, 'registry.db') });
    return {
      pid,
      client,
      registry,
      cpuMs: () => cpuMsOf(pid),
      residentMB: () => residentMBOf(pid),
      descriptors: () => readdirSync(`/proc/${pid}/fd`).flatMap((number) => targetOf(`/proc/${pid}/fd/${number}`)),
      children: () =>
        readdirSync(`/proc/${pid}/task`)
          .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim())
          .flatMap((ids) => (ids === '' ? [] : ids.split(' '))).length,
      async metric(name) {
        const text = await (await fetch(new URL('/metrics', client.service.url))).text();
        const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'));
        return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
      },
      inspector: /ws:\/\/\S+/.exec(said)?.[0] ?? null,
      kill: () => {
        registry.close();
        return end('SIGKILL');
      },
      stop: () => {
        registry.close();
        return end('SIGTERM');
      },
    };
  } catch (thrown) {
    await end('SIGKILL');
    throw thrown;
  }
}

export async function withService(
  installed: Installed,
  lab: ServiceLab,
  measure: (session: ServiceSession) => Promise<Row[]>,
): Promise<Row[]> {
  try {
    const session = await startSession(installed, lab);
    try {
      return await measure(session);
    } finally {
      await session.stop();
    }
  } finally {
    lab.remove();
  }
}

/** User and system time. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * ticksMs;
}

function residentMBOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** None for one that was closed meanwhile. */
function targetOf(link: string): string[] {
  try {
    return [readlinkSync(link).replace(/:\[\d+\]$/, '')];
  } catch {
    return [];
  }
}

/** Asks again and again until there is an answer; what it throws ends the asking. */
export async function until<Value>(
  ask: () => Promise<Value | null> | Value | null,
  { what, withinMs = 60_000, everyMs = 5 }: { what: string; withinMs?: number; everyMs?: number },
): Promise<Value> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const found = await ask();
    if (found !== null) return found;
    if (performance.now() > giveUpAt) throw new Error(`Waited ${withinMs / 1_000} s in vain for ${what}.`);
    await pause(everyMs);
  }
}

/** Until the newest job of the FR is as wanted. */
export function untilJob(
  session: ServiceSession,
  featureRequest: string,
  satisfies: (job: Job) => boolean,
): Promise<Job> {
  return until(
    () => {
      const job = session.registry.newestJobOf(featureRequest);
      return job !== null && satisfies(job) ? job : null;
    },
    { what: featureRequest },
  );
}

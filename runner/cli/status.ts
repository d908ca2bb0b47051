import type { JobDocument } from '#shared/domain/job.ts';
import type { RunnerStatus } from '#shared/protocol/runner-status.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRegistryReader } from '../adapters/registry/registry-reader.ts';
import type { RegistryReader } from '../core/ports/job-registry.ts';
import { jobDocumentOf } from '../core/reporting/job-document.ts';
import { readServiceFile } from '../server/service-file.ts';
import { acceptedConfig, lastAcceptedConfig, type AcceptedConfig } from './accepted-config.ts';
import { commandOn, locateFile } from './config-file.ts';
import { pictureLines, type Picture, type SeenRunner } from './status-picture.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';

const recentlyFinished = 20;
const redrawMs = 1_000;

export interface StatusOptions {
  readonly json: boolean;
  readonly watch?: boolean;
  readonly config?: string;
}

/** Everything this file loads counts against the time of `opus status`: no adapter but the reading half of the registry. */
export async function status(terminal: Terminal, options: StatusOptions): Promise<number> {
  const file = locateFile(terminal, options.config);
  const { data, sandbox } = acceptedConfig(file) ?? (await checkedConfig(terminal, file));
  if (sandbox !== 'required') {
    const what =
      sandbox === 'off' ? 'agents run WITHOUT a sandbox' : 'agents run without a sandbox where it cannot work';
    terminal.err(`${terminal.paint('err', 'yellow', 'warning')} opus.yml says "sandbox: ${sandbox}": ${what}.`);
  }
  const command = commandOn(terminal, file);
  if (options.watch === true) return await watch(terminal, options.json, () => look(data, command));
  const picture = look(data, command);
  if (options.json) printJson(terminal, documentOf(picture));
  else for (const line of pictureLines(terminal, picture)) terminal.out(line);
  return 0;
}

/** Drawn anew each second on a terminal; elsewhere a JSON document or picture whenever something has changed. */
async function watch(terminal: Terminal, json: boolean, look: () => Picture): Promise<number> {
  terminal.untilStopped();
  const { setTimeout: pause } = await import('node:timers/promises');
  const live = terminal.outIsTerminal && !json && terminal.environment['TERM'] !== 'dumb';
  let last = '';
  while (!terminal.signal.aborted) {
    const picture = look();
    const lines = json ? [JSON.stringify(documentOf(picture))] : pictureLines(terminal, picture);
    const text = lines.join('\n');
    if (live) terminal.out(`\u001b[H\u001b[2J${text}\n\n${terminal.paint('out', 'dim', 'Ctrl-C ends the looking.')}`);
    else if (unhurried(text) !== last) terminal.out(text);
    last = unhurried(text);
    await pause(redrawMs, undefined, { signal: terminal.signal }).catch(() => undefined);
  }
  return 0;
}

/** Times that only go on are no change. */
function unhurried(text: string): string {
  return text.replaceAll(/"durationMs":\d+|\b\d+(?:\.\d+)? ?(?:ms|s|min|m|h|d)\b/g, '');
}

async function checkedConfig(terminal: Terminal, file: string): Promise<AcceptedConfig> {
  const { locateConfig } = await import('./configuration.ts');
  try {
    return locateConfig(terminal, file).config;
  } catch (thrown) {
    // A service that runs goes on with what it took before, and can be looked at.
    const last = lastAcceptedConfig(file);
    if (last === null || readServiceFile(last.data) === null) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    terminal.err(`${terminal.paint('err', 'yellow', 'warning')} ${reason}`);
    return last;
  }
}

function look(data: string, command: Picture['command']): Picture {
  const now = Date.now();
  const file = join(data, 'registry.db');
  if (!existsSync(file)) return { runner: null, foreground: workingProcess(data), jobs: [], now, command };
  const registry = openRegistryReader({ file });
  try {
    const runner = seenRunner(data, registry, now);
    const foreground = runner === null ? workingProcess(data) : null;
    return { runner, foreground, jobs: documents(registry, now), now, command };
  } finally {
    registry.close();
  }
}

/** What the service wrote down of itself, so that nobody waits for one that hangs. */
function seenRunner(data: string, registry: RegistryReader, now: number): SeenRunner | null {
  const service = readServiceFile(data);
  if (service === null) return null;
  const health = registry.state('health');
  const written = health?.value as RunnerStatus | undefined;
  if (health && written?.pid === service.pid) return { ...written, silentMs: Math.max(0, now - health.at) };
  const { pid, version, url, startedAt } = service;
  return {
    paused: 'no',
    watching: true,
    running: 0,
    queued: 0,
    waiting: 0,
    circuits: [],
    problems: [],
    pid,
    version,
    url,
    startedAt,
    ready: false,
    sandbox: 'isolated (being looked at)',
    silentMs: 0,
  };
}

function documentOf({ runner, jobs }: Picture): unknown {
  if (runner === null) return { runner, jobs };
  const { silentMs: _silentMs, ...said } = runner;
  return { runner: said, jobs };
}

/** The unfinished jobs and the last finished ones, oldest first. */
function documents(registry: RegistryReader, now: number): JobDocument[] {
  const unfinished = registry.jobs({ finished: false });
  const open = new Set(unfinished.map((job) => job.id));
  const finished = registry
    .jobs({ finished: true, limit: recentlyFinished + unfinished.length })
    .filter((job) => !open.has(job.id))
    .slice(-recentlyFinished);
  return [...finished, ...unfinished]
    .sort((left, right) => left.createdAt - right.createdAt)
    .map((job) => jobDocumentOf(registry, job, now));
}

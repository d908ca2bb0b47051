import { existsSync } from 'node:fs';
import { readJournal } from '../adapters/systemd/journal.ts';
import { isRunning, readUnitState, type UnitState } from '../adapters/systemd/unit-state.ts';
import type { CommonOptions } from './command-context.ts';
import { plainLine } from './plain-text.ts';
import {
  requireSystemd,
  servicePlace,
  thisHost,
  type ScopeOptions,
  type ServiceHost,
  type ServicePlace,
} from './service-place.ts';
import { printJson, type Terminal } from './terminal.ts';

const notRunning = 3;
const lastLines = 5;

/** 0 when the service is running, 3 when it is not. */
export async function serviceStatus(
  terminal: Terminal,
  options: CommonOptions & ScopeOptions,
  host: ServiceHost = thisHost(),
): Promise<number> {
  requireSystemd(host);
  const place = servicePlace(terminal, options, host);
  const json = options.json === true;
  if (!existsSync(place.unitFile)) {
    if (json) printJson(terminal, { installed: false, running: false, scope: place.scope });
    else terminal.out(`The service is not installed. To install it: ${place.command('service install')}`);
    return notRunning;
  }
  const state = await readUnitState(place.systemctl);
  const running = isRunning(state);
  if (json) printJson(terminal, { installed: true, running, scope: place.scope, unit: place.unitFile, ...state });
  else await print(terminal, place, state);
  return running ? 0 : notRunning;
}

async function print(terminal: Terminal, place: ServicePlace, state: UnitState): Promise<void> {
  const running = isRunning(state);
  const word = running ? 'running' : (words[state.active] ?? `not running (${state.active})`);
  const since = state.since === null ? '' : ` since ${state.since}`;
  terminal.out(`The service is ${terminal.paint('out', running ? 'green' : 'red', word)}${since}.`);
  const facts = [
    `${state.active} (${state.sub})`,
    ...(state.pid === null ? [] : [`pid ${state.pid}`]),
    ...(state.memory === null || !running ? [] : [`${Math.round(state.memory / 1e6)} MB`]),
    ...(state.restarts === 0 ? [] : [state.restarts === 1 ? 'restarted once' : `restarted ${state.restarts} times`]),
    state.atBoot === 'enabled' ? 'starts by itself' : `does not start by itself (${state.atBoot})`,
  ];
  terminal.out(`  ${facts.join(' · ')}`);
  if (state.says !== null) terminal.out(`  It says: ${plainLine(state.says)}`);
  if (state.failure !== null) terminal.out(`  It ended badly: ${reason(state)}.`);
  if (state.isOutdated) terminal.out('  Its unit changed since: systemctl daemon-reload, then restart it.');
  if (running) return;
  await printLastLines(terminal, place);
  const next = state.active === 'activating' || state.active === 'deactivating' ? 'service logs -f' : 'service start';
  terminal.out(`→ ${place.command(next)}`);
}

const words: Readonly<Record<string, string>> = {
  activating: 'starting',
  deactivating: 'stopping',
  inactive: 'not running',
  failed: 'not running (failed)',
};

function reason({ failure, exitCode }: UnitState): string {
  if (exitCode === 2) return 'exit code 2, an error in the configuration or the call, so it is not tried again';
  if (failure === 'exit-code') return `exit code ${exitCode ?? 'unknown'}`;
  if (failure === 'watchdog') return 'it hung, and was ended by the watchdog';
  if (failure === 'start-limit-hit')
    return 'it failed too often in a short time, so systemd does not try again by itself';
  if (failure === 'timeout') return 'it did not start, or stop, in time';
  if (failure === 'oom-kill') return 'the kernel had no memory left';
  return failure ?? 'unknown';
}

/** A help, not a duty: without the right to read the journal there are none. */
async function printLastLines(terminal: Terminal, place: ServicePlace): Promise<void> {
  const lines: string[] = [];
  await readJournal({
    ...{ scope: place.scope, environment: terminal.environment, signal: terminal.signal },
    ...{ lines: lastLines, follow: false, onLine: (line) => lines.push(line), onNote: () => undefined },
  }).catch(() => undefined);
  if (lines.length === 0) return;
  terminal.out('  The end of its log:');
  for (const line of lines) terminal.out(`    ${plainLine(line)}`);
}

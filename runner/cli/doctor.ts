import { toOpusError } from '#shared/domain/errors.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { locateConfig } from './configuration.ts';
import type { Check } from './doctor-check.ts';
import { machineChecks } from './doctor-machine.ts';
import { projectChecks } from './doctor-project.ts';
import { plainLine } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';
import type { ReadOptions } from './with-reader.ts';

const marks = { ok: ['✓', 'green'], warning: ['!', 'yellow'], missing: ['✗', 'red'] } as const;

/** What is missing on this machine and in this project, each with the command that mends it. */
export async function doctor(terminal: Terminal, options: ReadOptions): Promise<number> {
  const { config, check, isInvalid } = configuration(terminal, options);
  const checks = [...(await machineChecks(terminal, config)), check];
  if (config !== null) checks.push(...(await projectChecks(terminal, config, options.config)));
  const missing = checks.filter((candidate) => candidate.state === 'missing').length;
  if (options.json === true) printJson(terminal, { ok: missing === 0, checks });
  else print(terminal, checks, missing);
  if (isInvalid) return 2;
  return missing === 0 ? 0 : 1;
}

function configuration(
  terminal: Terminal,
  options: ReadOptions,
): { readonly config: RunnerConfig | null; readonly check: Check; readonly isInvalid: boolean } {
  try {
    const { config } = locateConfig(terminal, options.config);
    return { config, check: { name: 'configuration', state: 'ok', detail: config.file, fix: null }, isInvalid: false };
  } catch (thrown) {
    const error = toOpusError(thrown);
    const problems = error.details['problems'];
    const detail = [error.message, ...(Array.isArray(problems) ? problems.map(problemText) : [])].join('\n');
    const check: Check = { name: 'configuration', state: 'missing', detail, fix: error.hint };
    return { config: null, check, isInvalid: error.code !== 'config.not-found' };
  }
}

function problemText(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null) return String(problem);
  const { line, message, hint } = problem as Readonly<Record<string, unknown>>;
  return `line ${String(line)}: ${String(message)} ${String(hint)}`;
}

function print(terminal: Terminal, checks: readonly Check[], missing: number): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, state, detail, fix } of checks) {
    const [mark, colour] = marks[state];
    const [first = '', ...more] = detail.split('\n');
    terminal.out(`${terminal.paint('out', colour, mark)} ${name.padEnd(width)}  ${plainLine(first, 500)}`);
    const indent = ' '.repeat(width + 4);
    for (const line of more) terminal.out(`${indent}${plainLine(line, 500)}`);
    if (fix !== null) terminal.out(`${indent}${terminal.paint('out', 'cyan', '→')} ${plainLine(fix, 500)}`);
  }
  terminal.out('');
  terminal.out(missing === 0 ? 'Everything is here.' : `${missing} of ${checks.length} need something.`);
}

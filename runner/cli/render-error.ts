import { dispositionOf, toOpusError, type OpusError } from '#shared/domain/errors.ts';
import { inThisInstallation } from './program-name.ts';
import { plainText } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';

/** What was asked for does not fit the job: nothing is there, or nothing is asked, that it could be done to. */
const wrongUse = ['registry.job-not-found', 'registry.no-gate', 'registry.not-retryable', 'registry.not-pausable'];

/** 2 usage or configuration, 3 a person is needed, 1 anything else. */
export function exitCodeOfError(error: OpusError): 1 | 2 | 3 {
  const { code } = error;
  if (code !== 'config.untrusted' && (code.startsWith('config.') || code.startsWith('vault.'))) return 2;
  if (wrongUse.includes(code)) return 2;
  const disposition = dispositionOf(code);
  return disposition === 'needs-human' || disposition === 'hold' ? 3 : 1;
}

/** What a person reads of an error: the sentence, its code, where, and what to do. Never a stack. */
export function errorLines(error: OpusError, terminal: Terminal): string[] {
  const code = terminal.paint('err', 'dim', `(${error.code})`);
  const lines = [`${terminal.paint('err', ['red', 'bold'], 'error')} ${plainText(error.message)} ${code}`];
  for (const problem of problemsOf(error)) lines.push(`  ${plainText(problem)}`);
  if (error.hint !== null) {
    for (const line of plainText(inThisInstallation(error.hint, terminal)).split('\n'))
      lines.push(`  ${terminal.paint('err', 'cyan', '→')} ${line}`);
  }
  return lines;
}

/** Says it on standard error, and as the one document on standard output where JSON was asked for. */
export function printError(thrown: unknown, terminal: Terminal, json: boolean): 1 | 2 | 3 {
  const error = toOpusError(thrown);
  for (const line of errorLines(error, terminal)) terminal.err(line);
  if (json) printJson(terminal, { error: error.summary() });
  return exitCodeOfError(error);
}

/** `details.problems`, as `opus.yml:3: message`; what to write instead follows on its own line. */
function problemsOf(error: OpusError): string[] {
  const { problems, file } = error.details;
  if (!Array.isArray(problems)) return [];
  const lines = problems.flatMap((problem: unknown) => {
    if (typeof problem === 'string') return [problem];
    if (typeof problem !== 'object' || problem === null) return [];
    const field = (name: string): string => {
      const value = (problem as Record<string, unknown>)[name];
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    const path = field('path') || field('file') || (typeof file === 'string' ? file : '');
    const place = [path, field('line')].filter((part) => part !== '').join(':');
    const message = field('message');
    if (message === '') return [];
    const line = place === '' ? message : `${place}: ${message}`;
    return field('hint') === '' ? [line] : [line, `    ${field('hint')}`];
  });
  // One problem alone is the message already.
  return problems.length === 1 && lines[0] !== undefined && error.message.startsWith(lines[0]) ? [] : lines;
}

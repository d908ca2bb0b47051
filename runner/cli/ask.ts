import { createInterface } from 'node:readline/promises';
import { OpusError } from '#shared/domain/errors.ts';
import type { Terminal } from './terminal.ts';

/** Asks on standard error, so that standard output stays a command's own. Only where `terminal.canAsk`. */
export async function ask(terminal: Terminal, question: string, otherwise: string): Promise<string> {
  const shown = otherwise === '' ? '' : ` ${terminal.paint('err', 'dim', `[${otherwise}]`)}`;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  // End of input and Ctrl-C close the interface without an answer.
  lines.once('close', () => {
    gone.abort();
  });
  try {
    const answer = await lines.question(`${question}${shown} `, {
      signal: AbortSignal.any([terminal.signal, gone.signal]),
    });
    return answer.trim() === '' ? otherwise : answer.trim();
  } catch (thrown) {
    throw new OpusError('config.usage', 'Nothing was answered, so nothing was changed.', { cause: thrown });
  } finally {
    lines.close();
  }
}

export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test(await ask(terminal, `${question} ${terminal.paint('err', 'dim', '[y/N]')}`, ''));
}

import { OpusError } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Attempt } from '../core/ports/job-registry.ts';
import { plainText } from './plain-text.ts';
import type { Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

export interface JobLogOptions extends ReadOptions {
  readonly stage?: Stage;
  /** Counts from 1 over the attempts shown. */
  readonly attempt?: number;
}

/** What agents, set-up and tests printed, attempt by attempt. */
export async function jobLog(terminal: Terminal, name: string, options: JobLogOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const job = reader.job(name);
    const files = await reader.logFiles(job.id);
    const ofStage = reader
      .attempts(job.id)
      .filter(({ stage }) => options.stage === undefined || stage === options.stage);
    const wanted = options.attempt === undefined ? ofStage : ofStage.slice(options.attempt - 1, options.attempt);
    let shown = 0;
    for (const attempt of wanted) {
      const own = files.filter((file) => isOf(file.name, attempt.id));
      for (const file of own) {
        shown += 1;
        terminal.out(terminal.paint('out', 'bold', `── ${headingOf(attempt, file.name)}`));
        for await (const line of createInterface({ input: createReadStream(file.path), crlfDelay: Infinity })) {
          if (terminal.signal.aborted) return 1;
          terminal.out(plainText(line));
        }
      }
      if (attempt.error !== null) terminal.out(terminal.paint('out', 'red', plainText(attempt.error.message)));
    }
    if (shown > 0) return 0;
    const what = options.stage === undefined ? job.id : `the ${options.stage} stage of ${job.id}`;
    throw new OpusError('registry.job-not-found', `There is no log of ${what}.`, {
      hint: `${located.command(`job show ${job.id}`)} tells which stages ran.`,
    });
  });
}

/** `ATTEMPT.log`, or `ATTEMPT-test.log` for a command that the runner ran in it. */
function isOf(file: string, attempt: string): boolean {
  return (
    file === `${attempt}.log` ||
    (file.startsWith(`${attempt}-`) && /^[a-z]+\.log$/.test(file.slice(attempt.length + 1)))
  );
}

function headingOf(attempt: Attempt, file: string): string {
  const command = file.slice(attempt.id.length).replace(/^-|\.log$/g, '');
  const parts = [
    attempt.stage,
    attempt.round === 0 ? '' : `round ${attempt.round}`,
    attempt.number === 1 ? '' : `try ${attempt.number}`,
    command === '.log' || command === '' || command === attempt.stage ? '' : command,
    attempt.agent ?? '',
    attempt.status,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

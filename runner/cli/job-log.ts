import { OpusError } from '#shared/domain/errors.ts';
import type { Stage } from '#shared/domain/stage.ts';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Attempt } from '../core/ports/job-registry.ts';
import { plainText } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

export interface JobLogOptions extends ReadOptions {
  readonly stage?: Stage;
  /** Counts from 1 over the attempts shown. */
  readonly attempt?: number;
}

/** One file of what was printed; `text` is the last of it where it is long. */
interface LogDocument {
  readonly stage: Stage;
  readonly round: number;
  readonly attempt: number;
  readonly agent: string | null;
  readonly status: Attempt['status'];
  readonly name: string;
  readonly text: string;
}

const longestText = 1024 * 1024;

/** What agents, set-up and tests printed, attempt by attempt. */
export async function jobLog(terminal: Terminal, name: string, options: JobLogOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const job = reader.job(name);
    const files = await reader.logFiles(job.id);
    const ofStage = reader
      .attempts(job.id)
      .filter(({ stage }) => options.stage === undefined || stage === options.stage);
    const wanted = options.attempt === undefined ? ofStage : ofStage.slice(options.attempt - 1, options.attempt);
    const documents: LogDocument[] = [];
    let shown = 0;
    for (const attempt of wanted) {
      const own = files.filter((file) => isOf(file.name, attempt.id));
      for (const file of own) {
        shown += 1;
        if (options.json === true) {
          documents.push(await documentOf(attempt, file));
          continue;
        }
        terminal.out(terminal.paint('out', 'bold', `── ${headingOf(attempt, file.name)}`));
        for await (const line of createInterface({ input: createReadStream(file.path), crlfDelay: Infinity })) {
          if (terminal.signal.aborted) return 1;
          terminal.out(plainText(line));
        }
      }
      if (attempt.error !== null && options.json !== true)
        terminal.out(terminal.paint('out', 'red', plainText(attempt.error.message)));
    }
    if (shown > 0) {
      if (options.json === true) printJson(terminal, documents);
      return 0;
    }
    const what = options.stage === undefined ? job.id : `the ${options.stage} stage of ${job.id}`;
    throw new OpusError('registry.job-not-found', `There is no log of ${what}.`, {
      hint: `${located.command(`job show ${job.id}`)} tells which stages ran.`,
    });
  });
}

async function documentOf(
  { stage, round, number, agent, status }: Attempt,
  { name, path }: { readonly name: string; readonly path: string },
): Promise<LogDocument> {
  return { stage, round, attempt: number, agent, status, name, text: plainText(await endOf(path)) };
}

/** The last lines of a file, as many as fit. */
async function endOf(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - longestText);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const bytes = buffer.subarray(0, bytesRead);
    // A line that is cut may begin in the middle of a character.
    return bytes.toString('utf8', start === 0 ? 0 : bytes.indexOf(10) + 1);
  } finally {
    await file.close();
  }
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

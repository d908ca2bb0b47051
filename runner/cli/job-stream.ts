import { isAtRest } from '#shared/domain/job-status.ts';
import type { LiveMessage } from '#shared/domain/live-output.ts';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reader } from '../compose-reader.ts';
import { redact } from '../core/redact.ts';
import { readServiceFile } from '../server/service-file.ts';
import { followOutput } from './job-live.ts';
import { createLiveLines } from './live-lines.ts';
import { plainText } from './plain-text.ts';
import type { Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

const lookMs = 250;
const chunkBytes = 65_536;
/** What was printed before is for `job log`; so much of it says where the agent is. */
const tailBytes = 4_096;

interface Position {
  readonly from: number;
  readonly decoder: StringDecoder;
}

/** What agents, set-up and tests do and print, as it happens, until the job rests or Ctrl-C. */
export async function streamJob(terminal: Terminal, name: string, options: ReadOptions): Promise<number> {
  terminal.untilStopped();
  return await withReader(terminal, options, async (reader, located) => {
    const { id } = reader.job(name);
    const { data } = located.config;
    const isTold = !isAtRest(reader.job(id)) && readServiceFile(data) !== null;
    try {
      if (isTold) await showTold(terminal, data, id, options.json === true);
      else await showFiles(terminal, reader, id, options.json === true);
    } catch (thrown) {
      if (!terminal.signal.aborted) throw thrown;
    }
    const job = reader.job(id);
    if (!isAtRest(job)) return 0;
    const waitsFor = job.waitingFor === null ? '' : `, for ${job.waitingFor}`;
    terminal.err(`${id} rests (${job.status}${waitsFor}). Look with: ${located.command(`job show ${id}`)}`);
    return 0;
  });
}

/** By a service that works on the job. */
async function showTold(terminal: Terminal, data: string, id: string, json: boolean): Promise<void> {
  const lines = createLiveLines(terminal);
  for await (const message of followOutput(data, id, { signal: terminal.signal })) {
    if (json) terminal.out(JSON.stringify(message));
    else if (message.type === 'output') lines.show(message.entry);
    else lines.dropped(message.count);
  }
}

/** By the log files, where this machine has no service to ask. */
async function showFiles(terminal: Terminal, reader: Reader, id: string, json: boolean): Promise<void> {
  const seen = new Map<string, Position>();
  const print = json
    ? printedAsJson(terminal, reader, id)
    : (text: string) => {
        terminal.write(text);
      };
  for (let isFirst = true; !terminal.signal.aborted; isFirst = false) {
    const job = reader.job(id);
    for (const file of await reader.logFiles(id)) {
      if (!isFirst && !seen.has(file.path) && !json)
        terminal.err(terminal.paint('err', 'bold', `── ${file.name.replace(/\.log$/, '')}`));
      await printNew(file, seen, isFirst, print);
    }
    if (isAtRest(job)) return;
    await pause(lookMs, undefined, { signal: terminal.signal }).catch(() => undefined);
  }
}

/** Files tell nothing but text, as the messages of a service that has nothing else to tell. */
function printedAsJson(terminal: Terminal, reader: Reader, id: string): (text: string, file: string) => void {
  let number = 0;
  return (text, file) => {
    const attempt = reader.attempts(id).find(({ id: of }) => file.startsWith(`${of}.log`) || file.startsWith(`${of}-`));
    if (attempt === undefined || text === '') return;
    number += 1;
    const message: LiveMessage = {
      type: 'output',
      entry: {
        number,
        at: Date.now(),
        job: id,
        attempt: attempt.id,
        stage: attempt.stage,
        event: { kind: 'text', text: redact(text) },
      },
    };
    terminal.out(JSON.stringify(message));
  };
}

async function printNew(
  { name, path }: Awaited<ReturnType<Reader['logFiles']>>[number],
  seen: Map<string, Position>,
  isFirst: boolean,
  print: (text: string, file: string) => void,
): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const known = seen.get(path);
    let from = known?.from ?? (isFirst ? Math.max(0, size - tailBytes) : 0);
    // A character may be cut by the end of what is there yet.
    const decoder = known?.decoder ?? new StringDecoder('utf8');
    while (from < size) {
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(Math.min(chunkBytes, size - from)),
        position: from,
      });
      if (bytesRead === 0) break;
      from += bytesRead;
      print(plainText(decoder.write(buffer.subarray(0, bytesRead))), name);
    }
    seen.set(path, { from, decoder });
  } finally {
    await file.close();
  }
}

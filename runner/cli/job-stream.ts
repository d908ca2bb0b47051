import { isFinished } from '#shared/domain/job-status.ts';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reader } from '../compose-reader.ts';
import type { Job } from '../core/ports/job-registry.ts';
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

/** What agents, set-up and tests print, as they print it, until the job rests or Ctrl-C. */
export async function streamJob(terminal: Terminal, name: string, options: ReadOptions): Promise<number> {
  terminal.untilStopped();
  return await withReader(terminal, options, async (reader, located) => {
    const { id } = reader.job(name);
    const seen = new Map<string, Position>();
    for (let isFirst = true; !terminal.signal.aborted; isFirst = false) {
      const job = reader.job(id);
      for (const file of await reader.logFiles(id)) await printNew(terminal, file, seen, isFirst);
      if (rests(job)) {
        terminal.err(
          `${id} rests (${job.status}${job.waitingFor === null ? '' : `, for ${job.waitingFor}`}). Look with: ${located.command(`job show ${id}`)}`,
        );
        return 0;
      }
      await pause(lookMs, undefined, { signal: terminal.signal }).catch(() => undefined);
    }
    return 0;
  });
}

function rests({ status, gate, waitingFor }: Job): boolean {
  return isFinished(status) || gate !== null || waitingFor === 'human' || (status === 'paused' && waitingFor === null);
}

async function printNew(
  terminal: Terminal,
  { name, path }: Awaited<ReturnType<Reader['logFiles']>>[number],
  seen: Map<string, Position>,
  isFirst: boolean,
): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const known = seen.get(path);
    if (known === undefined && !isFirst)
      terminal.err(terminal.paint('err', 'bold', `── ${name.replace(/\.log$/, '')}`));
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
      terminal.write(plainText(decoder.write(buffer.subarray(0, bytesRead))));
    }
    seen.set(path, { from, decoder });
  } finally {
    await file.close();
  }
}

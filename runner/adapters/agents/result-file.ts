import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { OpusError } from '#shared/domain/errors.ts';

/** What an agent leaves is hostile: a link, a FIFO, a device or gigabytes where a small file is expected. */
const largest = 4 * 1024 * 1024;

/**
 * The text of a file that an agent wrote; null when there is none. Never follows a link, never blocks, never
 * reads more than 4 MB. Rejects with `agent.unsafe-result`.
 */
export async function readHostileFile(path: string, name: string): Promise<string | null> {
  let handle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP') throw unsafe(name, 'is a symbolic link');
    if (code === 'ENXIO') throw unsafe(name, 'is a socket or a pipe');
    throw unsafe(name, `cannot be opened (${code ?? 'unknown'})`);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unsafe(name, 'is not a plain file');
    if (stat.nlink !== 1) throw unsafe(name, 'is a hard link');
    if (stat.size > largest)
      throw unsafe(
        name,
        `is ${Math.round(stat.size / 1_048_576)} MB large, more than the ${largest / 1_048_576} MB that are read`,
      );
    const buffer = Buffer.alloc(Math.min(stat.size + 1, largest));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
    } catch {
      throw unsafe(name, 'is not UTF-8 text');
    }
  } finally {
    await handle.close();
  }
}

function unsafe(name: string, what: string): OpusError {
  return new OpusError('agent.unsafe-result', `The ${name} ${what}; it was not read.`, {
    hint: 'The agent must write a plain JSON file to OPUS_RESULT_FILE.',
  });
}

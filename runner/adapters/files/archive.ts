import { createReadStream } from 'node:fs';
import { constants, copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip, gzip } from 'node:zlib';
import type { ArchiveRecord, JobArchive } from '../../core/ports/job-archive.ts';

const compress = promisify(gzip);
const longestKey = 1_000;

/**
 * `<data>/archive/YYYY-MM.jsonl.gz`: a line a record, a gzip member an addition. A month's file is copied, added to and
 * renamed into place, so that a kill leaves the file from before and never half a member, behind which nothing could be read.
 */
export function createArchive(dataFolder: string): JobArchive {
  const folder = join(dataFolder, 'archive');
  let last: Promise<unknown> = Promise.resolve();

  async function addNow(records: readonly ArchiveRecord[]): Promise<string[]> {
    const putAside: string[] = [];
    for (const [month, ofMonth] of byMonth(records)) {
      const file = join(folder, `${month}.jsonl.gz`);
      const known = await readKeys(file);
      if (known === null) {
        const aside = join(folder, `${month}.damaged-${Date.now()}.jsonl.gz`);
        await rename(file, aside);
        putAside.push(aside);
      }
      const keys = known ?? new Set();
      const fresh = ofMonth.filter(
        ({ key }, index) => !keys.has(key) && ofMonth.findIndex((other) => other.key === key) === index,
      );
      if (fresh.length > 0) await append(folder, file, fresh.map(lineOf).join(''));
    }
    return putAside;
  }

  return {
    add(records) {
      const mine = last.then(() => addNow(records));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

function byMonth(records: readonly ArchiveRecord[]): Map<string, ArchiveRecord[]> {
  const months = new Map<string, ArchiveRecord[]>();
  for (const record of records) {
    const month = new Date(record.at).toISOString().slice(0, 7);
    months.set(month, [...(months.get(month) ?? []), record]);
  }
  return months;
}

/** The key comes first, so that it can be read without the rest. */
function lineOf({ key, content }: ArchiveRecord): string {
  return `${JSON.stringify({ key, ...content })}\n`;
}

async function append(folder: string, file: string, lines: string): Promise<void> {
  const next = `${file}.new`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(next, { force: true });
  try {
    if (await isFile(file)) await copyFile(file, next, constants.COPYFILE_FICLONE);
    const handle = await open(next, 'a', 0o600);
    try {
      await handle.appendFile(await compress(lines));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
  } finally {
    await rm(next, { force: true });
  }
  await syncFolder(folder);
}

/** Null when the file cannot be read to its end. */
async function readKeys(file: string): Promise<Set<string> | null> {
  const keys = new Set<string>();
  if (!(await isFile(file))) return keys;
  const take = async (text: AsyncIterable<Buffer>): Promise<void> => {
    let start = '';
    for await (const chunk of text) {
      const lines = `${start}${chunk.toString('latin1')}`.split('\n');
      start = lines.pop() ?? '';
      for (const line of lines) {
        const key = /^\{"key":"([^"\\]*)"/.exec(line)?.[1];
        if (key !== undefined) keys.add(key);
      }
      // Of a long line only its beginning matters.
      start = start.slice(0, longestKey);
    }
  };
  try {
    await pipeline(createReadStream(file), createGunzip(), take);
    return keys;
  } catch (thrown) {
    if (isDamage(thrown)) return null;
    throw thrown;
  }
}

/** What cannot be opened now, for want of permission say, is not damaged. */
function isDamage(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return code.startsWith('Z_');
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true && found.size > 0;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { isUtf8 } from 'node:buffer';
import { closeSync, constants, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import type { NoteProblem } from '#shared/domain/feature-request.ts';
import { hasCode } from './atomic-write.ts';

/** A file as text, with what is wrong with its bytes; null when it is gone. */
export interface NoteText {
  readonly text: string;
  readonly problem: NoteProblem | null;
}

/** Of a note that is too large, this much is read, so that its id and status are still known. */
const headBytes = 64 * 1024;
/** Never waits on a named pipe that has taken the place of a note. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Synchronous, because ten thousand small files take a tenth of the processor time this way. */
export function readNoteText(path: string, stats: Stats, maxBytes: number): NoteText | null {
  try {
    if (!stats.isFile()) return notAFile(stats.isSymbolicLink() ? 'It is a symbolic link.' : 'It is not a file.');
    if (stats.size > maxBytes) {
      const text = readHead(path).toString('utf8');
      return { text, problem: tooLarge(stats.size, maxBytes) };
    }
    return decodeNote(readFileSync(path, { flag: readFlags }));
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return null;
    return notAFile(error instanceof Error ? error.message : String(error));
  }
}

/** The bytes as text, byte order mark included; what is not UTF-8 is replaced and reported. */
export function decodeNote(bytes: Buffer): NoteText {
  return { text: bytes.toString('utf8'), problem: isUtf8(bytes) ? null : notUtf8(bytes) };
}

function readHead(path: string): Buffer {
  const file = openSync(path, readFlags);
  try {
    const head = Buffer.alloc(headBytes);
    return head.subarray(0, readSync(file, head, 0, headBytes, 0));
  } finally {
    closeSync(file);
  }
}

function notUtf8(bytes: Buffer): NoteProblem {
  let line = 1;
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1 && isUtf8(bytes.subarray(start, end)); end = bytes.indexOf(10, start)) {
    line += 1;
    start = end + 1;
  }
  return {
    code: 'note.not-utf8',
    message: 'The note is not UTF-8 text.',
    hint: 'Save the file as UTF-8.',
    line,
    severity: 'error',
  };
}

export function tooLarge(size: number, maxBytes: number): NoteProblem {
  const megabytes = (bytes: number): string => `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`;
  return {
    code: 'note.too-large',
    message: `The note has ${megabytes(size)}; at most ${megabytes(maxBytes)} are read.`,
    hint: 'Move logs and attachments into files of their own and link them.',
    line: 1,
    severity: 'error',
  };
}

function notAFile(reason: string): NoteText {
  return {
    text: '',
    problem: {
      code: 'note.unreadable',
      message: `The note cannot be read: ${reason}`,
      hint: 'Make it a plain file that the runner may read.',
      line: 1,
      severity: 'error',
    },
  };
}

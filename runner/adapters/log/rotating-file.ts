import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface RotatingFile {
  /**
   * Appends a whole line, which is in the file when this returns. Never throws: what cannot be written is counted, and
   * the file says how much was lost as soon as it can be written again.
   */
  write(line: string): void;
  close(): void;
}

export interface RotatingFileOptions {
  readonly folder: string;
  /** `runner` stands for runner.log, and runner.1.log, runner.2.log, … from the newest to the oldest. */
  readonly name: string;
  /** In bytes. A longer line still is written whole. */
  readonly size: number;
  /** Files kept beside the current one. */
  readonly keep: number;
  /** The line that stands for those that were lost. */
  readonly lostLine: (lost: number, reason: string) => string;
}

/** One process at a time may write. */
export function openRotatingFile(options: RotatingFileOptions): RotatingFile {
  const { folder, name, size: limit, keep } = options;
  const current = join(folder, `${name}.log`);
  let descriptor: number | null = null;
  let isClosed = false;
  let lost = 0;
  let reason = '';

  const numbered = (number: number): string => join(folder, `${name}.${number}.log`);

  function open(): number {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const opened = openSync(current, 'a+', 0o600);
    descriptor = opened;
    // A process killed, or a disk full, in the middle of a line must not spoil the next one.
    if (!endsWithLine(opened)) writeSync(opened, '\n');
    return opened;
  }

  function shut(): void {
    if (descriptor === null) return;
    const open = descriptor;
    descriptor = null;
    closeSync(open);
  }

  /** A kill between two of the renames leaves a number free, which the next rotation fills: nothing is overwritten but the oldest. */
  function rotate(): void {
    const found = numbersIn(folder, name);
    for (const number of found) if (number > keep) rmSync(numbered(number), { force: true });
    let free = 1;
    while (found.has(free) && free < keep) free += 1;
    for (let number = free; number > 1; number -= 1) renameSync(numbered(number - 1), numbered(number));
    renameSync(current, numbered(1));
  }

  function append(line: string): void {
    let target = descriptor ?? open();
    const { size, nlink } = fstatSync(target);
    const isFull = size > 0 && size + Buffer.byteLength(line) > limit;
    if (isFull || nlink === 0) {
      // Where the files cannot be renamed, the current one just grows on.
      if (isFull && nlink > 0) attempt(rotate);
      shut();
      target = open();
    }
    writeWhole(target, line);
  }

  function write(line: string): void {
    if (isClosed) return;
    try {
      if (lost > 0) append(options.lostLine(lost, reason));
      lost = 0;
      append(line);
    } catch (thrown) {
      lost += 1;
      reason = (thrown as NodeJS.ErrnoException).code ?? String(thrown);
      // Opened anew for the next line: the folder may be another one by then.
      attempt(shut);
    }
  }

  return {
    write,
    close() {
      if (isClosed) return;
      if (lost > 0) {
        attempt(() => {
          append(options.lostLine(lost, reason));
        });
      }
      isClosed = true;
      attempt(shut);
    },
  };
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Logging goes on as well as it can.
  }
}

function numbersIn(folder: string, name: string): Set<number> {
  const numbers = new Set<number>();
  for (const file of readdirSync(folder)) {
    if (!file.startsWith(`${name}.`)) continue;
    const number = /^([1-9]\d{0,8})\.log$/.exec(file.slice(name.length + 1))?.[1];
    if (number !== undefined) numbers.add(Number(number));
  }
  return numbers;
}

function endsWithLine(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  if (!stat.isFile() || stat.size === 0) return true;
  const last = Buffer.alloc(1);
  return readSync(descriptor, last, 0, 1, stat.size - 1) === 0 || last[0] === 10;
}

/** All of the line or none of it. */
function writeWhole(descriptor: number, line: string): void {
  const bytes = Buffer.from(line);
  const { size } = fstatSync(descriptor);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
  } catch (thrown) {
    attempt(() => {
      ftruncateSync(descriptor, size);
    });
    throw thrown;
  }
}

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { AgentEvent } from '#shared/domain/agent-event.ts';

const longestTail = 16_000;
const longestLine = 300;
// eslint-disable-next-line no-control-regex -- control characters are what is removed
const unreadable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export interface ReadableLog {
  write(text: string): void;
  /** The last of it, for a person. */
  tail(): string;
  close(): void;
}

/** What an agent did as a person reads it: in the log file up to `bytes`, handed on as it comes, and its end kept. */
export function openReadableLog(options: {
  readonly path: string;
  readonly bytes: number;
  readonly onOutput: ((text: string) => void) | undefined;
}): ReadableLog {
  mkdirSync(dirname(options.path), { recursive: true });
  const file = openSync(options.path, 'a', 0o600);
  let left = options.bytes;
  let tail = '';
  return {
    write(text) {
      const line = `${plain(text)}\n`;
      tail = (tail + line).slice(-longestTail);
      const bytes = Buffer.from(line);
      left -= bytes.length;
      if (left >= 0) append(file, bytes);
      else if (left + bytes.length >= 0) append(file, Buffer.from('[… the rest of the output was left out …]\n'));
      options.onOutput?.(line);
    },
    tail: () => tail,
    close: () => {
      closeSync(file);
    },
  };
}

function append(file: number, bytes: Buffer): void {
  try {
    writeSync(file, bytes);
  } catch {
    // A full disk must not end the run.
  }
}

/** Null for what is no news to a person who follows along. */
export function lineOf(event: AgentEvent): string | null {
  switch (event.kind) {
    case 'text':
      return event.text.trim() === '' ? null : event.text.trim();
    case 'tool-call':
      return `→ ${event.name} ${oneLine(event.input)}`;
    case 'tool-result':
      return `← ${event.ok ? '' : 'failed: '}${oneLine(event.output)}`;
    case 'file-change':
      return `± ${event.path} ${event.change}`;
    case 'permission':
      return event.granted ? null : `! ${event.name} was not allowed`;
    case 'rate-limit':
      return `! ${oneLine(event.message)}`;
    case 'question':
      return `? ${event.question}`;
    case 'session':
    case 'usage':
    case 'done':
      return null;
  }
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}

function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(unreadable, '');
}

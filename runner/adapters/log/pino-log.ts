import { pino } from 'pino';
import type { LogLevel } from '../../core/configuration.ts';
import type { Log } from '../../core/ports/log.ts';
import { redact } from '../../core/redact.ts';
import { jsonConsole, prettyConsole, type LogConsole } from './log-console.ts';
import { openRotatingFile } from './rotating-file.ts';

export interface FileLog extends Log {
  setLevel(level: LogLevel): void;
  /** Lines that come later are dropped. May be called twice. */
  close(): void;
}

export interface LogOptions {
  /** Where `runner.log` and its predecessors are: `<data>/logs`. */
  readonly folder: string;
  readonly level: LogLevel;
  /** Bytes after which the file begins anew. */
  readonly size: number;
  /** Predecessors kept beside the current file. */
  readonly keep: number;
  /** What is written to the stream as well: JSON where something else reads it, pretty where a person does. */
  readonly console: 'none' | 'pretty' | 'json';
  /** Standard error, where not given. */
  readonly stream?: NodeJS.WritableStream;
}

/**
 * The runner's own log, as JSON lines. Nothing it does throws: a log that cannot be written drops lines and says how
 * many once it can be written again. Each line is in the file when the call returns.
 */
export function openLog(options: LogOptions): FileLog {
  const { folder, size, keep } = options;
  const file = openRotatingFile({ folder, name: 'runner', size, keep, lostLine });
  const console = consoleOf(options);
  const logger = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: redact },
    },
    {
      write: (line) => {
        file.write(line);
        console?.write(line);
      },
    },
  );
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      try {
        logger[level](fields, message);
      } catch (thrown) {
        // A field that cannot be told, such as one whose toJSON throws.
        logger[level]({ unloggable: String(thrown) }, message);
      }
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    setLevel: (level) => {
      logger.level = level;
    },
    close: () => {
      file.close();
      console?.close();
    },
  };
}

function consoleOf({ console, stream = process.stderr }: LogOptions): LogConsole | null {
  switch (console) {
    case 'none':
      return null;
    case 'json':
      return jsonConsole(stream);
    case 'pretty':
      return prettyConsole(stream);
  }
}

function lostLine(lost: number, reason: string): string {
  const msg = `${lost === 1 ? 'A line' : `${lost} lines`} of this log could not be written (${reason}).`;
  return `${JSON.stringify({ level: 40, time: new Date().toISOString(), pid: process.pid, lost, msg })}\n`;
}

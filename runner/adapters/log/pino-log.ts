import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Log } from '../../core/ports/log.ts';

/** What looks like a credential never reaches a log, wherever in a text it stands. */
const secrets = [
  /\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /(?<=:\/\/[^\s/:@]{1,200}:)[^\s/@]{1,200}(?=@)/g,
];

export function redact(text: string): string {
  return secrets.reduce((redacted, pattern) => redacted.replace(pattern, '[redacted]'), text);
}

export interface FileLog extends Log {
  close(): void;
}

/** The runner's own log, as JSON lines in `<data>/logs/runner.log`. */
export function openFileLog(dataFolder: string, level: string): FileLog {
  const folder = join(dataFolder, 'logs');
  mkdirSync(folder, { recursive: true });
  const destination = pino.destination({ dest: join(folder, 'runner.log'), sync: true });
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: redact },
    },
    destination,
  );
  return {
    debug: (fields, message) => {
      logger.debug(fields, message);
    },
    info: (fields, message) => {
      logger.info(fields, message);
    },
    warn: (fields, message) => {
      logger.warn(fields, message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
    },
    close: () => {
      destination.flushSync();
      destination.end();
    },
  };
}

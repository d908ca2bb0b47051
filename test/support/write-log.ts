import { openLog } from '../../runner/adapters/log/pino-log.ts';

/** Logs numbered lines for as long as it lives, and says each number once it is in the file. */
const [folder = '', first = '', size = ''] = process.argv.slice(2);
const log = openLog({ folder, level: 'info', size: Number(size), keep: 100_000, console: 'none' });
const next = (number: number): void => {
  log.info({ number }, 'A line.');
  process.stdout.write(`${number}\n`);
  setImmediate(next, number + 1);
};
next(Number(first));

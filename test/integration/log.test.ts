import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pruneLogs } from '../../runner/adapters/files/log-retention.ts';
import { openLog, type FileLog, type LogOptions } from '../../runner/adapters/log/pino-log.ts';
import { startScript } from '../support/child-process.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly number?: number;
  readonly lost?: number;
}

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'log-'));
  folder = join(root, 'logs');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const opened = (options: Partial<LogOptions> = {}): FileLog =>
  openLog({ folder, level: 'info', size: 1_000_000, keep: 3, console: 'none', ...options });
const file = (name = 'runner.log'): string => join(folder, name);
const linesOf = (name?: string): Line[] =>
  readFileSync(file(name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

/** runner.log last, its oldest predecessor first. */
function filesInOrder(): string[] {
  const number = (name: string): number => Number(/\.(\d+)\.log$/.exec(name)?.[1] ?? 0);
  return readdirSync(folder).sort((left, right) => number(right) - number(left));
}

function numbers(): number[] {
  return filesInOrder().flatMap((name) => linesOf(name).flatMap(({ number }) => number ?? []));
}

function memoryStream(): { readonly stream: Writable; readonly text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

describe("the runner's log", () => {
  it('is JSON lines that name the job and the stage, without secrets', () => {
    const log = opened();
    log.warn(
      { job: 'FR-1-1', stage: 'code', url: 'https://me:hunter2hunter2@example.com/x' },
      'It uses ghp_abcdefghijklmnopqrstuv.',
    );
    log.close();
    expect(linesOf()).toMatchObject([
      {
        level: 40,
        pid: process.pid,
        job: 'FR-1-1',
        stage: 'code',
        url: 'https://me:[redacted]@example.com/x',
        msg: 'It uses [redacted].',
      },
    ]);
  });

  it('changes its level while it is open', () => {
    const log = opened();
    log.debug({}, 'unseen');
    log.setLevel('debug');
    log.debug({}, 'seen');
    log.setLevel('error');
    log.warn({}, 'unseen again');
    log.close();
    expect(linesOf().map(({ msg }) => msg)).toEqual(['seen']);
  });

  it('begins anew when the file is full and keeps so many predecessors', () => {
    const log = opened({ size: 300, keep: 2 });
    for (let number = 0; number < 20; number += 1) log.info({ number }, 'A line.');
    log.close();
    expect(filesInOrder()).toEqual(['runner.2.log', 'runner.1.log', 'runner.log']);
    const kept = numbers();
    expect(kept.at(-1)).toBe(19);
    expect(kept).toEqual(Array.from(kept, (_, index) => 20 - kept.length + index));
    for (const name of filesInOrder()) expect(readFileSync(file(name)).length).toBeLessThanOrEqual(300);
  });

  it('removes what a higher number allowed before', () => {
    mkdirSync(folder);
    for (const number of [1, 2, 3, 4]) writeFileSync(file(`runner.${number}.log`), `{"number":${-number}}\n`);
    const log = opened({ size: 100, keep: 2 });
    for (const number of [0, 1]) log.info({ number }, 'A line that is long enough for a file of its own.');
    log.close();
    expect(numbers()).toEqual([-1, 0, 1]);
  });

  it.each([1, 2, 3, 4])('fills the number %i that a killed rotation left free and loses nothing', (free) => {
    mkdirSync(folder);
    const before = [5, 4, 3, 2, 1].filter((number) => number !== free);
    for (const number of before) writeFileSync(file(`runner.${number}.log`), `{"number":${-number}}\n`);
    const log = opened({ size: 100, keep: 5 });
    for (const number of [0, 1]) log.info({ number }, 'A line that is long enough for a file of its own.');
    log.close();
    expect(numbers()).toEqual([...before.map((number) => -number), 0, 1]);
  });

  it('has every line that was logged when it is killed again and again, also between two renames', async () => {
    mkdirSync(folder);
    // So many predecessors that a rotation takes long enough to be seen from outside.
    for (let number = 1; number <= 600; number += 1) writeFileSync(file(`runner.${number}.log`), '');
    const predecessors = (): string[] => filesInOrder().filter((name) => name !== 'runner.log');
    const said: number[] = [];
    let cutShort = 0;
    for (let round = 0; round < 20 && cutShort < 3; round += 1) {
      const first = (said.at(-1) ?? 0) + 1_000;
      // Every line fills a file.
      const script = startScript('write-log.ts', folder, String(first), '100');
      await script.line((line) => Number(line) > first);
      const next = file(`runner.${Number(/\d+/.exec(predecessors()[0] ?? '')?.[0]) + 1}.log`);
      await vi.waitUntil(() => existsSync(next), { interval: 0 });
      await script.kill();
      said.push(...script.lines.filter((line) => /^\d+$/.test(line)).map(Number));
      if (predecessors()[0] !== `runner.${predecessors().length}.log`) cutShort += 1;
    }
    expect(cutShort).toBe(3);
    const written = numbers();
    expect(written).toEqual([...new Set(written)].sort((left, right) => left - right));
    const missing = said.filter((number) => !written.includes(number));
    expect(missing).toEqual([]);
  });

  it('puts the next line on a line of its own after one that was cut short', () => {
    mkdirSync(folder);
    writeFileSync(file(), '{"level":30,"msg":"cut sho');
    const log = opened();
    log.info({}, 'whole');
    log.close();
    expect(readFileSync(file(), 'utf8').split('\n')[1]).toContain('"msg":"whole"');
  });

  it('drops lines on a full disk without throwing, and says how many once it can write again', () => {
    mkdirSync(folder);
    symlinkSync('/dev/full', file());
    const log = opened();
    for (const number of [0, 1, 2]) log.info({ number }, 'A line.');
    rmSync(file());
    log.info({ number: 3 }, 'A line.');
    log.info({ number: 4 }, 'A line.');
    log.close();
    expect(linesOf()).toMatchObject([
      { level: 40, lost: 3, msg: '3 lines of this log could not be written (ENOSPC).' },
      { number: 3 },
      { number: 4 },
    ]);
  });

  it('waits for its folder where that cannot be made yet', () => {
    writeFileSync(folder, 'in the way');
    const log = opened();
    log.info({}, 'lost');
    rmSync(folder);
    log.info({}, 'kept');
    log.close();
    expect(linesOf()).toMatchObject([{ lost: 1 }, { msg: 'kept' }]);
  });

  it('grows on where the predecessors cannot be renamed', () => {
    mkdirSync(file('runner.1.log'), { recursive: true });
    const log = opened({ size: 100, keep: 1 });
    for (const number of [0, 1, 2]) log.info({ number }, 'A line that is long enough for a file of its own.');
    log.close();
    expect(linesOf().map(({ number }) => number)).toEqual([0, 1, 2]);
  });

  it('begins a new file when somebody removed the open one', () => {
    const log = opened();
    log.info({}, 'before');
    rmSync(file());
    log.info({}, 'after');
    log.close();
    expect(linesOf()).toMatchObject([{ msg: 'after' }]);
  });

  it('keeps the message when a field cannot be told', () => {
    const log = opened();
    const field = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    log.info({ field }, 'still here');
    log.close();
    expect(linesOf()).toMatchObject([{ msg: 'still here' }]);
  });
});

describe('the console beside the file', () => {
  it('has the same JSON lines for journald', () => {
    const { stream, text } = memoryStream();
    const log = opened({ console: 'json', stream });
    log.info({ job: 'FR-1-1' }, 'It uses ghp_abcdefghijklmnopqrstuv.');
    log.close();
    expect(text()).toBe(readFileSync(file(), 'utf8'));
    expect(text()).toContain('[redacted]');
  });

  it('is one readable line for a person, without colours or control characters of others', async () => {
    const { stream, text } = memoryStream();
    const log = opened({ console: 'pretty', stream });
    log.info({ job: 'FR-1-1', stage: 'code' }, 'It says \u001b]0;title\u0007hello.');
    await vi.waitFor(() => {
      expect(text()).not.toBe('');
    });
    log.warn({ free: 5 }, 'Little is free.');
    log.close();
    expect(text().split('\n')).toEqual([
      expect.stringMatching(/^\[\d\d:\d\d:\d\d\] INFO: FR-1-1 {2}It says \]0;titlehello\.$/),
      expect.stringMatching(/^\[\d\d:\d\d:\d\d\] WARN: Little is free\.$/),
      '',
    ]);
  });

  it('has colours at a terminal, unless NO_COLOR forbids them', async () => {
    const said = async (noColour: string): Promise<string> => {
      vi.stubEnv('NO_COLOR', noColour);
      const { stream, text } = memoryStream();
      const log = opened({ console: 'pretty', stream: Object.assign(stream, { isTTY: true }) });
      log.info({}, 'Hello.');
      await vi.waitFor(() => {
        expect(text()).not.toBe('');
      });
      log.close();
      return text();
    };
    expect(await said('')).toContain('\u001b[32mINFO');
    expect(await said('1')).not.toContain('\u001b');
  });

  it('says what it has when it is closed at once', () => {
    const { stream, text } = memoryStream();
    const log = opened({ console: 'pretty', stream });
    log.error({}, 'The end.');
    log.close();
    expect(text()).toContain('The end.');
  });

  it('may break while the file goes on', async () => {
    const broken = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error('EPIPE'));
      },
    });
    const log = opened({ console: 'json', stream: broken });
    log.info({}, 'one');
    await vi.waitFor(() => {
      expect(broken.destroyed).toBe(true);
    });
    log.info({}, 'two');
    log.close();
    expect(linesOf().map(({ msg }) => msg)).toEqual(['one', 'two']);
  });
});

describe('the logs of jobs', () => {
  const old = new Date('2020-01-01T00:00:00Z');
  const olderThan = Date.parse('2025-01-01T00:00:00Z');
  const age = (...paths: string[]): void => {
    for (const path of paths) utimesSync(path, old, old);
  };

  it('go when the job is no longer known and nothing was written for long', async () => {
    for (const job of ['FR-1-1', 'FR-2-1', 'FR-3-1', 'FR-4-1']) {
      mkdirSync(join(folder, job, 'code'), { recursive: true });
      writeFileSync(join(folder, job, 'code', '1.log'), 'said');
      age(join(folder, job, 'code', '1.log'), join(folder, job, 'code'), join(folder, job));
    }
    writeFileSync(file(), '');
    age(file());
    // Appending to a file changes none of the folders that it is in.
    appendFileSync(join(folder, 'FR-3-1', 'code', '1.log'), ' again');
    age(join(folder, 'FR-3-1', 'code'), join(folder, 'FR-3-1'));
    const removed = await pruneLogs(root, { keepJobs: new Set(['FR-2-1']), olderThan });
    expect(removed.sort()).toEqual(['FR-1-1', 'FR-4-1']);
    expect(readdirSync(folder).sort()).toEqual(['FR-2-1', 'FR-3-1', 'runner.log']);
  });

  it('may be missing altogether', async () => {
    expect(await pruneLogs(root, { keepJobs: new Set(), olderThan })).toEqual([]);
  });
});

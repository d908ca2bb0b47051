import { describe, expect, it } from 'vitest';
import { stepTail } from '../../runner/adapters/forge-github/step-log.ts';

const at = (clock: string): number => Date.parse(`2026-01-05T${clock}Z`);
const line = (clock: string, text: string): string => `2026-01-05T${clock}.1234567Z ${text}\n`;

async function* chunks(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size)
    yield await Promise.resolve(bytes.subarray(start, start + size));
}

const job = [
  `\uFEFF${line('10:00:00', 'Current runner version: 2.3')}`,
  line('10:00:01', '##[group]Run npm ci'),
  line('10:00:02', 'added 3 packages'),
  line('10:00:02', '##[group]Run npm test'),
  line('10:00:02', 'npm test'),
  line('10:00:03', '##[endgroup]'),
  line('10:00:04', '\u001b[31mnot ok\u001b[0m 1 – größer'),
  '  at a line without a time\n',
  line('10:00:05', '##[error]Process completed with exit code 1.'),
  line('10:00:05', 'Post job cleanup.'),
  line('10:00:06', 'Cleaning up orphan processes'),
].join('');

describe('the end of a step in the log of a job', () => {
  it('is what the step wrote, without times and colours, whatever the pieces it comes in', async () => {
    const times = { startedAt: at('10:00:02'), completedAt: at('10:00:05') };
    const wanted = [
      '##[group]Run npm test',
      'npm test',
      '##[endgroup]',
      'not ok 1 – größer',
      '  at a line without a time',
      '##[error]Process completed with exit code 1.',
    ].join('\n');
    for (const size of [1, 7, 10_000]) expect(await stepTail(chunks(job, size), times)).toBe(wanted);
  });

  it('is the end of the log where the times of the step are not known or fit nothing', async () => {
    expect(await stepTail(chunks(job), null)).toMatch(
      /exit code 1\.\nPost job cleanup\.\nCleaning up orphan processes$/,
    );
    const later = { startedAt: at('10:30:00'), completedAt: at('10:31:00') };
    expect(await stepTail(chunks(job), later)).toContain('Current runner');
  });

  it('has at most 200 lines', async () => {
    const many = Array.from({ length: 500 }, (_, index) => line('10:00:02', `line ${index}`)).join('');
    const tail = await stepTail(chunks(many, 4096), { startedAt: at('10:00:02'), completedAt: at('10:00:03') });
    expect(tail.split('\n')).toHaveLength(200);
    expect(tail).toMatch(/^line 300\n.*line 499$/s);
  });

  it('has at most 16 kB, cut between characters', async () => {
    const wide = Array.from({ length: 150 }, () => line('10:00:02', 'ü'.repeat(151))).join('');
    const tail = await stepTail(chunks(wide, 4096), { startedAt: at('10:00:02'), completedAt: at('10:00:03') });
    expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(16 * 1024);
    expect(Buffer.byteLength(tail)).toBeGreaterThan(16 * 1024 - 4);
    expect(tail).not.toContain('\uFFFD');
  });

  it('stops reading when the step is over', async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<string> {
      yield await Promise.resolve(job);
      for (;;) {
        read += 1;
        yield line('10:00:09', 'more');
      }
    }
    expect(await stepTail(endless(), { startedAt: at('10:00:02'), completedAt: at('10:00:05') })).toContain('not ok');
    expect(read).toBe(0);
  });

  it('takes a bounded part of a line that never ends', async () => {
    async function* one(): AsyncGenerator<string> {
      for (let piece = 0; piece < 500; piece += 1) yield await Promise.resolve('x'.repeat(100_000));
    }
    const before = process.memoryUsage().heapUsed;
    expect((await stepTail(one(), null)).length).toBeLessThanOrEqual(16 * 1024);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40e6);
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { ProgressLine } from '../../runner/engine/stage-context.ts';
import { makeKillLab } from '../support/kill-lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'stop-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const quiet = new AbortController().signal;

describe('a job stopped in the middle', () => {
  it('keeps what was finished and goes on in the same process and in the next', async () => {
    const lab = makeKillLab(join(folder, 'a'));
    const stop = new AbortController();
    const onProgress = (line: ProgressLine): void => {
      if (line.stage === 'test' && line.kind === 'started') stop.abort();
    };
    const first = await composeRunner(loadConfig(lab.config), { progress: onProgress });
    await first.start();
    const job = await first.application.dispatch('KL-7', { again: false });
    const stopped = await first.application.work(job.id, { approve: null, signal: stop.signal });
    expect(stopped.status).toBe('running');
    expect(first.application.document(job.id).stages.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'plan passed',
      'code passed',
      'test canceled',
    ]);
    await first.stop();

    const second = await composeRunner(loadConfig(lab.config));
    await second.start();
    const waiting = await second.application.work(job.id, { approve: null, signal: quiet });
    expect(waiting).toMatchObject({ status: 'waiting', waitingFor: 'approval' });
    await second.application.retry(job.id, { from: 'deliver', rounds: null, comment: '' });
    const again = await second.application.work(job.id, { approve: { person: 'me', channel: 'cli' }, signal: quiet });
    expect(again.status).toBe('succeeded');
    const stages = second.application.attempts(job.id).map(({ stage, round, status }) => `${stage}.${round} ${status}`);
    expect(stages).toEqual([
      'plan.0 passed',
      'code.0 passed',
      'test.0 canceled',
      'test.0 passed',
      'review.0 rejected',
      'code.1 passed',
      'test.1 passed',
      'review.1 passed',
      'deliver.1 passed',
      'deliver.1 passed',
      'merge.1 passed',
    ]);
    await second.stop();
    expect(readFileSync(lab.note, 'utf8')).toMatch(/^status: done$/m);
  });

  it('asks a person when the workflow itself breaks, and a retry goes on', async () => {
    const lab = makeKillLab(join(folder, 'b'));
    const runner = await composeRunner(loadConfig(lab.config), {
      progress: (line) => {
        if (line.kind === 'started' && line.stage === 'code' && line.text !== 'retried') throw new Error('a defect');
      },
    });
    await runner.start();
    const job = await runner.application.dispatch('KL-7', { again: false });
    const broken = await runner.application.work(job.id, { approve: null, signal: quiet });
    expect(broken).toMatchObject({ status: 'waiting', waitingFor: 'human', error: { code: 'internal.unexpected' } });
    await runner.stop();
    const mended = await composeRunner(loadConfig(lab.config));
    await mended.start();
    await mended.application.retry(job.id, { from: null, rounds: null, comment: '' });
    const done = await mended.application.work(job.id, { approve: null, signal: quiet });
    expect(done).toMatchObject({ status: 'waiting', waitingFor: 'approval', error: null });
    await mended.stop();
  });
});

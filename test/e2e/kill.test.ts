import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { JobDocument } from '#shared/domain/job.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { makeKillLab, userLines, type KillLab } from '../support/kill-lab.ts';

/** `OPUS_KILLS=500 npm test -- test/e2e/kill.test.ts` for longer; `OPUS_KILL_SEED` repeats a run. */
const kills = Number(process.env['OPUS_KILLS'] ?? 50);
const seed = Number(process.env['OPUS_KILL_SEED'] ?? Date.now() % 1_000_000);
const killsAJob = 5;
const jobs = Math.ceil(kills / killsAJob);
const child = join(import.meta.dirname, '../support/run-job.ts');
const folder = mkdtempSync(join(tmpdir(), 'kill-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs the job in a child; kills it without warning after `killAfterMs`, null lets it end. */
async function runOnce(lab: KillLab, killAfterMs: number | null): Promise<{ killed: boolean; output: string }> {
  const runner = spawn(process.execPath, [child, lab.config, 'KL-7'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  runner.stdout.on('data', (data: Buffer) => output.push(data));
  runner.stderr.on('data', (data: Buffer) => output.push(data));
  const closed = once(runner, 'close');
  if (killAfterMs !== null) {
    await Promise.race([closed, sleep(killAfterMs)]);
    runner.kill('SIGKILL');
  }
  await closed;
  return { killed: runner.signalCode === 'SIGKILL', output: Buffer.concat(output).toString() };
}

function expectSoundNote(lab: KillLab): void {
  const lines = readFileSync(lab.note, 'utf8').split('\n');
  for (const line of userLines) expect(lines).toContain(line);
  expect(lines.filter((line) => line === '---')).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith('status: '))).toHaveLength(1);
}

function openLabRegistry(lab: KillLab): JobRegistry {
  return openRegistry({ file: join(lab.folder, 'data', 'registry.db'), clock: { now: () => 0 } });
}

/** Stage and round of each finished attempt, and whether one was begun again after it had finished. */
function stageStory(lab: KillLab): { finished: string[]; repeated: string[] } {
  const registry = openLabRegistry(lab);
  const finished: string[] = [];
  const repeated: string[] = [];
  for (const event of registry.events({ afterSeq: 0, limit: 10_000 })) {
    const name = `${String(event.data['stage'])}.${String(event.data['round'])}`;
    if (event.type === 'stage.started' && finished.includes(name)) repeated.push(name);
    const isEnd = event.type === 'stage.completed' || event.data['status'] === 'rejected';
    if (isEnd) finished.push(name);
  }
  registry.close();
  return { finished, repeated };
}

describe(`a runner killed ${jobs * killsAJob} times without warning (seed ${seed})`, () => {
  let killed = 0;

  it.each(Array.from({ length: jobs }, (_, index) => index))(
    'goes on from its last checkpoint and repeats no finished stage (job %i)',
    { timeout: 120_000 },
    async (index) => {
      const random = randomFrom(seed + index);
      const lab = makeKillLab(join(folder, String(index)));
      for (let kill = 0; kill < killsAJob; kill++) {
        const outcome = await runOnce(lab, 250 + random() * 900);
        if (outcome.killed) killed++;
        expectSoundNote(lab);
      }
      const { output } = await runOnce(lab, null);
      const document = JSON.parse(output) as JobDocument;
      expect(document).toMatchObject({ job: 'KL-7-1', status: 'succeeded', runState: 'done', rounds: 1, error: null });
      const { finished, repeated } = stageStory(lab);
      expect(repeated).toEqual([]);
      expect(finished).toEqual([
        'plan.0',
        'code.0',
        'test.0',
        'review.0',
        'code.1',
        'test.1',
        'review.1',
        'deliver.1',
        'merge.1',
      ]);
      expectSoundNote(lab);
      expect(readFileSync(lab.note, 'utf8')).toMatch(/^status: done$/m);
      expect(readdirSync(join(lab.folder, 'vault/10_features'))).toEqual(['KL-7.md']);
      expect(readdirSync(join(lab.folder, 'vault/20_runs'))).toEqual(['KL-7-1.md']);
      expect(lab.git('for-each-ref', '--format=%(refname)').trim().split('\n')).toEqual([
        'refs/heads/main',
        'refs/opus/pulls/1',
      ]);
      expect(lab.git('rev-list', '--merges', '--count', 'main').trim()).toBe('1');
      expect(lab.git('show', 'main:counted.txt')).toBe('round 0\nround 1\n');
      lab.git('fsck', '--strict');
      rmSync(lab.folder, { recursive: true, force: true });
    },
  );

  it('was killed in the middle most of the time', () => {
    expect(killed).toBeGreaterThan(jobs * killsAJob * 0.5);
  });
});

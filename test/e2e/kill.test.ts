import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import type { JobDocument } from '#shared/domain/job.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { endOrphans, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { makeKillLab, userLines, type KillLab } from '../support/kill-lab.ts';

/** `OPUS_KILLS=500 npm test -- test/e2e/kill.test.ts` for longer; `OPUS_KILL_SEED` repeats a run. */
const kills = Number(process.env['OPUS_KILLS'] ?? 6);
const seed = Number(process.env['OPUS_KILL_SEED'] ?? Date.now() % 1_000_000);
const killsAJob = 6;
const wholeStory = ['plan.0', 'code.0', 'test.0', 'review.0', 'code.1', 'test.1', 'review.1', 'deliver.1', 'merge.1'];
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

function expectFinished(lab: KillLab, output: string): void {
  expect(output).toMatch(/^\{/);
  const document = JSON.parse(output) as JobDocument;
  expect(document).toMatchObject({ job: 'KL-7-1', status: 'succeeded', runState: 'done', rounds: 1, error: null });
  const { finished, repeated } = stageStory(lab);
  expect(repeated).toEqual([]);
  expect(finished).toEqual(wholeStory);
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
  expect(endOrphans(sandboxName(join(lab.folder, 'data')))).toBe(0);
}

/** How long a whole run takes here and now, so that kills fall into it on a slow machine as on a fast one. */
async function timeOfARun(): Promise<number> {
  const lab = makeKillLab(join(folder, 'unharmed'));
  const began = performance.now();
  const { output } = await runOnce(lab, null);
  expectFinished(lab, output);
  return performance.now() - began;
}

it(`a runner killed ${kills} times without warning (seed ${seed}) repeats nothing and loses nothing`, async () => {
  const wholeMs = await timeOfARun();
  const random = randomFrom(seed);
  let killed = 0;
  for (let index = 0; killed < kills; index++) {
    // On a busy machine some labs end before they are killed.
    expect(index).toBeLessThan(3 * kills);
    const lab = makeKillLab(join(folder, String(index)));
    let ended: string | null = null;
    for (let kill = 0; kill < killsAJob && ended === null; kill++) {
      const outcome = await runOnce(lab, wholeMs * (0.15 + 0.6 * random()));
      if (outcome.killed) killed++;
      else ended = outcome.output;
      expectSoundNote(lab);
    }
    expectFinished(lab, ended ?? (await runOnce(lab, null)).output);
    rmSync(lab.folder, { recursive: true, force: true });
  }
}, 600_000);

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { makeKillLab } from '../support/kill-lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'write-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const signal = new AbortController().signal;

describe('a note that cannot be written for a while', () => {
  it('is told everything once it is mended, and the runner’s own status is not taken for a person’s', async () => {
    const lab = makeKillLab(join(folder, 'a'));
    const runner = await composeRunner(loadConfig(lab.config), {
      progress: (line) => {
        if (line.stage === 'review' && line.kind === 'started') {
          const now = readFileSync(lab.note, 'utf8');
          writeFileSync(lab.note, now.replace('title: Count', 'title: [Count'));
        }
      },
    });
    await runner.start();
    const job = await runner.application.dispatch('KL-7', { again: false });
    await runner.application.work(job.id, { approve: null, signal });
    await runner.stop();
    expect(readFileSync(lab.note, 'utf8')).not.toMatch(/^run_state: waiting$/m);

    writeFileSync(lab.note, readFileSync(lab.note, 'utf8').replace('title: [Count', 'title: Count'));
    const next = await composeRunner(loadConfig(lab.config));
    await next.start();
    const note = readFileSync(lab.note, 'utf8');
    expect(note).toMatch(/^run_state: waiting$/m);
    expect(note).toMatch(/^status: (in-review|needs-human)$/m);
    await next.stop();
  });

  it('is found again when a sync tool had taken it away', async () => {
    const lab = makeKillLab(join(folder, 'b'));
    const runner = await composeRunner(loadConfig(lab.config), {
      progress: (line) => {
        if (line.stage === 'deliver' && line.kind === 'ended') renameSync(lab.note, join(lab.folder, 'away.md'));
      },
    });
    await runner.start();
    const job = await runner.application.dispatch('KL-7', { again: false });
    await runner.application.work(job.id, { approve: null, signal });
    renameSync(join(lab.folder, 'away.md'), lab.note);
    await runner.application.work(job.id, { approve: null, signal });
    expect(readFileSync(lab.note, 'utf8')).toMatch(/^status: in-review$/m);
    await runner.stop();
  });
});

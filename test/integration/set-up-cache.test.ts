import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { makeKillLab } from '../support/kill-lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'cache-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('a cache is filled by set-up, shared between jobs, read by tests and hidden from agents', async () => {
  const lab = makeKillLab(folder);
  const setup = 'if test -e "$HOME/.lab-cache/seen"; then echo warm; else echo cold; fi; touch "$HOME/.lab-cache/seen"';
  const test = 'test -e "$HOME/.lab-cache/seen" && ! touch "$HOME/.lab-cache/more" && cat agent-saw';
  writeFileSync(
    lab.config,
    `vault: { path: ./vault }
repos:
  app:
    url: ./origin.git
    setup: '${setup}'
    test: '${test}'
    cache: [~/.lab-cache]
data: ./data
trust: auto
`,
  );
  const agent = join(folder, 'agents/code.sh');
  writeFileSync(agent, `${readFileSync(agent, 'utf8')}ls -a "$HOME/.lab-cache" > agent-saw 2>&1 || true\n`);
  const runner = await composeRunner(loadConfig(lab.config));
  await runner.start();
  const job = await runner.application.dispatch('KL-7', { again: false });
  const done = await runner.application.work(job.id, { approve: null, signal: new AbortController().signal });
  await runner.stop();
  expect(done).toMatchObject({ status: 'waiting', waitingFor: 'approval' });
  const logs = join(folder, 'data/logs', job.id);
  expect(readFileSync(join(logs, `${job.id}.code.0.0.1-setup.log`), 'utf8')).toContain('cold');
  expect(readFileSync(join(logs, `${job.id}.test.0.0.1-setup.log`), 'utf8')).toContain('warm');
  expect(readFileSync(join(logs, `${job.id}.test.0.0.1-test.log`), 'utf8')).toContain('No such file or directory');
});

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { streamJob } from '../../runner/cli/job-stream.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { aJob } from '../support/records.ts';

let folder: string;
let logs: string;
let registry: JobRegistry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stream-'));
  logs = join(folder, '.opus/logs/FR-1-1');
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(folder, 'opus.yml'), 'vault: { path: ./vault }\nrepos: { app: { url: ./app.git } }\n');
  registry = openRegistry({ file: join(folder, '.opus/registry.db'), clock: { now: Date.now } });
  registry.commit(null, null, { insertJob: aJob() });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

it('what an agent prints is shown as it is printed, cut characters whole, until the job rests', async () => {
  const terminal = fakeTerminal({ cwd: folder });
  const said = (): string => terminal.written.join('');
  writeFileSync(join(logs, 'plan.log'), 'planned\n');
  const streaming = streamJob(terminal, 'FR-1', {});
  await vi.waitFor(() => {
    expect(said()).toBe('planned\n');
  });
  const umlaut = Buffer.from('grün\n');
  appendFileSync(join(logs, 'code.log'), umlaut.subarray(0, 3));
  await vi.waitFor(() => {
    expect(said()).toBe('planned\ngr');
  });
  appendFileSync(join(logs, 'code.log'), umlaut.subarray(3));
  await vi.waitFor(() => {
    expect(said()).toBe('planned\ngrün\n');
  });
  registry.commit(null, null, { updateJob: { id: 'FR-1-1', fields: { status: 'waiting', waitingFor: 'human' } } });
  expect(await streaming).toBe(0);
  expect(terminal.errLines.join('\n')).toContain('FR-1-1 rests (waiting, for human)');
});

it('ends with Ctrl-C', async () => {
  const stop = new AbortController();
  const streaming = streamJob(fakeTerminal({ cwd: folder, signal: stop.signal }), 'FR-1-1', {});
  stop.abort();
  expect(await streaming).toBe(0);
});

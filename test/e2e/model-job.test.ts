import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { composeRunner, type Runner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { makeKillLab, type KillLab } from '../support/kill-lab.ts';
import { startScriptedModels, type ScriptedModels } from '../support/scripted-models.ts';

const quiet = new AbortController().signal;
const me = { person: 'me', channel: 'cli' } as const;
let folder: string;
let lab: KillLab;
let provider: ScriptedModels;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'model-job-'));
  lab = makeKillLab(folder);
  provider = await startScriptedModels({ order: 'requests' });
  process.env['MODEL_JOB_KEY'] = 'sk-canary-of-the-job-0123456789';
  writeFileSync(join(folder, 'vault/00_system/opus/config.md'), '---\nstages: [code, test]\n---\n');
  writeFileSync(
    join(folder, 'vault/00_system/opus/agents/code.md'),
    '---\nstage: code\ndriver: llm\nmodel: house/small\n---\n{{ fr.title }}\n\n{{ comment }}\n\n{{ result_schema }}\n',
  );
  appendFileSync(lab.config, `models: { house: { url: "${provider.url}/v1", key: env:MODEL_JOB_KEY } }\n`);
});
afterEach(async () => {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<Runner> {
  const runner = await composeRunner(loadConfig(lab.config));
  onTestFinished(() => runner.stop());
  await runner.start();
  return runner;
}

const use = (name: string, input: unknown) => ({
  tools: [{ name, input }],
  usage: { input: 900, cacheRead: 0, output: 100 },
});
const write = use('write_file', { path: 'counted.txt', content: 'one\n' });
const submit = use('submit_result', { summary: 'It is counted.' });

describe('a job whose agent asks models through the gateway', () => {
  it('asks a person what its agent asks, goes on with the answer, and keeps the count', async () => {
    provider.say(use('ask_human', { question: 'Which number?' }), write, submit);
    const { application } = await start();
    const job = await application.dispatch('KL-7', { again: false });
    const asking = await application.work(job.id, { approve: null, signal: quiet });
    expect(asking).toMatchObject({ status: 'waiting', waitingFor: 'question', gate: { kind: 'question' } });
    expect(readFileSync(lab.note, 'utf8')).toMatch(/^run_note: .*Which number\?/m);
    await application.decide(job.id, 'changes', 'The number one.', me);
    const rested = await application.work(job.id, { approve: null, signal: quiet });
    expect(rested).toMatchObject({ waitingFor: 'approval', gate: { kind: 'merge' } });
    expect(application.document(job.id).cost).toBe('3.0k tokens');
    expect(readFileSync(lab.note, 'utf8')).toMatch(/^cost: "?3\.0k tokens"?$/m);
    expect(lab.git('show', `${rested.branch}:counted.txt`)).toBe('one\n');
    expect(JSON.stringify(provider.requests)).toContain('The number one.');
  });

  it('stops when its budget is spent, and goes on when a person gives it as much again', async () => {
    appendFileSync(lab.config, 'limits: { tokens: 900 }\n');
    provider.say(write, write, write, submit, write, submit);
    const { application } = await start();
    const job = await application.dispatch('KL-7', { again: false });
    const stopped = await application.work(job.id, { approve: null, signal: quiet });
    expect(stopped).toMatchObject({ status: 'waiting', waitingFor: 'budget', gate: { kind: 'budget' } });
    const asked = provider.requests.length;
    expect(asked).toBeLessThanOrEqual(2);
    await application.decide(job.id, 'approve', '', me);
    const again = await application.work(job.id, { approve: null, signal: quiet });
    expect(provider.requests.length).toBeGreaterThan(asked);
    expect(['budget', 'approval']).toContain(again.waitingFor);
    await application.decide(job.id, 'reject', '', me);
    expect((await application.work(job.id, { approve: null, signal: quiet })).status).toBe('canceled');
  });
});

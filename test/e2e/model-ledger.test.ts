import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import { endOrphans, sandboxName } from '../../runner/adapters/sandbox/orphans.ts';
import { composeRunner, type Runner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { UsageSum } from '../../runner/core/ports/job-registry.ts';
import { addUsage, noUsage } from '../../shared/domain/agent-event.ts';
import { startScript } from '../support/child-process.ts';
import { latch } from '../support/gateway-lab.ts';
import { makeKillLab, type KillLab } from '../support/kill-lab.ts';
import { startScriptedModels, type ScriptedModels } from '../support/scripted-models.ts';

const quiet = new AbortController().signal;
let folder: string;
let lab: KillLab;
let provider: ScriptedModels;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'model-ledger-'));
  lab = makeKillLab(folder);
  provider = await startScriptedModels({ order: 'requests' });
  process.env['MODEL_LEDGER_KEY'] = 'sk-canary-of-the-ledger-0123456789';
  writeFileSync(join(folder, 'vault/00_system/opus/config.md'), '---\nstages: [code, test]\n---\n');
  writeFileSync(
    join(folder, 'vault/00_system/opus/agents/code.md'),
    '---\nstage: code\ndriver: llm\nmodel: house/small\n---\n{{ fr.title }}\n\n{{ comment }}\n\n{{ result_schema }}\n',
  );
  appendFileSync(lab.config, `models: { house: { url: "${provider.url}/v1", key: env:MODEL_LEDGER_KEY } }\n`);
});
afterEach(async () => {
  await provider.close();
  endOrphans(sandboxName(join(folder, 'data')));
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<Runner> {
  const runner = await composeRunner(loadConfig(lab.config));
  onTestFinished(() => runner.stop());
  await runner.start();
  return runner;
}

function ledger(): UsageSum[] {
  const registry = openRegistryReader({ file: join(folder, 'data/registry.db') });
  try {
    return registry.usage({});
  } finally {
    registry.close();
  }
}

const summed = () =>
  ledger()
    .map(({ usage }) => usage)
    .reduce(addUsage, noUsage);
const estimated = (): number => ledger().reduce((sum, total) => sum + total.estimated, 0);
const tokens = ({ input, output }: { input: number; output: number }): number => input + output;

const use = (name: string, input: unknown, usage = { input: 900, cacheRead: 0, output: 100 }) => ({
  tools: [{ name, input }],
  usage,
});
const write = use('write_file', { path: 'counted.txt', content: 'one\n' });
const submit = use('submit_result', { summary: 'It is counted.' });

/** Begins the job; its model has begun to answer, and waits for the latch before the rest. */
async function inTheMiddle(runner: Runner, signal: AbortSignal) {
  const held = latch();
  let isHeld = false;
  const beforePiece = (index: number): Promise<void> | undefined => {
    isHeld ||= index === 4;
    return index === 4 ? held.opened : undefined;
  };
  provider.say(write, { ...submit, text: 'And now for the end of it. '.repeat(9), beforePiece });
  const job = await runner.application.dispatch('KL-7', { again: false });
  const working = runner.application.work(job.id, { approve: null, signal });
  await vi.waitFor(() => {
    expect(isHeld).toBe(true);
  }, 10_000);
  return { job, working, held };
}

describe('the ledger of a job', () => {
  it('says what the provider says', async () => {
    provider.say(write, submit);
    const { application } = await start();
    const job = await application.dispatch('KL-7', { again: false });
    await application.work(job.id, { approve: null, signal: quiet });
    expect(summed()).toEqual(provider.counted());
    expect(tokens(summed())).toBe(2000);
  });

  it('says what the provider says when the job is canceled in the middle of an answer', async () => {
    const runner = await start();
    const { job, working, held } = await inTheMiddle(runner, quiet);
    await runner.application.cancel(job.id, 'No more.');
    await working;
    expect(estimated()).toBe(1);
    expect(runner.application.document(job.id).cost).toMatch(/^about \d/);
    held.open();
    await vi.waitFor(() => {
      expect(estimated()).toBe(0);
    });
    expect(summed()).toEqual(provider.counted());
    expect(runner.application.document(job.id).cost).toBe('2.0k tokens');
  });

  it('says what the provider says when the runner is stopped in the middle of an answer', async () => {
    const runner = await start();
    const stop = new AbortController();
    const { working, held } = await inTheMiddle(runner, stop.signal);
    stop.abort();
    await working;
    const stopped = runner.stop();
    held.open();
    await stopped;
    expect(estimated()).toBe(0);
    expect(summed()).toEqual(provider.counted());
    expect(tokens(summed())).toBe(2000);
  });

  it('counts what a killed runner spent to the budget, as an estimate', async () => {
    appendFileSync(lab.config, 'limits: { tokens: 1050 }\n');
    const held = latch();
    const isHeld = latch();
    const beforePiece = (index: number): Promise<void> | undefined => {
      if (index !== 4) return undefined;
      isHeld.open();
      return held.opened;
    };
    const long = { ...submit, text: 'And now for the end of it. '.repeat(9), beforePiece };
    provider.say(write, long, submit, submit, submit);
    const child = startScript('./run-job.ts', lab.config, 'KL-7');
    await isHeld.opened;
    await child.kill();
    held.open();
    const before = ledger();
    expect(before).toMatchObject([{ responses: 2, estimated: 1 }]);
    expect(tokens(summed())).toBeGreaterThan(1050);
    const { application } = await start();
    const [job] = application.jobs();
    const stopped = await application.work(job?.id ?? '', { approve: null, signal: quiet });
    expect(stopped).toMatchObject({ status: 'waiting', waitingFor: 'budget' });
    expect(provider.requests).toHaveLength(2);
    expect(ledger()).toEqual(before);
  });

  it.each([100, 3001, 7500])('passes a budget of %i tokens by no more than one response', async (limit) => {
    appendFileSync(lab.config, `limits: { tokens: ${limit} }\n`);
    provider.say(...Array.from({ length: 20 }, () => ({ ...write, usage: { input: 2900, output: 100 } })));
    const { application } = await start();
    const job = await application.dispatch('KL-7', { again: false });
    const stopped = await application.work(job.id, { approve: null, signal: quiet });
    expect(stopped).toMatchObject({ status: 'waiting', waitingFor: 'budget' });
    const spent = tokens(summed());
    expect(spent).toBeGreaterThanOrEqual(limit);
    expect(spent).toBeLessThan(limit + 3000);
    expect(provider.requests).toHaveLength(Math.ceil(limit / 3000));
  });

  it('waits for midnight where the day’s budget is spent and not its own', async () => {
    appendFileSync(lab.config, 'limits: { dailyTokens: 2500 }\n');
    provider.say(...Array.from({ length: 20 }, () => write));
    const { application } = await start();
    const job = await application.dispatch('KL-7', { again: false });
    const stop = new AbortController();
    const working = application.work(job.id, { approve: null, signal: stop.signal });
    await vi.waitFor(() => {
      expect(application.attempts(job.id).at(-1)?.error).toMatchObject({
        code: 'agent.daily-budget',
        until: new Date().setHours(24, 0, 0, 0),
      });
    }, 10_000);
    stop.abort();
    await working;
    expect(provider.requests).toHaveLength(3);
  });
});

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { askAgentOrModel, type AskOptions } from '../../runner/cli/ask-agent.ts';
import { composeTrust } from '../../runner/compose-trust.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { canary, latch } from '../support/gateway-lab.ts';
import { startScriptedModels, type ScriptedModels } from '../support/scripted-models.ts';

const usage = { input: 1200, cacheRead: 200, output: 30 };
const told = { input: 1200, cacheRead: 200, cacheWrite: 0, output: 30 };

let folder: string;
let provider: ScriptedModels;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ask-'));
  provider = await startScriptedModels({ order: 'requests' });
  configure(`
    house: { url: '${provider.url}/v1', key: env:KEY, prices: { small: { input: 1, output: 10, cacheRead: 0.1 } } }
    anthropic: { url: '${provider.url}', key: env:KEY }`);
});
afterEach(() => provider.close());

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function configure(models: string, more = ''): void {
  mkdirSync(join(folder, 'vault'), { recursive: true });
  write('opus.yml', `vault: { path: ./vault }\nrepos: { app: { url: ./app.git } }\nmodels: {}\n${more}`);
  const file = join(folder, 'opus.yml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, models === '' ? text : text.replace('models: {}', `models:${models}`));
}

async function confirmAgent(name: string, properties: string): Promise<void> {
  write(
    `vault/00_system/opus/agents/${name}.md`,
    `---\n${properties}\n---\nThe template, which does not count here.\n`,
  );
  const confirming = composeTrust(loadConfig(join(folder, 'opus.yml'), { command: 'opus', environment: {} }));
  await confirming.trust.confirm('all');
  confirming.close();
}

function opusAsk(prompt: string, options: AskOptions = {}, signal = new AbortController().signal) {
  const terminal = fakeTerminal({ cwd: folder, environment: { KEY: canary }, signal });
  const running = askAgentOrModel(terminal, prompt, options);
  return { terminal, running };
}

async function answerTo(prompt: string, options: AskOptions = {}): Promise<string> {
  const { terminal, running } = opusAsk(prompt, options);
  expect(await running).toBe(0);
  return terminal.written.join('') + terminal.outLines.join('\n');
}

const failing = (options: AskOptions): Promise<unknown> => {
  const { running } = opusAsk('Why?', options);
  return running.then(
    () => null,
    (thrown: unknown) => thrown,
  );
};

function ledger() {
  const registry = openRegistry({ file: join(folder, '.opus', 'registry.db'), clock: { now: Date.now } });
  const totals = registry.usage({ since: Date.now() - 60_000 });
  registry.close();
  return totals;
}

describe('opus ask', () => {
  it('prints a model’s answer, and nothing that would move the cursor', async () => {
    provider.say({ text: 'Forty\u001b[2J-two,\nroughly.', usage });
    expect(await answerTo('How much?', { model: 'anthropic/claude-sonnet-4-5' })).toBe('Forty[2J-two,\nroughly.\n');
    expect(JSON.stringify(provider.requests[0]?.body['messages'])).toContain('How much?');
    expect(provider.requests[0]?.headers['x-api-key']).toBe(canary);
  });

  it('prints it while it streams', async () => {
    const held = latch();
    provider.say({
      text: `first words, then a pause${' …'.repeat(50)}, then more`,
      beforePiece: (index) => (index === 3 ? held.opened : undefined),
    });
    const { terminal, running } = opusAsk('Slowly.', { model: 'house/small' });
    await vi.waitFor(() => {
      expect(terminal.written.join('')).toContain('first words');
    });
    expect(terminal.written.join('')).not.toContain('then more');
    held.open();
    await running;
    expect(terminal.written.join('')).toMatch(/^first words, then a pause.*, then more\n$/);
  });

  it('prints one document with what it took, and keeps that in the ledger', async () => {
    provider.say({ text: 'Yes.', usage });
    const document = JSON.parse(await answerTo('Really?', { model: 'house/small', json: true })) as unknown;
    expect(document).toEqual({ text: 'Yes.', model: 'small', usage: told, cost: expect.closeTo(0.00132, 8) as number });
    expect(ledger()).toMatchObject([{ agent: 'ask', model: 'small', responses: 1, usage: told }]);
  });

  it('does not make up a price', async () => {
    provider.say({ text: 'Yes.' });
    expect(JSON.parse(await answerTo('Really?', { model: 'house/large', json: true }))).toMatchObject({ cost: null });
  });

  it('asks the model of an agent note, by default of the one that plans', async () => {
    await confirmAgent('planner', 'stage: plan\ndriver: llm\nmodel: house/small');
    await confirmAgent('a-coder', 'stage: code\ndriver: llm\nmodel: house/large');
    provider.say({ text: 'By default.' }, { text: 'By name.' });
    expect(await answerTo('Who?')).toBe('By default.\n');
    expect(await answerTo('Who?', { agent: 'a-coder' })).toBe('By name.\n');
    expect(provider.requests.map(({ body }) => body['model'])).toEqual(['small', 'large']);
    expect(
      ledger()
        .map(({ agent }) => agent)
        .sort(),
    ).toEqual(['a-coder', 'planner']);
  });

  it('runs another agent once, on an empty tree', async () => {
    const script =
      'ls -A "$PWD" > seen; printf \'{"summary":"%s: %s"}\' "$(cat $OPUS_PROMPT_FILE)" "$(cat seen)" > $OPUS_RESULT_FILE';
    await confirmAgent('sh', `stage: code\ndriver: command\ncommand: [/bin/sh, -c, ${JSON.stringify(script)}]`);
    expect(await answerTo('Anything there?', { agent: 'sh' })).toBe('Anything there?: seen');
    await confirmAgent('broken', 'stage: code\ndriver: command\ncommand: [/bin/sh, -c, "exit 7"]');
    expect(await failing({ agent: 'broken' })).toMatchObject({
      code: 'agent.failed',
      message: 'The agent broken ended with exit code 7.',
      hint: null,
    });
  });

  it('stays within the budget of the day', async () => {
    configure(`\n  house: { url: '${provider.url}/v1', key: env:KEY }`, 'limits: { dailyTokens: 1000 }\n');
    provider.say({ text: 'Yes.', usage: { input: 990, output: 10 } });
    expect(await failing({ model: 'house/small' })).toBeNull();
    expect(await failing({ model: 'house/small' })).toMatchObject({ code: 'agent.daily-budget' });
    expect(provider.requests).toHaveLength(1);
  });

  it('ends at once when it is given up', async () => {
    provider.say({ fault: { hang: true } });
    const stop = new AbortController();
    const { running } = opusAsk('Well?', { model: 'house/small' }, stop.signal);
    await vi.waitFor(() => {
      expect(provider.requests).toHaveLength(1);
    });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'agent.canceled' });
  });
});

describe('what opus ask is refused', () => {
  it.each([
    [{ model: 'small' }, 'config.usage', /without its endpoint/],
    [{ model: 'cloud/small' }, 'config.usage', /"cloud", which is not in opus\.yml/],
    [{ model: 'house/small', agent: 'x' }, 'config.usage', /not both/],
    [{ agent: 'nobody' }, 'vault.agent-missing', /No confirmed agent note has the name "nobody"/],
    [{}, 'vault.agent-missing', /no confirmed agent note to ask/],
  ])('%o', async (options, code, sentence) => {
    const error = await failing(options);
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) as string });
    expect(provider.requests).toHaveLength(0);
  });

  it('a model where opus.yml names none', async () => {
    configure('');
    expect(await failing({ model: 'anthropic/claude-sonnet-4-5' })).toMatchObject({
      code: 'config.usage',
      message: expect.stringContaining('opus.yml names no endpoint of models') as string,
      hint: expect.stringContaining('models: { anthropic: { key: env:ANTHROPIC_API_KEY } }') as string,
    });
  });

  it('by the provider, in a sentence that holds no key', async () => {
    provider.say({ fault: { status: 401, echo: true } });
    const error = await failing({ model: 'house/small' });
    expect(error).toMatchObject({ code: 'agent.credentials' });
    expect(JSON.stringify(error) + (error as Error).message).not.toContain(canary);
  });

  it('an agent that opus.yml does not allow', async () => {
    configure('', 'limits: { drivers: [claude] }\n');
    await confirmAgent('sh', 'stage: code\ndriver: command\ncommand: [/bin/true]');
    expect(await failing({ agent: 'sh' })).toMatchObject({ code: 'vault.agent-invalid' });
  });
});

import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { llmLab } from '../support/llm-lab.ts';
import { canary, latch, openGatewayLab, type GatewayLab } from '../support/gateway-lab.ts';
import { withoutBubblewrap } from '../support/no-sandbox.ts';
import { newMark, processesWith } from '../support/sandbox-runs.ts';
import type { ScriptedFault } from '../support/scripted-models.ts';

const submit = { tools: [{ name: 'submit_result', input: { summary: 'It is done.' } }] };

let models: GatewayLab;
let lab: ReturnType<typeof llmLab>;
let folder: string;
beforeEach(async () => {
  models = await openGatewayLab();
  folder = mkdtempSync(join(tmpdir(), 'llm-'));
  lab = llmLab(folder);
});
afterEach(() => models.close());

describe('a failure of the provider', () => {
  const error = (message: string) => ({ error: { message, type: 'error' } });
  const cases: readonly (readonly [string, ScriptedFault, string, RegExp])[] = [
    ['400', { status: 400, body: error('no such parameter') }, 'agent.failed', /HTTP 400: .*no such parameter/],
    ['401', { status: 401 }, 'agent.credentials', /refused by the model's provider/],
    ['403', { status: 403 }, 'agent.credentials', /refused by the model's provider/],
    ['429', { status: 429, headers: { 'retry-after': '7200' } }, 'agent.usage-limit', /until 20\d\d-/],
    ['429 without a reset', { status: 429 }, 'agent.usage-limit', /at its usage limit/],
    ['500', { status: 500 }, 'agent.failed', /HTTP 500/],
    ['529', { status: 529 }, 'agent.failed', /HTTP 529/],
    ['an unknown model', { status: 404, body: error('no model') }, 'vault.agent-invalid', /has no model "small"/],
    [
      'a model without tools',
      { status: 400, body: error('small does not support tools') },
      'vault.agent-invalid',
      /needs a model that can use tools/,
    ],
    ['a dropped stream', { dropAfter: 2 }, 'agent.failed', /house\/small broke off: /],
  ];
  it.each(cases)('is told as what it is: %s', async (_name, fault, code, sentence) => {
    models.provider.say({ text: 'some words to stream', fault }, { fault }, { fault });
    const { outcome, events } = await lab.run(await models.open());
    expect(outcome).toMatchObject({ kind: 'failed', error: { code } });
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(sentence);
    expect(events.at(-1)).toMatchObject({ kind: 'done', ok: false });
    expect(JSON.stringify(outcome)).not.toContain(canary);
  });

  it('names when a usage limit ends', async () => {
    models.provider.say({ fault: { status: 429, headers: { 'retry-after': '3600' } } });
    const { outcome, events } = await lab.run(await models.open());
    const until = outcome.kind === 'failed' ? (outcome.error.until ?? 0) : 0;
    expect(until).toBeGreaterThan(Date.now() + 3_500_000);
    expect(until).toBeLessThan(Date.now() + 3_700_000);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'rate-limit', until }));
  });

  it('that passes is waited for', async () => {
    models.provider.say({ fault: { status: 503 } }, { fault: { status: 529 } }, submit);
    expect((await lab.run(await models.open())).outcome.kind).toBe('finished');
    expect(models.provider.requests).toHaveLength(3);
  });

  it('by a conversation that is too long ends that conversation', async () => {
    const body = error('This model’s maximum context length is 8192 tokens');
    models.provider.say({ fault: { status: 400, body } });
    expect((await lab.run(await models.open())).outcome).toMatchObject({
      error: { code: 'agent.failed', message: expect.stringContaining('longer than house/small can read') as string },
      report: { session: null },
    });
  });

  it('keeps the conversation up to the last step, so that the next attempt goes on', async () => {
    const look = { tools: [{ name: 'list_files', input: {} }] };
    models.provider.say(look, { text: 'half', fault: { dropAfter: 2 } });
    const { session } = (await lab.run(await models.open())).outcome.report;
    models.provider.say(submit);
    const { outcome } = await lab.run(await models.open(), { session, prompt: 'Once more.' });
    expect(outcome).toMatchObject({ kind: 'finished', report: { session } });
    const sent = models.provider.requests.at(-1)?.body['messages'] as { role: string; content: string }[];
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user']);
    expect(sent.at(-1)?.content).toMatch(/Once more\.\n\nThe working tree stands at the last commit/);
  });

  it('in the middle of an answer lets none of its tools run', async () => {
    const input = { path: 'half.txt', content: 'half' };
    const whole = 3 + Math.ceil(JSON.stringify(input).length / 24);
    models.provider.say({ tools: [{ name: 'write_file', input }], fault: { dropAfter: whole } });
    const { outcome, events } = await lab.run(await models.open(), { model: 'anthropic/claude-sonnet-4-5' });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.failed' } });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'tool-call', name: 'write_file' }));
    expect(existsSync(join(lab.tree, 'half.txt'))).toBe(false);
  });

  it('is the gateway’s word where that cut the stream for the budget', async () => {
    const usage = { input: 500, output: 50 };
    models.provider.say({ tools: [{ name: 'list_files', input: {} }], usage }, submit);
    const { outcome } = await lab.run(await models.open({ budget: { tokens: 400, dollars: null } }));
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.budget' } });
  });
});

describe('an llm agent that is ended', () => {
  it('is canceled in the middle of an answer', async () => {
    const held = latch();
    models.provider.say({ text: 'some words to stream, and more of them', beforePiece: () => held.opened });
    const stop = new AbortController();
    const running = lab.run(await models.open(), { signal: stop.signal });
    await vi.waitFor(() => {
      expect(models.provider.requests).toHaveLength(1);
    });
    stop.abort();
    expect((await running).outcome.kind).toBe('canceled');
    held.open();
    await vi.waitFor(() => {
      expect(models.records).toMatchObject([{ estimated: false, usage: models.provider.counted() }]);
    });
  });

  it('takes its command with it, and rejects nothing', async () => {
    const mark = newMark();
    const command = `: ${mark}; echo begun > begun; sleep 300; echo never`;
    models.provider.say({ tools: [{ name: 'run_command', input: { command, timeout_seconds: 600 } }] });
    const stop = new AbortController();
    const running = lab.run(await models.open(), { signal: stop.signal });
    await vi.waitFor(
      () => {
        expect(readFileSync(join(lab.tree, 'begun'), 'utf8')).toBe('begun\n');
      },
      { timeout: 10_000 },
    );
    expect(processesWith(mark)).not.toEqual([]);
    stop.abort();
    expect((await running).outcome.kind).toBe('canceled');
    expect(processesWith(mark)).toEqual([]);
  });

  it('by a signal from before does not begin', async () => {
    const { outcome } = await lab.run(await models.open(), { signal: AbortSignal.abort() });
    expect(outcome.kind).toBe('canceled');
    expect(models.provider.requests).toHaveLength(0);
  });

  it.each([
    ['agent.timeout', { timeoutMs: 300 }],
    ['agent.stalled', { stallMs: 300 }],
  ])('because the model hangs: %s', async (code, limits) => {
    models.provider.say({ fault: { hang: true } });
    expect((await lab.run(await models.open(), limits)).outcome).toMatchObject({ kind: 'failed', error: { code } });
  });
});

describe('what is missing', () => {
  it.each([
    ['', /names no model/],
    ['small', /names the model "small" without its endpoint/],
    ['cloud/small', /names the endpoint "cloud", which is not in opus\.yml/],
  ])('a model written "%s"', async (model, sentence) => {
    const { outcome } = await lab.run(await models.open(), { model });
    expect(outcome).toMatchObject({ error: { code: 'vault.agent-invalid' } });
    expect(outcome.kind === 'failed' && `${outcome.error.message} ${outcome.error.hint ?? ''}`).toMatch(sentence);
    expect(outcome.kind === 'failed' && outcome.error.hint).toContain('anthropic, openai, google, house');
  });

  it('a way to a model', async () => {
    expect((await lab.run(null)).outcome).toMatchObject({ error: { code: 'agent.credentials' } });
  });

  it('a sandbox that works is no matter for the model', async () => {
    lab = llmLab(folder, { sandbox: withoutBubblewrap });
    models.provider.say({ tools: [{ name: 'list_files', input: {} }] }, submit);
    expect((await lab.run(await models.open())).outcome).toMatchObject({ error: { code: 'sandbox.unavailable' } });
    expect(models.provider.requests).toHaveLength(1);
  });
});

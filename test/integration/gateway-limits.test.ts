import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usageLimitOf } from '../../runner/adapters/gateway/usage-limits.ts';
import { askModel, latch, openGatewayLab, wayBy, waysToAsk, type GatewayLab } from '../support/gateway-lab.ts';

const start = Date.parse('2026-11-01T12:00:00Z');
let now: number;
let lab: GatewayLab;
beforeEach(async () => {
  now = start;
  lab = await openGatewayLab({ now: () => now });
});
afterEach(() => lab.close());

const messages = wayBy('messages');
const spends = (input: number, output: number) => ({ text: 'ok', usage: { input, output } });

describe('a budget', () => {
  it.each(waysToAsk)('ends after the response that spends it, in words that agents stop at: $dialect', async (way) => {
    lab.provider.say(spends(400, 50), spends(400, 200), spends(400, 50));
    const access = await lab.open({ budget: { tokens: 1000, dollars: null } });
    expect((await askModel(access, way)).status).toBe(200);
    expect(access.refusal()).toBeNull();
    // One that had begun within the budget is paid for; its end is the agent's to have.
    const second = await askModel(access, way);
    expect(second.status).toBe(200);
    expect(second.text).not.toContain('is spent');
    expect(access.refusal()).toBeNull();
    const third = await askModel(access, way);
    expect(third).toMatchObject({ status: 400, headers: { 'x-should-retry': 'false' } });
    const { error } = JSON.parse(third.text) as { error: { message: string } };
    expect(error.message).toBe('The budget for this run is spent. The run ends here.');
    expect(access.refusal()).toEqual({ kind: 'budget', message: 'The budget for this run is spent: 1000 tokens.' });
    expect(lab.provider.requests).toHaveLength(2);
    expect(lab.records.reduce((sum, { usage }) => sum + usage.input + usage.output, 0)).toBe(
      lab.provider.counted().input + lab.provider.counted().output,
    );
  });

  it.each(waysToAsk)('cuts a response that passes it in the middle: $dialect', async (way) => {
    const held = latch();
    lab.provider.say({
      ...{ text: 'word '.repeat(2000), usage: { input: 10, output: 2000 } },
      beforePiece: (index) => (index === 200 ? held.opened : undefined),
    });
    const access = await lab.open({ budget: { tokens: 500, dollars: null } });
    const answer = await askModel(access, way);
    expect(answer.text).toContain('The budget for this run is spent. The run ends here.');
    expect(answer.isBroken).toBe(false);
    await vi.waitFor(() => {
      expect(lab.provider.requests[0]?.isAborted).toBe(true);
    });
    held.open();
    expect(access.refusal()?.kind).toBe('budget');
    expect(lab.records).toEqual([expect.objectContaining({ estimated: true })]);
    const { usage } = lab.records[0] ?? { usage: { input: 0, output: 0 } };
    expect(usage.input + usage.output).toBeGreaterThan(499);
    expect(usage.input + usage.output).toBeLessThan(1400);
    expect((await askModel(access, way)).status).toBe(400);
    expect(lab.provider.requests).toHaveLength(1);
  });

  it('that the input alone passes ends the response at its start', async () => {
    lab.provider.say({ text: 'word '.repeat(100), usage: { input: 50_000, output: 100 } });
    const access = await lab.open({ budget: { tokens: 40_000, dollars: null } });
    const answer = await askModel(access, messages);
    expect(answer.text).not.toContain('word');
    expect(answer.text).toContain('event: error');
    expect(lab.records[0]?.usage.input).toBe(50_000);
  });

  it('cuts all that stream at once', async () => {
    const held = latch();
    lab.provider.say(
      {
        ...spends(100, 10),
        text: 'first words of many',
        beforePiece: (index) => (index === 3 ? held.opened : undefined),
      },
      {
        ...spends(100, 10),
        beforePiece: () => (lab.provider.requests.length < 2 ? held.opened : undefined),
        text: 'y'.repeat(40_000),
      },
    );
    const access = await lab.open({ budget: { tokens: 2000, dollars: null } });
    let seen = '';
    const first = askModel(access, messages, { onText: (text) => (seen = text) });
    await vi.waitFor(() => {
      expect(seen).toContain('first words');
    });
    const second = await askModel(access, messages);
    expect(second.text).toContain('is spent');
    expect((await first).text).toContain('is spent');
    held.open();
    expect(lab.records).toHaveLength(2);
  });

  it('in dollars counts where the price is known', async () => {
    lab.provider.say(spends(100_000, 0), spends(100_000, 0), spends(100_000, 0));
    const access = await lab.open({ budget: { tokens: null, dollars: 0.5 } });
    await askModel(access, messages);
    await askModel(access, messages);
    const refused = await askModel(access, messages);
    expect(refused.text).toContain('The budget for this run is spent.');
    expect(access.refusal()?.message).toBe('The budget for this run is spent: 0.50 USD.');
    expect(lab.records.map(({ cost }) => cost?.toFixed(2))).toEqual(['0.30', '0.30']);
  });

  it('in dollars cuts in the middle', async () => {
    lab.provider.say({ text: 'word '.repeat(20_000), usage: { input: 10, output: 20_000 } });
    const access = await lab.open({ budget: { tokens: null, dollars: 0.01 } });
    expect((await askModel(access, messages)).text).toContain('is spent');
    expect(lab.records[0]?.cost).toBeGreaterThan(0.01);
    expect(lab.records[0]?.cost).toBeLessThan(0.03);
  });

  it('in dollars does not count where no price is known', async () => {
    const access = await lab.open({ budget: { tokens: null, dollars: 0.000001 } });
    await askModel(access, wayBy('chat'));
    expect((await askModel(access, wayBy('chat'))).status).toBe(200);
  });

  it('of nothing lets nothing through', async () => {
    const access = await lab.open({ budget: { tokens: 0, dollars: null } });
    expect((await askModel(access, messages)).status).toBe(400);
    expect(lab.provider.connections()).toBe(0);
  });
});

describe('a limit of the provider', () => {
  it("that is short is the agent's to wait for, and forgotten when it answers again", async () => {
    lab.provider.say({ fault: { status: 429, headers: { 'retry-after': '2' } } }, {});
    const access = await lab.open();
    const answer = await askModel(access, messages);
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    expect(access.refusal()).toMatchObject({ kind: 'usage-limit', until: start + 2000 });
    expect((await askModel(access, messages)).status).toBe(200);
    expect(access.refusal()).toBeNull();
  });

  it('without a word of its end is passed on, and remembered', async () => {
    lab.provider.say({ fault: { status: 429 } });
    const access = await lab.open();
    expect((await askModel(access, messages)).status).toBe(429);
    expect(access.refusal()).toMatchObject({ kind: 'usage-limit', until: null });
  });

  it.each(waysToAsk)('that is long ends the run, and is not asked for again: $dialect', async (way) => {
    lab.provider.say({ fault: { status: 429, headers: { 'retry-after': '7200' } } });
    const access = await lab.open();
    const answer = await askModel(access, way);
    expect(answer).toMatchObject({ status: 400, headers: { 'x-should-retry': 'false' } });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(access.refusal()).toMatchObject({ kind: 'usage-limit', until: start + 7_200_000 });
    expect(access.refusal()?.message).toBe(
      `The provider ${way.endpoint} is at its limit for ${way.model}, until 2026-11-01T14:00:00.000Z: scripted 429`,
    );
    expect((await askModel(access, way)).status).toBe(400);
    expect(lab.provider.requests).toHaveLength(1);
    now = start + 7_200_001;
    lab.provider.say({});
    expect((await askModel(access, way)).status).toBe(200);
    expect(access.refusal()).toBeNull();
  });

  it('for one model leaves the others', async () => {
    lab.provider.say({ fault: { status: 429, headers: { 'retry-after': '7200' } } }, {});
    const access = await lab.open();
    await askModel(access, messages);
    const other = { ...messages, body: () => ({ ...messages.body(true), model: 'claude-haiku-4-5' }) };
    expect((await askModel(access, other)).status).toBe(200);
    expect(access.refusal()).toMatchObject({ kind: 'usage-limit' });
  });

  const seconds = (at: number) => String(Math.round(at / 1000));
  it.each([
    [
      'a Claude plan',
      429,
      {
        'retry-after': '10',
        'anthropic-ratelimit-unified-status': 'rejected',
        'anthropic-ratelimit-unified-reset': seconds(start + 3_600_000),
      },
      {},
      3_600_000,
      false,
    ],
    [
      "Anthropic's windows",
      429,
      {
        'anthropic-ratelimit-tokens-remaining': '0',
        'anthropic-ratelimit-tokens-reset': '2026-11-01T12:00:30Z',
        'anthropic-ratelimit-requests-remaining': '5',
        'anthropic-ratelimit-requests-reset': '2026-11-02T12:00:30Z',
      },
      {},
      30_000,
      true,
    ],
    [
      "OpenAI's words",
      429,
      {},
      {
        error: {
          message: 'Rate limit reached for gpt-5. Please try again in 6m0s. Visit …',
          code: 'rate_limit_exceeded',
        },
      },
      360_000,
      false,
    ],
    ["OpenAI's few words", 429, {}, { error: { message: 'Please try again in 120ms.' } }, 120, true],
    [
      "OpenAI's windows",
      429,
      { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '1h2m' },
      {},
      3_720_000,
      false,
    ],
    ["Codex's plan", 429, {}, { error: { type: 'usage_limit_reached', resets_in_seconds: 9000 } }, 9_000_000, false],
    [
      "Codex's plan by time",
      429,
      {},
      { error: { type: 'usage_limit_reached', resets_at: start / 1000 + 90 } },
      90_000,
      false,
    ],
    [
      "OpenAI's spent account",
      429,
      {},
      {
        error: {
          code: 'insufficient_quota',
          message: 'You exceeded your current quota, please check your plan and billing details.',
        },
      },
      null,
      false,
    ],
    [
      "Anthropic's spent account",
      400,
      {},
      { error: { message: 'Your credit balance is too low to access the Anthropic API.' } },
      null,
      false,
    ],
    ['a payment', 402, {}, { error: { message: 'Insufficient credits' } }, null, false],
    [
      'Gemini',
      429,
      {},
      [
        {
          error: {
            code: 429,
            message: 'Quota exceeded.',
            details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.07s' }],
          },
        },
      ],
      34_070,
      true,
    ],
    [
      "Gemini's words",
      429,
      {},
      { error: { message: 'You exceeded your current quota. Please retry in 20.5s.' } },
      20_500,
      true,
    ],
    ['a date', 429, { 'retry-after': 'Sun, 01 Nov 2026 13:00:00 GMT' }, {}, 3_600_000, false],
    ['milliseconds', 429, { 'retry-after-ms': '500' }, {}, 500, true],
    ['nobody', 429, {}, {}, null, true],
  ] as const)('is understood as %s says it', (_who, status, headers, body, waitMs, isShort) => {
    const limit = usageLimitOf({ status, headers, body: JSON.stringify(body) }, start);
    expect(limit).toEqual({ until: waitMs === null ? null : start + waitMs, isShort });
  });

  it.each([400, 404, 500, 503, 529])('is not meant by status %i', (status) => {
    expect(usageLimitOf({ status, headers: { 'retry-after': '5' }, body: '{}' }, start)).toBeNull();
  });

  it('is understood in the middle of a stream, too', async () => {
    const words =
      'data: {"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"Please try again in 11s."}}}\n\n';
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(words);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`;
    await lab.close();
    lab = await openGatewayLab({ now: () => now, models: { openai: { url } } });
    const access = await lab.open();
    expect((await askModel(access, wayBy('responses'))).text).toBe(words);
    expect(access.refusal()).toMatchObject({ kind: 'usage-limit', until: start + 11_000 });
    server.close();
  });
});

describe('a credential that the provider refuses', () => {
  it.each([401, 403])('ends the run, which some agents would not let it: status %i', async (status) => {
    lab.provider.say({ fault: { status, echo: true } });
    const access = await lab.open();
    const answer = await askModel(access, messages);
    expect(answer.status).toBe(400);
    expect((await askModel(access, messages)).text).toBe(answer.text);
    expect(lab.provider.requests).toHaveLength(1);
    expect(access.refusal()).toEqual({
      kind: 'credentials',
      message: `The provider anthropic refuses the credential (${status}): check the key that \`models.anthropic.key\` in opus.yml names.`,
    });
  });
});

describe('what an agent is told that is to end', () => {
  it.each([
    ['a budget', { budget: { tokens: 500, dollars: 429 } }, {}],
    [
      'a limit',
      {},
      { status: 429, headers: { 'retry-after': '50000' }, body: { error: { message: 'Overloaded 529' } } },
    ],
    ['a credential', {}, { status: 401, body: { error: { message: 'Rate limit. Try again.' } } }],
  ])('holds no word that OpenCode tries again at: %s', async (_what, opening, fault) => {
    lab.provider.say({ usage: { input: 500, output: 10 }, ...('status' in fault ? { fault } : {}) });
    const access = await lab.open(opening);
    await askModel(access, wayBy('chat'));
    const { status, text } = await askModel(access, wayBy('chat'));
    expect(status).toBe(400);
    expect(text).not.toMatch(
      /\d|rate.?limit|too many|overloaded|unavailable|exhausted|again|error_|server|timeout|network/i,
    );
    expect(access.refusal()?.message).toMatch(/\d/);
  });
});

describe('other failures', () => {
  it.each([400, 404, 500, 529])('are passed on as they are: status %i', async (status) => {
    lab.provider.say({ fault: { status, headers: { 'x-should-retry': 'true' } } });
    const access = await lab.open();
    const answer = await askModel(access, messages);
    expect(answer).toMatchObject({ status, headers: { 'x-should-retry': 'true' } });
    expect(answer.text).toContain(`scripted ${status}`);
    expect(access.refusal()).toBeNull();
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventStreamReader } from '../../runner/adapters/gateway/event-stream.ts';
import type { GatewayAccess } from '../../runner/core/ports/gateway.ts';
import {
  ask,
  askModel,
  latch,
  openGatewayLab,
  wayBy,
  waysToAsk,
  type GatewayLab,
  type WayToAsk,
} from '../support/gateway-lab.ts';

let lab: GatewayLab;
beforeEach(async () => {
  lab = await openGatewayLab();
});
afterEach(() => lab.close());

const usage = { input: 3000, cacheRead: 1000, cacheWrite: 0, output: 250 };
const cases = waysToAsk.flatMap((way) => [
  { way, stream: true, how: `${way.dialect}, streamed` },
  { way, stream: false, how: `${way.dialect}, at once` },
]);

describe('a response', () => {
  it.each(cases)('is counted to the token: $how', async ({ way, stream }) => {
    lab.provider.say({
      text: 'The answer is 42, and then some. ',
      tools: [{ name: 'Bash', input: { command: 'ls' } }],
      usage,
    });
    const access = await lab.open();
    const answer = await askModel(access, way, { stream });
    expect(answer).toMatchObject({ status: 200, isBroken: false });
    expect(lab.records).toEqual([
      expect.objectContaining({
        endpoint: way.endpoint,
        model: way.model,
        usage,
        estimated: false,
        subscription: false,
      }),
    ]);
    expect(lab.provider.counted()).toEqual(usage);
  });

  it('is counted with what went into a cache', async () => {
    const cached = { input: 9000, cacheRead: 1000, cacheWrite: 7000, output: 5 };
    lab.provider.say({ text: 'ok', usage: cached });
    await askModel(await lab.open(), wayBy('messages'));
    expect(lab.records[0]?.usage).toEqual(cached);
  });

  it.each(waysToAsk)('reaches the agent byte for byte: $dialect', async (way) => {
    lab.provider.say({ thinking: 'Hm.', text: 'Grüße 🌍 '.repeat(500), usage });
    const direct = await fetch(
      lab.provider.url + way.path(true).replace(/^\/[a-z]+/, way.dialect === 'chat' ? '/v1' : ''),
      {
        method: 'POST',
        body: JSON.stringify({
          ...way.body(true),
          ...(way.dialect === 'chat' ? { stream_options: { include_usage: true } } : {}),
        }),
      },
    );
    const expected = await direct.text();
    lab.provider.say({ thinking: 'Hm.', text: 'Grüße 🌍 '.repeat(500), usage });
    const answer = await askModel(await lab.open(), way);
    const sameNames = (text: string): string => text.replace(/"(?:[a-z]+)_\d+"|"(?:[a-z]+)-\d+"/g, '"id"');
    expect(sameNames(answer.text)).toBe(sameNames(expected));
    expect(answer.text).toContain('🌍');
  });

  it('is asked for its usage where an agent would not have it', async () => {
    const answer = await askModel(await lab.open(), wayBy('chat'));
    expect(lab.provider.requests[0]?.body['stream_options']).toEqual({ include_usage: true });
    expect(answer.text).toContain('"prompt_tokens":100');
  });

  it('passes while it streams', async () => {
    const held = latch();
    lab.provider.say({
      text: 'first words, then a pause',
      beforePiece: (index) => (index === 3 ? held.opened : undefined),
    });
    let seen = '';
    const answer = askModel(await lab.open(), wayBy('messages'), { onText: (text) => (seen = text) });
    await vi.waitFor(() => {
      expect(seen).toContain('first words');
    });
    expect(lab.records).toEqual([]);
    held.open();
    expect((await answer).text).toContain('message_stop');
    expect(lab.records).toHaveLength(1);
  });
});

describe('a response that is not ended', () => {
  const text = 'x'.repeat(400);

  it.each(waysToAsk)('is counted roughly when the provider drops it: $dialect', async (way) => {
    lab.provider.say({ text, usage, fault: { dropAfter: 15 } });
    const answer = await askModel(await lab.open(), way);
    expect(answer.isBroken).toBe(true);
    expect(lab.records).toHaveLength(1);
    const [record] = lab.records;
    expect(record).toMatchObject({ estimated: true, model: way.model });
    expect(record?.usage.output).toBeGreaterThan(50);
    expect(record?.usage.output).toBeLessThan(101);
    if (way.dialect === 'messages' || way.dialect === 'generate') expect(record?.usage.input).toBe(usage.input);
    else expect(record?.usage.input).toBe(Math.ceil(JSON.stringify(lab.provider.requests[0]?.body).length / 4));
  });

  /** Asks, and goes away in the middle; the provider waits for `held` before the rest. */
  async function askAndGo(way: WayToAsk, held: Promise<unknown>): Promise<GatewayAccess> {
    lab.provider.say({ text, usage, beforePiece: (index) => (index === 12 ? held : undefined) });
    const gone = new AbortController();
    const access = await lab.open();
    const asked = askModel(access, way, {
      signal: gone.signal,
      onText: (seen) => {
        if (seen.includes('x'.repeat(24))) gone.abort();
      },
    });
    await asked.catch(() => undefined);
    return access;
  }

  it.each(waysToAsk)("is counted once, to the provider's token, when the agent goes away: $dialect", async (way) => {
    const held = latch();
    const access = await askAndGo(way, held.opened);
    await access.close();
    expect(lab.records).toEqual([]);
    held.open();
    await vi.waitFor(() => {
      expect(lab.records).toEqual([expect.objectContaining({ usage, estimated: false, model: way.model })]);
    });
    expect(lab.provider.counted()).toEqual(usage);
    expect(lab.provider.requests[0]?.isAborted).toBe(false);
  });

  it.each(waysToAsk)('that is not streamed is counted, too, when the agent goes away: $dialect', async (way) => {
    const held = latch();
    lab.provider.say({ text, usage, beforeAnswer: () => held.opened });
    const access = await lab.open();
    const asked = askModel(access, way, { stream: false }).catch(() => undefined);
    await vi.waitFor(() => {
      expect(lab.provider.requests).toHaveLength(1);
    });
    await access.close();
    await asked;
    held.open();
    await vi.waitFor(() => {
      expect(lab.records).toEqual([expect.objectContaining({ usage, estimated: false })]);
    });
  });

  it('is read on for its count no longer than that takes a while, and then counted roughly', async () => {
    await lab.close();
    lab = await openGatewayLab({ drainMs: 50 });
    const held = latch();
    await askAndGo(wayBy('messages'), held.opened);
    await vi.waitFor(() => {
      expect(lab.provider.requests[0]?.isAborted).toBe(true);
    });
    held.open();
    expect(lab.records).toEqual([expect.objectContaining({ estimated: true })]);
    expect(lab.records[0]?.usage.input).toBe(usage.input);
  });

  it('holds up the end of the gateway for a moment, and is then counted roughly', async () => {
    await lab.close();
    lab = await openGatewayLab({ closeMs: 50 });
    const held = latch();
    await askAndGo(wayBy('messages'), held.opened);
    await lab.gateway.close();
    expect(lab.records).toEqual([expect.objectContaining({ estimated: true })]);
    held.open();
  });

  it('has its count when the gateway ends and the provider is about to', async () => {
    const held = latch();
    await askAndGo(wayBy('messages'), held.opened);
    const closed = lab.gateway.close();
    held.open();
    await closed;
    expect(lab.records).toEqual([expect.objectContaining({ usage, estimated: false })]);
  });

  it('is cut at once when what the agent left passes the budget', async () => {
    const [held, rest] = [latch(), latch()];
    lab.provider.say({
      ...{ text: 'word '.repeat(4000), usage: { input: 10, output: 4000 } },
      beforePiece: (index) => (index === 12 ? held.opened : index === 400 ? rest.opened : undefined),
    });
    const gone = new AbortController();
    const access = await lab.open({ budget: { tokens: 500, dollars: null } });
    const asked = askModel(access, wayBy('messages'), {
      signal: gone.signal,
      onText: (seen) => {
        if (seen.includes('word ')) gone.abort();
      },
    });
    await asked.catch(() => undefined);
    held.open();
    await vi.waitFor(() => {
      expect(lab.records).toEqual([expect.objectContaining({ estimated: true })]);
    });
    await vi.waitFor(() => {
      expect(lab.provider.requests[0]?.isAborted).toBe(true);
    });
    rest.open();
    expect(access.refusal()?.kind).toBe('budget');
  });

  it('is counted for what was asked when nothing comes in that while', async () => {
    await lab.close();
    lab = await openGatewayLab({ drainMs: 50 });
    lab.provider.say({ fault: { hang: true } });
    const gone = new AbortController();
    const asked = askModel(await lab.open(), wayBy('messages'), { signal: gone.signal, text: 'y'.repeat(4000) });
    await vi.waitFor(() => {
      expect(lab.provider.requests).toHaveLength(1);
    });
    gone.abort();
    await asked.catch(() => undefined);
    await vi.waitFor(() => {
      expect(lab.records).toHaveLength(1);
    });
    expect(lab.records[0]).toMatchObject({ estimated: true, model: 'claude-sonnet-4-5' });
    expect(lab.records[0]?.usage.input).toBeGreaterThan(1000);
    expect(lab.records[0]?.usage.output).toBe(0);
  });

  it.each(waysToAsk)('is told from the moment it is asked for: $dialect', async (way) => {
    const held = latch();
    lab.provider.say({ text, usage, beforePiece: (index) => (index === 12 ? held.opened : undefined) });
    const asked = askModel(await lab.open(), way);
    await vi.waitFor(() => {
      expect(lab.told[0]).toMatchObject({ open: true, estimated: true, model: way.model, usage: { output: 0 } });
    });
    expect(lab.told[0]?.usage.input).toBeGreaterThan(0);
    held.open();
    await asked;
    const ids = new Set(lab.told.map(({ id }) => id));
    expect(ids.size).toBe(1);
    expect(lab.told.map(({ open }) => open)).toEqual([...lab.told.slice(1).map(() => true), false]);
    // At the start, with the provider's first count where there is one, and at the end.
    expect(lab.told.length).toBeLessThan(4);
  });

  it('is told again as it grows, now and then', async () => {
    await lab.close();
    let now = 0;
    lab = await openGatewayLab({ now: () => now });
    let seen = '';
    let passed = -1;
    lab.provider.say({
      ...{ text: 'word '.repeat(16), usage: { input: 10, output: 60 } },
      beforePiece: async () => {
        // What was sent before has arrived, so that pieces come one by one.
        await vi.waitFor(() => {
          expect(seen.length).toBeGreaterThan(passed);
        }, 1000);
        passed = seen.length;
        now += 3000;
      },
    });
    await askModel(await lab.open(), wayBy('messages'), { onText: (text) => (seen = text) });
    const counts = lab.told.map(({ usage: { output } }) => output);
    expect(counts.length).toBeGreaterThan(4);
    expect(counts.length).toBeLessThan(12);
    expect(counts).toEqual([...counts].sort((left, right) => left - right));
    expect(new Set(lab.told.map(({ at }) => at))).toEqual(new Set([0]));
  });

  it('counts a picture in it as few tokens', async () => {
    await lab.close();
    lab = await openGatewayLab({ drainMs: 50 });
    lab.provider.say({ fault: { hang: true } });
    const gone = new AbortController();
    const text = Buffer.alloc(900_000, 7).toString('base64');
    const asked = askModel(await lab.open(), wayBy('messages'), { signal: gone.signal, text });
    await vi.waitFor(() => {
      expect(lab.provider.requests).toHaveLength(1);
    });
    gone.abort();
    await asked.catch(() => undefined);
    await vi.waitFor(() => {
      expect(lab.records).toHaveLength(1);
    });
    expect(lab.records[0]?.usage.input).toBeLessThan(2000);
  });
});

describe('what is no response of a model', () => {
  it.each([400, 429, 500, 529])('is not counted: status %i', async (status) => {
    lab.provider.say({ fault: { status } });
    await askModel(await lab.open(), wayBy('messages'));
    expect(lab.records).toEqual([]);
    expect(lab.refused).toEqual(lab.told.map(({ id }) => id));
    expect(lab.refused).toHaveLength(1);
  });

  it('is not counted: a provider that cannot be reached', async () => {
    await lab.provider.close();
    expect((await askModel(await lab.open(), wayBy('messages'))).status).toBe(502);
    expect(lab.records).toEqual([]);
    expect(lab.refused).toHaveLength(1);
  });

  it('is not counted: lists of models, counts of tokens', async () => {
    const access = await lab.open();
    expect((await ask(access, '/anthropic/v1/models', { method: 'GET' })).status).toBe(200);
    expect((await ask(access, '/anthropic/v1/messages/count_tokens', { body: {} })).status).toBe(200);
    expect(lab.records).toEqual([]);
  });
});

describe('a price', () => {
  it.each([
    ['messages', 3],
    ['responses', 1.25],
    ['generate', 1.25],
  ] as const)('is known for the vendor of %s', async (dialect, perMillion) => {
    const million = { input: 100_000, cacheRead: 0, cacheWrite: 0, output: 0 };
    lab.provider.say({ text: 'ok', usage: million });
    await askModel(await lab.open(), wayBy(dialect));
    expect(lab.records[0]?.cost).toBeCloseTo(perMillion / 10, 6);
  });

  it("is unknown, never nothing, for a house of one's own, whatever it calls its models", async () => {
    lab.provider.say({ text: 'ok', usage }, { text: 'ok', usage });
    const access = await lab.open();
    const way = wayBy('chat');
    await askModel(access, way);
    await ask(access, way.path(true), { body: { ...way.body(true), model: 'gpt-4o' } });
    await askModel(access, {
      ...wayBy('messages'),
      body: (stream) => ({ ...wayBy('messages').body(stream), model: 'claude-next' }),
    });
    expect(lab.records.map(({ cost }) => cost)).toEqual([null, null, null]);
  });

  it('is the one in opus.yml where there is one', async () => {
    await lab.close();
    const prices = { 'qwen3-coder': { input: 2, output: 10, cacheRead: 0.5 } };
    lab = await openGatewayLab({ models: { house: { prices } } });
    lab.provider.say({ text: 'ok', usage });
    await askModel(await lab.open(), wayBy('chat'));
    expect(lab.records[0]?.cost).toBeCloseTo((2000 * 2 + 1000 * 0.5 + 250 * 10) / 1e6, 9);
  });
});

describe('an event stream', () => {
  it('is read whatever pieces it comes in', () => {
    const stream = Buffer.from(
      ': hello\r\nevent: a\r\ndata: {"ü":1}\r\n\r\ndata: one\ndata:two\n\nid: 3\n\ndata: last\n\n',
    );
    for (let size = 1; size < stream.length; size += 1) {
      const seen: string[] = [];
      const read = eventStreamReader(1000, (data) => seen.push(data));
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
      expect(seen).toEqual(['{"ü":1}', 'one\ntwo', 'last']);
    }
  });

  it('passes over an event that is too large to hold', () => {
    const seen: string[] = [];
    const read = eventStreamReader(100, (data) => seen.push(data));
    for (let at = 0; at < 10; at += 1)
      read(Buffer.from(at === 0 ? 'data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' : 'x'.repeat(30)));
    read(Buffer.from('\n\ndata: next\n\n'));
    expect(seen).toEqual(['next']);
  });
});

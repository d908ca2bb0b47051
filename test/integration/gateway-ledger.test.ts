import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { ModelConfig } from '../../runner/core/configuration.ts';
import type { GatewayAccess } from '../../runner/core/ports/gateway.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { leftToday } from '../../runner/engine/budget.ts';
import { keepUsage, subscriptionWindows } from '../../runner/engine/usage-book.ts';
import { addUsage, noUsage } from '../../shared/domain/agent-event.ts';
import {
  askModel,
  latch,
  openGatewayLab,
  wayBy,
  waysToAsk,
  type GatewayLab,
  type GatewayLabOptions,
} from '../support/gateway-lab.ts';

let folder: string;
let registry: JobRegistry;
let lab: GatewayLab;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-ledger-'));
  registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: Date.now } });
  lab = await openGatewayLab();
});
afterEach(async () => {
  await lab.close();
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

async function anew(options: GatewayLabOptions): Promise<void> {
  await lab.close();
  lab = await openGatewayLab(options);
}

/** One attempt of a job, whose day may take so many tokens or dollars, in one ledger with all others. */
function attempt(limits: { tokens?: number; dollars?: number; job?: string } = {}): Promise<GatewayAccess> {
  const { tokens = null, dollars = null, job = 'FR-1-1' } = limits;
  return lab.open({
    left: () => leftToday(registry, { dailyTokens: tokens, dailyBudget: dollars }, Date.now()),
    ...keepUsage({
      registry,
      models: () => ({ house: { window: house } as ModelConfig }),
      about: { jobId: job, attemptId: null, agent: 'coder' },
    }),
  });
}

let house: ModelConfig['window'] = null;
const summed = () =>
  registry
    .usage({})
    .map(({ usage }) => usage)
    .reduce(addUsage, noUsage);
const spent = (): number => summed().input + summed().output;

const asks = waysToAsk.flatMap((way) => [
  { way, stream: true, how: `${way.dialect}, streamed` },
  { way, stream: false, how: `${way.dialect}, at once` },
]);

describe('a budget', () => {
  it.each(asks)('is passed by no more than one response, whatever the sizes: $how', async ({ way, stream }) => {
    let before = 0;
    for (const budget of [1, 1300]) {
      for (const [input, output] of [
        [100, 5],
        [300, 60],
        [60, 900],
      ] as const) {
        lab.provider.say(
          ...Array.from({ length: 50 }, () => ({ text: 'abcd'.repeat(output), usage: { input, output } })),
        );
        const access = await attempt({ tokens: before + budget });
        for (let tries = 0; access.refusal() === null && tries < 60; tries += 1)
          await askModel(access, way, { stream });
        await access.close();
        expect(access.refusal()?.kind).toBe('budget');
        const took = spent() - before;
        expect(took).toBeGreaterThanOrEqual(budget);
        // What was cut is estimated, to a few tokens.
        expect(took).toBeLessThan(budget + input + output + 20);
        before += took;
      }
    }
  });

  it('of a day is one for all that go on at once', async () => {
    const held = latch();
    const turn = { text: 'abcd'.repeat(400), usage: { input: 100, output: 400 } };
    lab.provider.say({ ...turn, beforePiece: (index) => (index === 30 ? held.opened : undefined) }, turn, turn);
    const [one, other] = [await attempt({ tokens: 1200 }), await attempt({ tokens: 1200, job: 'FR-2-1' })];
    const first = askModel(one, wayBy('messages'));
    await vi.waitFor(() => {
      expect(spent()).toBeGreaterThan(100);
    });
    await askModel(other, wayBy('messages'));
    await askModel(other, wayBy('messages'));
    // The rest of the first would be too much by now.
    held.open();
    await first;
    expect(spent()).toBeGreaterThanOrEqual(1200);
    expect(spent()).toBeLessThan(1700);
    for (const access of [one, other]) expect((await askModel(access, wayBy('messages'))).status).toBe(400);
  });

  it('in dollars is not touched by a subscription', async () => {
    await anew({ models: { anthropic: { subscription: true } } });
    lab.provider.say(...Array.from({ length: 3 }, () => ({ text: 'ok', usage: { input: 100_000, output: 5 } })));
    const access = await attempt({ dollars: 0.01 });
    for (let time = 0; time < 3; time += 1) expect((await askModel(access, wayBy('messages'))).status).toBe(200);
    expect(registry.usage({})).toMatchObject([{ cost: 0, unpriced: 0, subscription: 300_015 }]);
  });
});

describe('an agent that is killed in the middle of an answer', () => {
  it.each(waysToAsk)('has spent what the provider says: $dialect', async (way) => {
    const held = latch();
    const usage = { input: 3000, cacheRead: 1000, cacheWrite: 0, output: 250 };
    lab.provider.say({
      ...{ text: 'and on and on '.repeat(30), usage },
      beforePiece: (index) => (index === 8 ? held.opened : undefined),
    });
    const access = await attempt();
    const asking = `
      const request = require('node:http').request({ socketPath: process.argv[1], path: process.argv[2], method: 'POST' });
      request.on('response', (response) => response.once('data', () => console.log('begun')));
      request.end(process.argv[3]);`;
    const body = JSON.stringify(way.body(true));
    const agent = spawn(process.execPath, ['-e', asking, access.socketPath, way.path(true), body]);
    await once(agent.stdout, 'data');
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    await access.close();
    expect(registry.usage({})).toMatchObject([{ responses: 1, estimated: 1 }]);
    held.open();
    await vi.waitFor(() => {
      expect(registry.usage({})).toMatchObject([{ responses: 1, estimated: 0, usage }]);
    });
    expect(summed()).toEqual(lab.provider.counted());
  });
});

describe('the window of a subscription', () => {
  const usage = { input: 100_000, output: 5 };
  const reset = Math.round(Date.now() / 1000) + 7200;
  const five = 18_000_000;

  it('is as full as Anthropic says; a response took what there is more', async () => {
    await anew({ models: { anthropic: { subscription: true } } });
    const told = (short: string, long: string) => ({
      ...{ text: 'ok', usage },
      headers: {
        'anthropic-ratelimit-unified-5h-utilization': short,
        'anthropic-ratelimit-unified-5h-reset': String(reset),
        'anthropic-ratelimit-unified-7d-utilization': long,
        'anthropic-ratelimit-unified-7d-reset': String(reset + 90_000),
        'anthropic-ratelimit-unified-7d_oi-utilization': '0.9',
      },
    });
    lab.provider.say(told('0.10', '0.5'), told('0.13', '0.5'), told('0.20', '0.51'));
    const access = await attempt();
    await askModel(access, wayBy('messages'));
    expect(registry.usage({})[0]?.shares).toEqual([]);
    await askModel(access, wayBy('messages'));
    await askModel(access, wayBy('messages'));
    expect(registry.usage({ jobId: 'FR-1-1' })[0]?.shares).toEqual([
      { endpoint: 'anthropic', lengthMs: five, share: expect.closeTo(0.1, 8) as number },
      { endpoint: 'anthropic', lengthMs: 7 * 86_400_000, share: expect.closeTo(0.01, 8) as number },
    ]);
    expect(subscriptionWindows(registry, Date.now())).toMatchObject([
      { endpoint: 'anthropic', lengthMs: five, share: 0.2, resetsAt: reset * 1000 },
      { endpoint: 'anthropic', lengthMs: 7 * 86_400_000, share: 0.51, resetsAt: (reset + 90_000) * 1000 },
    ]);
    expect(subscriptionWindows(registry, reset * 1000)).toMatchObject([{ share: 0, resetsAt: null }, { share: 0.51 }]);
  });

  it('is as full as Codex’s backend says', async () => {
    await anew({ models: { openai: { subscription: true } } });
    const headers = {
      'x-codex-primary-used-percent': '37.5',
      'x-codex-primary-window-minutes': '300',
      'x-codex-primary-reset-after-seconds': '60',
      'x-codex-secondary-used-percent': '12',
      'x-codex-secondary-window-minutes': '10080',
      'x-codex-secondary-reset-at': String(reset),
    };
    lab.provider.say({ text: 'ok', headers });
    await askModel(await attempt(), wayBy('responses'));
    expect(subscriptionWindows(registry, Date.now())).toMatchObject([
      { endpoint: 'openai', lengthMs: five, share: 0.375 },
      { endpoint: 'openai', lengthMs: 7 * 86_400_000, share: 0.12, resetsAt: reset * 1000 },
    ]);
  });

  it('is counted by what opus.yml says that it gives, where nobody tells', async () => {
    await anew({ models: { house: { subscription: true } } });
    house = { tokens: 1_000_000, every: five };
    lab.provider.say({ text: 'ok', usage }, { text: 'ok', usage });
    const access = await attempt();
    await askModel(access, wayBy('chat'));
    await askModel(access, wayBy('chat'));
    house = null;
    const share = expect.closeTo(0.20001, 8) as number;
    expect(registry.usage({})[0]?.shares).toEqual([{ endpoint: 'house', lengthMs: five, share }]);
    expect(subscriptionWindows(registry, Date.now())).toMatchObject([{ endpoint: 'house', lengthMs: five, share }]);
  });

  it('stays unknown where neither says anything, and where a key is paid by the token', async () => {
    await anew({ models: { house: { subscription: true } } });
    const headers = { 'anthropic-ratelimit-unified-5h-utilization': '0.5' };
    lab.provider.say({ text: 'ok' }, { text: 'ok', headers });
    const access = await attempt();
    await askModel(access, wayBy('chat'));
    await askModel(access, wayBy('messages'));
    expect(subscriptionWindows(registry, Date.now())).toEqual([]);
    expect(registry.usage({}).flatMap(({ shares }) => shares)).toEqual([]);
  });
});

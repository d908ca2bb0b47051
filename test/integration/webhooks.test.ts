import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createWebhookReader } from '../../runner/adapters/forge-github/webhook-reader.ts';
import type { GithubConfig } from '../../runner/core/configuration.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { createArrivals, type Arrivals } from '../../runner/engine/arrivals.ts';
import { collectLog } from '../support/server-stand-in.ts';
import { startServer, type Answer } from '../support/server-lab.ts';

interface Example {
  readonly name: string;
  readonly body: string;
}

const path = '/webhooks/github';
const secret = 'known to GitHub and to us';

function examples(): Example[] {
  const file = createRequire(import.meta.url).resolve('@octokit/webhooks-examples');
  const events = JSON.parse(readFileSync(file, 'utf8')) as { name: string; examples: object[] }[];
  return events.flatMap(({ name, examples: payloads }) =>
    payloads.map((payload) => ({ name, body: JSON.stringify(payload) })),
  );
}

function signed(body: string, key = secret): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

async function start(overrides: { readonly mayTell?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
  const clock = { now: () => Date.now() };
  const registry = openRegistry({ file: join(folder, 'registry.db'), clock });
  const looks: string[] = [];
  const all: Arrivals[] = [];
  const settings: Omit<GithubConfig, 'repo'> = {
    api: null,
    credentials: { kind: 'token', token: { kind: 'env', name: 'T' } },
    ...(overrides.mayTell === false ? {} : { webhook: { kind: 'env', name: 'SECRET' } }),
  };
  const begin = (): Arrivals => {
    const arrivals = createArrivals({
      reader: createWebhookReader({
        repositories: () => ({
          hello: { repo: 'codertocat/Hello-World', ...settings },
          other: { repo: 'codertocat/other', ...settings },
        }),
        resolveSecret: () => secret,
      }),
      registry,
      clock,
      log: collectLog(),
      news: (repository) => looks.push(repository),
      gatherMs: 20,
    });
    all.push(arrivals);
    return arrivals;
  };
  onTestFinished(() => {
    for (const arrivals of all) arrivals.stop();
    registry.close();
    rmSync(folder, { recursive: true });
  });
  const arrivals = begin();
  const server = await startServer({ webhooks: arrivals });
  const deliver = (id: string, { name, body }: Example, signature = signed(body)): Promise<Answer> =>
    server.ask(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': name,
        'x-github-delivery': id,
        'x-hub-signature-256': signature,
      },
      body,
    });
  return { arrivals, begin, deliver, looks, server };
}

const push = { name: 'push', body: JSON.stringify({ repository: { full_name: 'Codertocat/Hello-World' } }) };

it('takes every kind of webhook twice and out of order, as a few looks at the repository they are of', async () => {
  const { arrivals, deliver, looks } = await start();
  const sent = examples().map((example, index) => ({ id: `d${index}`, example }));
  expect(sent.length).toBe(329);
  // Every second one first, and each again from the other end.
  const order = [...sent.filter((_, index) => index % 2 === 1), ...sent.filter((_, index) => index % 2 === 0)];
  const queue = [...order, ...order.toReversed()];
  const statuses = new Set<number>();
  const send = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      statuses.add((await deliver(next.id, next.example)).status);
    }
  };
  await Promise.all(Array.from({ length: 16 }, send));
  expect([...statuses]).toEqual([202]);
  const about = sent.filter(({ example }) => /"full_name":"Codertocat\/Hello-World"/.test(example.body)).length;
  const { news, repeated, elsewhere, refused } = arrivals.counts();
  expect(news).toBeGreaterThan(100);
  expect(news).toBeLessThanOrEqual(about);
  expect(repeated).toBe(news);
  expect(elsewhere).toBe(2 * (329 - news));
  expect(refused).toBe(0);
  await vi.waitFor(() => {
    expect(looks.length).toBeGreaterThan(0);
  });
  expect(looks.length).toBeLessThanOrEqual(20);
  expect(new Set(looks)).toEqual(new Set(['hello']));
});

it('refuses what nobody with the secret has signed, before and after reading it', async () => {
  const { arrivals, deliver, looks } = await start();
  expect((await deliver('a', push, signed(push.body, 'guessed'))).status).toBe(401);
  expect((await deliver('a', push, signed(`${push.body} `))).status).toBe(401);
  expect((await deliver('a', push, 'sha1=00')).status).toBe(401);
  expect(arrivals.counts()).toEqual({ news: 0, repeated: 0, elsewhere: 0, refused: 2 });
  expect((await deliver('a', push)).status).toBe(202);
  await vi.waitFor(() => {
    expect(looks).toEqual(['hello']);
  });
});

it('knows a delivery again after a restart', async () => {
  const { arrivals, begin, deliver, looks } = await start();
  expect((await deliver('once', push)).status).toBe(202);
  arrivals.stop();
  expect(looks).toEqual([]);
  const after = begin();
  const news = JSON.stringify({ repository: { full_name: 'codertocat/other' } });
  await after.take({ id: 'once', event: 'push', signature: signed(push.body), body: push.body });
  await after.take({ id: 'new', event: 'push', signature: signed(news), body: news });
  expect(after.counts()).toMatchObject({ repeated: 1, news: 1 });
  await vi.waitFor(() => {
    expect(looks).toContain('other');
  });
  // What was sent first would have been told first.
  expect(looks).toEqual(['other']);
});

it('has no such address while no repository has a secret for webhooks', async () => {
  const { deliver } = await start({ mayTell: false });
  expect((await deliver('a', push)).status).toBe(404);
});

it('takes a body of many megabytes, and none above 25', async () => {
  const { deliver } = await start();
  const padded = (length: number): Example => ({ name: 'push', body: push.body.padEnd(length, ' ') });
  expect((await deliver('big', padded(3_000_000))).status).toBe(202);
  const tooLarge = await deliver('huge', padded(25 * 1024 * 1024 + 1)).catch((error: unknown) => error);
  expect(tooLarge).toSatisfy(
    (answer: Answer | NodeJS.ErrnoException) => 'code' in answer || ('status' in answer && answer.status === 413),
  );
});

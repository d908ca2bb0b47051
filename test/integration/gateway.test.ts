import { readdirSync, readFileSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { createServer as createSecureServer } from 'node:https';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { OpusError } from '../../shared/domain/errors.ts';
import { ask, askModel, canary, openGatewayLab, wayBy, waysToAsk, type GatewayLab } from '../support/gateway-lab.ts';
import { removeFolders, runShell, temporaryFolder } from '../support/sandbox-runs.ts';
import { testCertificate } from '../support/test-certificate.ts';

let lab: GatewayLab;
beforeEach(async () => {
  lab = await openGatewayLab();
});
afterEach(async () => {
  await lab.close();
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith('opus-gateway-'))).toEqual([]);
  removeFolders();
});

const messages = wayBy('messages');

describe('the credential', () => {
  it.each([
    ['messages', 'x-api-key', canary],
    ['responses', 'authorization', `Bearer ${canary}`],
    ['chat', 'authorization', `Bearer ${canary}`],
    ['generate', 'x-goog-api-key', canary],
  ] as const)('is put in for %s, whatever the agent sends', async (dialect, header, value) => {
    const way = wayBy(dialect);
    const headers = {
      ...{ 'x-api-key': 'mine', authorization: 'Bearer mine', 'x-goog-api-key': 'mine', cookie: 'mine' },
      ...{ 'openai-organization': 'mine', 'x-goog-fieldmask': 'candidates', 'x-goog-user-project': 'mine' },
    };
    const path = `${way.path(true)}${way.path(true).includes('?') ? '&' : '?'}key=mine&access_token=mine&fields=mine`;
    await ask(await lab.open(), path, { body: way.body(true), headers });
    const [request] = lab.provider.requests;
    expect(request?.headers[header]).toBe(value);
    expect(JSON.stringify([request?.url, request?.headers])).not.toContain('mine');
    expect(request?.headers).not.toHaveProperty('x-goog-fieldmask');
    expect(request?.headers['accept-encoding']).toBe('identity');
  });

  it('of a subscription goes as its token does, with what such tokens need', async () => {
    await lab.close();
    lab = await openGatewayLab({ models: { anthropic: { subscription: true } } });
    await askModel(await lab.open(), messages, { headers: { 'anthropic-beta': 'interleaved-thinking-2025-05-14' } });
    const headers = lab.provider.requests[0]?.headers;
    expect(headers).toMatchObject({
      authorization: `Bearer ${canary}`,
      'anthropic-beta': 'interleaved-thinking-2025-05-14,oauth-2025-04-20',
      'anthropic-version': '2023-06-01',
    });
    expect(headers).not.toHaveProperty('x-api-key');
    expect(lab.records[0]?.subscription).toBe(true);
  });

  it('is missing: said before anything runs', async () => {
    await lab.close();
    const missing = new OpusError('config.secret-missing', 'The secret is missing.');
    lab = await openGatewayLab({
      resolveSecret: () => {
        throw missing;
      },
    });
    await expect(lab.open()).rejects.toBe(missing);
    await expect(lab.open({ endpoints: ['nowhere'] })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('is not needed for a house without one', async () => {
    await lab.close();
    lab = await openGatewayLab({ models: { house: { key: null } } });
    expect((await askModel(await lab.open(), wayBy('chat'))).status).toBe(200);
    expect(lab.provider.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('is nowhere in what comes back, even from a provider that echoes it', async () => {
    lab.provider.say(
      { fault: { status: 400, echo: true, headers: { 'x-echo': `key ${canary}` } } },
      { text: `Your key is ${canary}.` },
    );
    const access = await lab.open();
    const refused = await askModel(access, messages);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('x-api-key');
    const answered = await askModel(access, messages);
    expect(answered.text).toContain('message_stop');
    expect(JSON.stringify([refused, answered, access.refusal(), lab.log, lab.records])).not.toContain(canary);
  });

  it('is found in a stream wherever it is cut', async () => {
    for (let cut = 1; cut < canary.length; cut += 7) {
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`data: before ${canary.slice(0, cut)}`, () => response.end(`${canary.slice(cut)} after\n\n`));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const other = await openGatewayLab({ models: { anthropic: { url } } });
      const { text } = await askModel(await other.open(), messages);
      expect(text).toBe(`data: before ${'*'.repeat(canary.length)} after\n\n`);
      await other.close();
      server.close();
    }
  });

  it('is nowhere that a sandbox can look', async () => {
    const access = await lab.open();
    const out = temporaryFolder();
    lab.provider.say({ fault: { status: 500, echo: true } });
    const script = `
      curl -sS -d '${JSON.stringify(messages.body(true))}' http://127.0.0.1:7000${messages.path(true)} > ${out}/answer
      env > ${out}/env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline > ${out}/processes 2>/dev/null
      ls -laR /run > ${out}/files; grep -rlI --exclude-dir=node_modules '${canary.slice(0, -1)}[${canary.slice(-1)}]' /run /tmp /home /etc /dev/shm 2>/dev/null > ${out}/found
      echo done`;
    const result = await runShell(createBubblewrapSandbox({ watchMs: 50 }), script, {
      mounts: [{ source: out, mode: 'read-write' }],
      forwards: [{ port: 7000, socketPath: access.socketPath }],
    });
    expect(result.tail).toBe('done\n');
    const seen = Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'utf8')]));
    expect(seen['answer']).toContain('x-api-key');
    expect(seen['env']).toContain('PATH=');
    expect(seen['processes']).toContain('relay');
    expect(seen['files']).toContain('port-7000.sock');
    expect(seen['found']).toBe('');
    expect(JSON.stringify(seen)).not.toContain(canary);
    expect(lab.provider.requests[0]?.headers['x-api-key']).toBe(canary);
  });

  it('is behind a socket that no other user can reach', async () => {
    const { socketPath } = await lab.open();
    expect(statSync(dirname(socketPath)).mode & 0o777).toBe(0o700);
  });
});

describe('what is no call of a model', () => {
  it.each([
    ['GET', '/anthropic/v1/files'],
    ['POST', '/anthropic/v1/messages/batches'],
    ['DELETE', '/anthropic/v1/messages'],
    ['POST', '/anthropic/v1/messages/../files'],
    ['POST', '/anthropic//v1/messages'],
    ['POST', '/anthropic/v1/messages%2f..%2ffiles'],
    ['GET', '/anthropic/v1/models/..%2f..%2fadmin'],
    ['GET', '/openai/v1/responses/resp_1'],
    ['POST', '/openai/v1/files'],
    ['POST', '/google/v1beta/cachedContents'],
    ['POST', '/google/upload/v1beta/files'],
    ['GET', '/house/api/tags'],
    ['GET', '/elsewhere/v1/models'],
    ['GET', 'http://127.0.0.1/anthropic/v1/models'],
    ['POST', '/'],
  ])('is not passed on: %s %s', async (method, path) => {
    const answer = await ask(await lab.open(), path, { method, ...(method === 'POST' ? { body: {} } : {}) });
    expect(answer.status).toBe(404);
    expect(lab.provider.connections()).toBe(0);
    expect(lab.log.map(({ message }) => message)).toEqual([
      'An agent asked the gateway for what is no call of a model.',
    ]);
  });

  it('is an endpoint that this agent was not given', async () => {
    const answer = await askModel(await lab.open({ endpoints: ['house'] }), messages);
    expect(answer.status).toBe(404);
    expect(lab.provider.connections()).toBe(0);
  });

  it.each([
    '/anthropic/v1/messages',
    '/anthropic/messages',
    '/house/v1/chat/completions',
    '/house/chat/completions',
    '/google/models/m:generateContent',
  ])('is not a call with or without the version: %s', async (path) => {
    expect((await ask(await lab.open(), path, { body: { model: 'm' } })).status).toBe(200);
    expect(lab.provider.requests[0]?.url).toMatch(
      /^\/v1(beta)?\/(messages|chat\/completions|models\/m:generateContent)$/,
    );
  });

  it('is a response in the background, which nobody could count', async () => {
    const body = { model: 'gpt-5', input: 'x', background: true };
    expect((await ask(await lab.open(), '/openai/v1/responses', { body })).status).toBe(400);
    expect(lab.provider.connections()).toBe(0);
  });

  it.each([
    [
      'messages',
      { mcp_servers: [{}], tools: [{ type: 'web_fetch_20250910', name: 'web_fetch' }, { name: 'Bash' }] },
      { tools: [{ name: 'Bash' }] },
    ],
    [
      'responses',
      {
        tools: [
          { type: 'web_search' },
          { type: 'mcp', server_url: 'https://x.example' },
          { type: 'custom', name: 'a' },
        ],
      },
      { tools: [{ type: 'custom', name: 'a' }] },
    ],
    ['chat', { web_search_options: {}, plugins: [{ id: 'web' }] }, {}],
    [
      'generate',
      { tools: [{ urlContext: {} }, { googleSearch: {}, functionDeclarations: [{ name: 'f' }] }] },
      { tools: [{ functionDeclarations: [{ name: 'f' }] }] },
    ],
  ] as const)(
    'is a tool by which the provider would reach other hosts for the agent: %s',
    async (dialect, more, kept) => {
      const way = wayBy(dialect);
      await ask(await lab.open(), way.path(false), { body: { ...way.body(false), ...more } });
      expect(lab.provider.requests[0]?.body).toEqual({ ...way.body(false), ...kept });
    },
  );

  it('is a key that is there twice', async () => {
    const body = '{"model":"m","tools":[{"type":"web_search"}],"background":true,"tools":[],"background":false}';
    const held: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => held.push(chunk.toString()));
      request.on('end', () => response.end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await lab.close();
    lab = await openGatewayLab({
      models: { openai: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` } },
    });
    await ask(await lab.open(), '/openai/v1/responses', { body });
    server.close();
    expect(held.join('')).toBe('{"model":"m","tools":[],"background":false}');
  });

  it.each([
    ['[1]', {}, 400],
    ['{"model":', {}, 400],
    ['{}', { 'content-encoding': 'gzip' }, 415],
    ['{}', { 'content-length': String(65 * 1024 ** 2) }, 413],
  ])('is a body that cannot be read: %s %j', async (body, headers, status) => {
    const answer = await ask(await lab.open(), '/anthropic/v1/messages', { body, headers });
    expect(answer.status).toBe(status);
    expect(lab.provider.connections()).toBe(0);
  });

  it('is a body without an end', async () => {
    const body = 'x'.repeat(65 * 1024 ** 2);
    const headers = { 'transfer-encoding': 'chunked' };
    const answer = await ask(await lab.open(), '/anthropic/v1/messages', { body, headers }).catch(() => ({
      status: 413,
    }));
    expect(answer.status).toBe(413);
    expect(lab.provider.connections()).toBe(0);
  });
});

describe('a provider', () => {
  it('keeps one connection for calls one after the other', async () => {
    const access = await lab.open();
    for (let call = 0; call < 5; call += 1) expect((await askModel(access, messages)).status).toBe(200);
    expect(lab.provider.connections()).toBe(1);
  });

  it('is not followed to another place', async () => {
    lab.provider.say({ fault: { status: 307, headers: { location: 'http://127.0.0.1:1/v1/messages' } } });
    const answer = await askModel(await lab.open(), messages);
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('redirects (307)');
    expect(lab.provider.requests).toHaveLength(1);
  });

  it('without a valid certificate gets no key', async () => {
    const certificate = testCertificate('127.0.0.1');
    let asked = 0;
    const server = createSecureServer({ cert: certificate.certificate, key: certificate.key }, (_request, response) => {
      asked += 1;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await lab.close();
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    lab = await openGatewayLab({ models: { anthropic: { url } } });
    const answer = await askModel(await lab.open(), messages);
    server.close();
    expect(answer).toMatchObject({ status: 502 });
    expect(answer.text).toContain('cannot be reached: ');
    expect(asked).toBe(0);
  });

  it('that is not there is said to be so, for the agent to try again', async () => {
    const access = await lab.open();
    await lab.provider.close();
    const answer = await askModel(access, messages);
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toEqual({
      type: 'error',
      error: { type: 'api_error', message: 'The model endpoint anthropic cannot be reached: ECONNREFUSED.' },
    });
    expect(access.refusal()).toBeNull();
    expect(lab.records).toEqual([]);
  });

  it('that is silent is given up', async () => {
    await lab.close();
    lab = await openGatewayLab({ idleMs: 50 });
    lab.provider.say({ fault: { hang: true } });
    const answer = await askModel(await lab.open(), messages);
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('it is silent');
  });

  it('that compresses unasked is refused, for nobody could count it', async () => {
    lab.provider.say({ fault: { status: 200, headers: { 'content-encoding': 'gzip' }, body: {} } });
    expect((await askModel(await lab.open(), messages)).status).toBe(502);
  });

  it('waits for an agent that reads slowly, instead of filling the runner', async () => {
    const text = 'z'.repeat(2_000_000);
    let pieces = 0;
    lab.provider.say({
      text,
      beforePiece: () => {
        pieces += 1;
        return undefined;
      },
    });
    const access = await lab.open();
    const total = await new Promise<number>((resolve, reject) => {
      const asked = httpRequest(
        { socketPath: access.socketPath, path: messages.path(true), method: 'POST' },
        (response) => {
          void (async () => {
            await vi.waitFor(() => {
              expect(pieces).toBeGreaterThan(10);
            });
            let before = -1;
            await vi.waitFor(
              () => {
                const [last, now] = [before, pieces];
                before = now;
                expect(now).toBe(last);
              },
              { interval: 100 },
            );
            const whileSlow = pieces;
            response.resume();
            await once(response, 'end');
            resolve(whileSlow);
          })().catch(reject);
        },
      );
      asked.on('error', reject);
      asked.end(JSON.stringify(messages.body(true)));
    });
    expect(total).toBeLessThan(pieces / 2);
    expect(lab.records[0]).toMatchObject({ estimated: false });
  });
});

describe('an attempt', () => {
  it('has a way of its own that ends with it', async () => {
    const [one, other] = [await lab.open(), await lab.open()];
    expect(one.socketPath).not.toBe(other.socketPath);
    expect(one.pathOf('anthropic')).toBe('/anthropic');
    await one.close();
    await one.close();
    await expect(askModel(one, messages)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await askModel(other, messages)).status).toBe(200);
  });

  it('is answered when it looks whether anything is there', async () => {
    const access = await lab.open();
    expect((await ask(access, '/anthropic', { method: 'HEAD' })).status).toBe(200);
    expect((await ask(access, '/google/', { method: 'GET' })).status).toBe(200);
    expect(lab.provider.connections()).toBe(0);
  });

  it.each(waysToAsk)('may ask many things at once: $dialect', async (way) => {
    const access = await lab.open();
    const answers = await Promise.all(Array.from({ length: 20 }, () => askModel(access, way)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(lab.records).toHaveLength(20);
  });

  it('may not ask more at once than the runner can hold', async () => {
    lab.provider.say(...Array.from({ length: 32 }, () => ({ fault: { hang: true } as const })));
    const access = await lab.open();
    const gone = new AbortController();
    const hanging = Array.from({ length: 32 }, () =>
      askModel(access, messages, { signal: gone.signal }).catch(() => null),
    );
    await vi.waitFor(() => {
      expect(lab.provider.requests).toHaveLength(32);
    });
    expect(await askModel(access, messages)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    gone.abort();
    await Promise.all(hanging);
  });
});

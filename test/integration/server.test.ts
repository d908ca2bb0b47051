import { describe, expect, it } from 'vitest';
import { OpusError } from '../../shared/domain/errors.ts';
import { healthy, startServer, token } from '../support/server-lab.ts';
import { aJobDocument, createStandIn, loopbackServer } from '../support/server-stand-in.ts';

describe('the HTTP server', () => {
  describe('tells how it is', () => {
    it('says that it is alive and ready, with what was checked', async () => {
      const server = await startServer();
      expect(await server.ask('/healthz')).toMatchObject({ status: 200, json: { alive: true } });
      expect(await server.ask('/readyz')).toMatchObject({ status: 200, json: healthy });
    });

    it('answers 503 while it cannot start jobs, and stays alive', async () => {
      const server = await startServer({
        health: () => ({ ready: false, checks: [{ name: 'disk', ok: false, message: 'full' }] }),
      });
      expect(await server.ask('/readyz')).toMatchObject({
        status: 503,
        json: { ready: false, checks: [{ name: 'disk' }] },
      });
      expect((await server.ask('/healthz')).status).toBe(200);
    });

    it('gives its metrics as Prometheus text', async () => {
      const server = await startServer();
      const { status, headers, text } = await server.ask('/metrics');
      expect([status, headers['content-type'], text]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
        'opus_jobs 1\n',
      ]);
    });

    it.each([
      ['passed on by a proxy', { 'x-forwarded-for': '127.0.0.1' }],
      ['for a public name', { host: 'opus.example.org' }],
    ])('asks for the token and keeps messages to itself when the request is %s', async (_what, headers) => {
      const server = await startServer({ config: { ...loopbackServer, publicUrl: 'https://opus.example.org' } });
      expect((await server.ask('/metrics', { headers })).status).toBe(401);
      expect((await server.ask('/metrics', { headers: { ...headers, authorization: `Bearer ${token}` } })).status).toBe(
        200,
      );
      expect((await server.ask('/readyz', { headers })).json).toEqual({
        ready: true,
        checks: [{ name: 'vault', ok: true }],
      });
      expect((await server.ask('/healthz', { headers })).status).toBe(200);
    });

    it('tells nobody what broke inside', async () => {
      const server = await startServer({
        metrics: () => Promise.reject(new OpusError('registry.busy', 'The registry /home/me/x is locked.')),
      });
      const { status, text } = await server.ask('/metrics');
      expect(status).toBe(500);
      expect(text).not.toContain('/home/me');
      expect(server.log.errors).toContain('A request could not be answered.');
    });

    it('sends the headers that keep browsers from making anything of an answer', async () => {
      const server = await startServer();
      for (const path of ['/healthz', '/nowhere']) {
        expect((await server.ask(path)).headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        });
      }
    });

    it.each(['/', '/api/v1', '/api/v2/rpc', '/../etc/passwd', '/%zz', `/${'a'.repeat(3_000)}`])(
      'knows nothing at %.20s and says only that',
      async (path) => {
        const server = await startServer();
        const { hostname, port } = new URL(server.url);
        const socket = await server.connection();
        socket.end(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`);
        let text = '';
        for await (const chunk of socket.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
        expect(text).toMatch(/^HTTP\/1\.1 40[04] /);
        const { error } = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { error: object };
        expect(error).toEqual({ code: 'protocol.invalid', message: expect.any(String) as string, hint: null });
      },
    );
  });

  describe('takes calls', () => {
    it('hands params on with their defaults and gives back what is promised, nothing more', async () => {
      const standIn = createStandIn({
        'fr.dispatch': () => Promise.resolve({ ...aJobDocument(), notePath: '/home/me/secret' }),
      });
      const server = await startServer({ application: standIn.application });
      const { status, json } = await server.call('fr.dispatch', { fr: 'FR-1' });
      expect(status).toBe(200);
      expect(json).toEqual({ jsonrpc: '2.0', id: 7, result: aJobDocument() });
      expect(standIn.calls).toEqual([{ method: 'fr.dispatch', params: { fr: 'FR-1', again: false } }]);
    });

    it('gives an OpusError as its code, sentence and hint', async () => {
      const server = await startServer();
      expect((await server.call('job.get', { job: 'FR-9' })).json).toEqual({
        jsonrpc: '2.0',
        id: 7,
        error: {
          code: -32_000,
          message: 'There is no job "FR-9".',
          data: {
            code: 'registry.job-not-found',
            message: 'There is no job "FR-9".',
            hint: '`opus job list` names the jobs.',
          },
        },
      });
    });

    it('logs what is a defect, and says so', async () => {
      const server = await startServer();
      const { json } = await server.call('board.get');
      expect(json).toMatchObject({ error: { code: -32_000, data: { code: 'internal.unexpected' } } });
      expect(server.log.errors.at(-1)).toContain('board.get broke');
    });

    it('does not pass on an answer that the method does not promise', async () => {
      const answer = { paused: 'maybe', running: 1 } as never;
      const server = await startServer({
        application: createStandIn({ 'runner.pause': () => Promise.resolve(answer) }).application,
      });
      const { json } = await server.call('runner.pause');
      expect(json).toMatchObject({ error: { data: { code: 'internal.unexpected' } } });
      expect(JSON.stringify(json)).toContain('result.paused must be one of no, paused, draining');
    });

    it.each([
      ['no JSON', '{"jsonrpc":', -32_700, null],
      ['nothing', '', -32_700, null],
      ['brackets without end', '['.repeat(500_000), -32_700, null],
      ['several calls at once', '[{"jsonrpc":"2.0","id":1,"method":"runner.pause"}]', -32_600, null],
      ['another version', '{"jsonrpc":"1.0","id":"a","method":"runner.pause"}', -32_600, 'a'],
      ['a call without an id', '{"jsonrpc":"2.0","method":"runner.pause"}', -32_600, null],
      ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"runner.explode"}', -32_601, 1],
      ['a method of all objects', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32_601, 1],
      ['params in a row', '{"jsonrpc":"2.0","id":1,"method":"runner.pause","params":[]}', -32_600, 1],
      [
        'a misspelt option',
        '{"jsonrpc":"2.0","id":1,"method":"fr.dispatch","params":{"fr":"a","agian":1}}',
        -32_602,
        1,
      ],
      ['a missing param', '{"jsonrpc":"2.0","id":1,"method":"job.get"}', -32_602, 1],
      [
        'a forged prototype',
        '{"jsonrpc":"2.0","id":1,"method":"job.get","params":{"__proto__":{"job":"a"}}}',
        -32_602,
        1,
      ],
      [
        'a relative folder',
        '{"jsonrpc":"2.0","id":1,"method":"job.checkout","params":{"job":"a","dir":"b"}}',
        -32_602,
        1,
      ],
    ])('refuses %s without asking the runner', async (_what, body, code, id) => {
      const standIn = createStandIn();
      const server = await startServer({ application: standIn.application });
      const answer = await server.post(body);
      expect(answer.json).toMatchObject({ jsonrpc: '2.0', id, error: { code } });
      expect(answer.status).toBe(id === null ? 400 : 200);
      expect(standIn.calls).toEqual([]);
    });

    it('says which param is wrong', async () => {
      const server = await startServer();
      const { json } = await server.call('events.since', { afterSeq: 'x', limit: 5_000, more: 1 });
      expect(json).toMatchObject({
        error: {
          message:
            'events.since: params.afterSeq must be of type number; params.limit must have at most 1000; params has no more.',
        },
      });
    });
  });
});

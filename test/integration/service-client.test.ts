import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunnerConfig } from '../../runner/core/configuration.ts';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import { createServer, type Server } from '../../runner/server/create-server.ts';
import { readServiceFile, writeServiceFile } from '../../runner/server/service-file.ts';
import { testCertificate } from '../support/test-certificate.ts';
import { withoutDevices } from '../support/server-lab.ts';
import {
  aJobDocument,
  aService,
  collectLog,
  createStandIn,
  loopbackServer,
  type StandIn,
} from '../support/server-stand-in.ts';

// A busy machine may take long over anything.
const patience = { timeout: 20_000 };

describe('the service of a data folder', () => {
  let data: string;
  const releases: (() => unknown)[] = [];
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'opus-service-'));
  });
  afterEach(async () => {
    for (const release of releases.splice(0)) await release();
    rmSync(data, { recursive: true, force: true });
  });

  /** Starts a service and writes its file, as `opus serve` does. */
  async function serve(
    standIn: StandIn,
    options: { readonly token?: string; readonly config?: RunnerConfig['server'] } = {},
  ): Promise<Server> {
    const token = options.token ?? 'a-token';
    const server = createServer({
      config: options.config ?? loopbackServer,
      application: standIn.application,
      health: () => ({ ready: true, checks: [] }),
      metrics: () => Promise.resolve(''),
      token,
      ...withoutDevices(),
      log: collectLog(),
    });
    releases.push(() => server.close());
    const { url, certificate } = await server.listen();
    writeServiceFile(data, aService({ url, token, certificate }));
    return server;
  }

  function client(): ServiceClient {
    const connected = connectToService(data);
    if (connected === null) throw new Error('no service was found');
    return connected;
  }

  describe('answers calls', () => {
    it('with a checked result', async () => {
      const standIn = createStandIn();
      await serve(standIn);
      expect(client().service).toMatchObject({ version: '1.2.3', pid: process.pid });
      expect(await client().call('job.get', { job: 'FR-1' })).toEqual(aJobDocument());
      expect(await client().ask('runner.pause', {})).toEqual({ paused: 'paused', running: 1 });
      expect(standIn.calls.map(({ method }) => method)).toEqual(['job.get', 'runner.pause']);
    });

    it('with its OpusError, as it was thrown there', async () => {
      await serve(createStandIn());
      await expect(client().call('job.get', { job: 'FR-9' })).rejects.toMatchObject({
        name: 'OpusError',
        code: 'registry.job-not-found',
        message: 'There is no job "FR-9".',
        hint: '`opus job list` names the jobs.',
      });
    });

    it('by saying what is wrong with a call', async () => {
      await serve(createStandIn());
      await expect(client().call('job.list', { limit: 0 })).rejects.toMatchObject({
        code: 'protocol.invalid',
        message: 'job.list: params.limit must have at least 1.',
      });
    });

    it('not to who holds another token', async () => {
      await serve(createStandIn());
      writeServiceFile(data, aService({ ...readServiceFile(data), token: 'another' }));
      await expect(client().call('runner.pause', {})).rejects.toMatchObject({ code: 'protocol.unauthorized' });
    });

    describe('over TLS', () => {
      const authority = testCertificate('an authority');
      const tlsFiles = (certificate: string, key: string): RunnerConfig['server'] => {
        const tls = { certificate: join(data, 'certificate.pem'), key: join(data, 'key.pem') };
        writeFileSync(tls.certificate, certificate);
        writeFileSync(tls.key, key);
        return { ...loopbackServer, tls };
      };

      it.each([
        ['that it signed itself', undefined],
        ['that an authority signed which is not known here', authority],
      ])('with a certificate %s for another name', async (_what, issuer) => {
        const { certificate, key } = testCertificate('opus.example.org', issuer);
        await serve(createStandIn(), { config: tlsFiles(certificate + authority.certificate, key) });
        expect(client().service.url).toMatch(/^https:/);
        expect(await client().call('runner.pause', {})).toEqual({ paused: 'paused', running: 1 });
      });

      it.each([
        ['of the same name', undefined],
        ['of the same authority', authority],
      ])('but is told nothing when it shows another certificate %s', async (_what, issuer) => {
        const { certificate, key } = testCertificate('opus.example.org', issuer);
        const standIn = createStandIn();
        await serve(standIn, { config: tlsFiles(certificate, key) });
        const own = testCertificate('opus.example.org', issuer).certificate;
        writeServiceFile(data, aService({ ...readServiceFile(data), certificate: own }));
        await expect(client().call('runner.pause', {})).rejects.toMatchObject({ code: 'protocol.unreachable' });
        expect(standIn.calls).toEqual([]);
      });
    });
  });

  describe('that does not answer', () => {
    it('though its process lives is unreachable, with what to do', async () => {
      const server = createSocketServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      writeServiceFile(data, aService({ url: `http://127.0.0.1:${port}` }));
      await expect(client().call('runner.pause', {})).rejects.toMatchObject({
        code: 'protocol.unreachable',
        message: `The service (pid ${process.pid}) does not answer at http://127.0.0.1:${port}: it refuses the connection.`,
        hint: expect.stringContaining('opus serve') as string,
      });
    });

    it('in time is unreachable', async () => {
      await serve(createStandIn({ 'runner.pause': () => new Promise(() => undefined) }));
      await expect(client().call('runner.pause', {}, { timeoutMs: 20 })).rejects.toMatchObject({
        code: 'protocol.unreachable',
        message: expect.stringContaining('no answer came within 0.02 s') as string,
      });
    });

    it('because it stopped meanwhile says so', async () => {
      const server = await serve(createStandIn());
      const connected = client();
      await server.close();
      rmSync(join(data, 'service.json'));
      await expect(connected.call('runner.pause', {})).rejects.toMatchObject({
        code: 'protocol.unreachable',
        message: 'The service has stopped.',
      });
    });

    it.each([
      ['text', 200, 'hello'],
      ['JSON of another kind', 200, '{"ok":true}'],
      ['an answer to another call', 200, '{"jsonrpc":"2.0","id":99,"result":{"paused":"no","running":0}}'],
      ['a page that is missing', 404, '{"error":{"code":"x"}}'],
      ['a result of another shape', 200, '{"jsonrpc":"2.0","id":1,"result":{"paused":"perhaps"}}'],
    ])('in its own words but with %s is not believed', async (_what, status, text) => {
      const server = createPlainServer((_request, response) => {
        response.writeHead(status).end(text);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      releases.push(() => new Promise((resolve) => server.close(resolve)));
      writeServiceFile(data, aService({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
      await expect(client().call('runner.pause', {})).rejects.toMatchObject({ code: 'protocol.invalid' });
    });
  });

  describe('lets a job be followed', () => {
    const never = new AbortController().signal;

    it('until it rests, with its events in order, each once', async () => {
      const standIn = createStandIn();
      await serve(standIn);
      standIn.tell('job.queued', { status: 'queued' });
      const seen: string[] = [];
      const followed = client().follow('FR-1', { signal: never, afterSeq: 0, onEvent: ({ type }) => seen.push(type) });
      await vi.waitFor(() => {
        expect(standIn.waiting()).toBe(1);
      }, patience);
      standIn.tell('stage.started', { status: 'running' });
      standIn.tell('stage.completed');
      await vi.waitFor(() => {
        expect(seen).toHaveLength(3);
      }, patience);
      standIn.tell('job.waiting', { status: 'waiting', waitingFor: 'approval' });
      expect(await followed).toMatchObject({ job: 'FR-1-1', waitingFor: 'approval' });
      expect(seen).toEqual(['job.queued', 'stage.started', 'stage.completed', 'job.waiting']);
    });

    it('from now on, unless told otherwise', async () => {
      const standIn = createStandIn();
      await serve(standIn);
      standIn.tell('job.queued', { status: 'queued' });
      const seen: string[] = [];
      const followed = client().follow('FR-1-1', { signal: never, onEvent: ({ type }) => seen.push(type) });
      await vi.waitFor(() => {
        expect(standIn.waiting()).toBe(1);
      }, patience);
      standIn.tell('job.succeeded', { status: 'succeeded' });
      expect(await followed).toMatchObject({ status: 'succeeded' });
      expect(seen).toEqual(['job.succeeded']);
    });

    it.each([
      [{ status: 'failed' }, true],
      [{ status: 'canceled' }, true],
      [{ status: 'paused' }, true],
      [{ status: 'paused', waitingFor: 'slot' }, false],
      [{ status: 'waiting', waitingFor: 'human' }, true],
      [{ status: 'waiting', waitingFor: 'question' }, true],
      [{ status: 'waiting', waitingFor: 'slot' }, false],
      [{ status: 'waiting', waitingFor: 'usage-limit' }, false],
      [{ status: 'queued' }, false],
    ] as const)('and %o is at rest: %s', async (fields, rests) => {
      const standIn = createStandIn();
      await serve(standIn);
      standIn.tell('job.changed', fields);
      const stop = new AbortController();
      const followed = client().follow('FR-1-1', { signal: stop.signal, onEvent: () => undefined });
      if (rests) {
        expect(await followed).toMatchObject(fields);
        return;
      }
      await vi.waitFor(() => {
        expect(standIn.waiting()).toBe(1);
      }, patience);
      stop.abort(new Error('enough'));
      await expect(followed).rejects.toThrow('enough');
    });

    it('through a restart, with nothing told twice or left out', async () => {
      const first = createStandIn();
      const server = await serve(first, { token: 'first' });
      first.tell('job.queued');
      const seen: number[] = [];
      const followed = client().follow('FR-1-1', { signal: never, afterSeq: 0, onEvent: ({ seq }) => seen.push(seq) });
      await vi.waitFor(() => {
        expect([seen, first.waiting()]).toEqual([[1], 1]);
      }, patience);
      await server.close();
      rmSync(join(data, 'service.json'));
      const second = createStandIn();
      second.tell('job.queued');
      second.tell('stage.started');
      await serve(second, { token: 'second' });
      await vi.waitFor(() => {
        expect([seen, second.waiting()]).toEqual([[1, 2], 1]);
      }, patience);
      second.tell('job.succeeded', { status: 'succeeded' });
      expect(await followed).toMatchObject({ status: 'succeeded' });
      expect(seen).toEqual([1, 2, 3]);
    });

    it('but a service that stays away is not waited for without end', async () => {
      const standIn = createStandIn();
      const server = await serve(standIn);
      const followed = client().follow('FR-1-1', { signal: never, onEvent: () => undefined, patienceMs: 50 });
      const outcome = followed.catch((thrown: unknown) => thrown);
      await vi.waitFor(() => {
        expect(standIn.waiting()).toBe(1);
      }, patience);
      await server.close();
      expect(await outcome).toMatchObject({ code: 'protocol.unreachable' });
    });

    it('but not one that is unknown', async () => {
      await serve(createStandIn());
      const followed = client().follow('FR-9', { signal: never, onEvent: () => undefined });
      await expect(followed).rejects.toMatchObject({ code: 'registry.job-not-found' });
    });
  });
});

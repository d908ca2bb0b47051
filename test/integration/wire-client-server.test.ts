import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LiveEntry } from '../../shared/domain/live-output.ts';
import { createRunnerClient } from '../../shared/protocol/client/create-runner-client.ts';
import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import type { BoardJob } from '../../shared/protocol/board.ts';
import type { WireEvent } from '../../shared/protocol/wire.ts';
import { startServer, token } from '../support/server-lab.ts';
import { aRunnerStatus, createStandIn, loopbackServer, type StandIn } from '../support/server-stand-in.ts';
import { socketPlatform } from '../support/socket-platform.ts';
import { boardJob } from '../support/wire-lab.ts';

const deadline = { timeout: 20_000, interval: 10 };

const entry: LiveEntry = {
  ...{ number: 1, at: 1, job: 'FR-1-1', attempt: 'one', stage: 'code' },
  event: { kind: 'text', text: 'It works on it.' },
};

function createRunner(): { readonly standIn: StandIn; readonly change: (job: BoardJob, type: string) => void } {
  let job = boardJob('FR-1-1', { status: 'queued' });
  let count = 0;
  const standIn = createStandIn({
    boardJob: () => job,
    'board.get': () =>
      Promise.resolve({
        ...{ seq: count, epoch: 'an-epoch', runner: aRunnerStatus(), jobs: [job], featureRequests: [], untrusted: 0 },
        spending: { dollars: null, tokens: 0, budget: null },
      }),
    subscribeOutput: (_job, listener) => {
      void listener({ entries: [entry], dropped: 0 });
      return { unsubscribe: () => undefined, taken: () => Promise.resolve() };
    },
  });
  return {
    standIn,
    change(next, type) {
      job = next;
      count += 1;
      standIn.tell(type, { status: next.status });
    },
  };
}

function connect(address: string, bearing: string): RunnerClient & { readonly rejected: () => number } {
  const client = createRunnerClient({
    address,
    token: bearing,
    client: { name: 'test', version: '0.1.0', kind: 'other' },
    platform: socketPlatform,
    appliesWrites: false,
  });
  onTestFinished(() => {
    client.close();
  });
  return client;
}

async function until(client: RunnerClient, kind: string): Promise<void> {
  await vi.waitFor(() => {
    expect(client.state().connection.kind).toBe(kind);
  }, deadline);
}

describe('the client and the real server', () => {
  it('understand each other from the hello over a stop of the server to what was missed', async () => {
    const { standIn, change } = createRunner();
    const first = await startServer({ application: standIn.application });
    const client = connect(first.url, token);
    const events: WireEvent[] = [];
    const told: string[] = [];
    client.onEvent((event) => events.push(event));
    await until(client, 'connected');
    expect(client.state()).toMatchObject({ hello: { role: 'admin', runnerName: 'a-machine' }, runner: { pid: 1 } });
    client.followOutput('FR-1', {
      entries: (entries) => told.push(...entries.map(({ event }) => (event.kind === 'text' ? event.text : event.kind))),
      restarted: () => told.push('restarted'),
      rests: () => told.push('rests'),
      failed: (sentence) => told.push(sentence),
    });
    change(boardJob('FR-1-1', { status: 'running' }), 'job.started');
    await vi.waitFor(() => {
      expect(client.state().jobs.get('FR-1-1')?.status).toBe('running');
      expect(told).toEqual(['It works on it.']);
    }, deadline);
    await expect(client.call('runner.pause', {})).resolves.toEqual({ paused: 'paused', running: 1 });
    await expect(client.call('job.get', { job: 'FR-9' })).rejects.toMatchObject({ code: 'registry.job-not-found' });

    await first.close();
    await until(client, 'lost');
    expect(client.state().jobs.get('FR-1-1')?.status).toBe('running');
    change(boardJob('FR-1-1', { status: 'succeeded' }), 'job.succeeded');
    const { port } = new URL(first.url);
    await startServer({ application: standIn.application, config: { ...loopbackServer, port: Number(port) } });
    await vi.waitFor(() => {
      client.wake();
      expect(client.state().connection.kind).toBe('connected');
      expect(client.state().jobs.get('FR-1-1')?.status).toBe('succeeded');
      expect(told.slice(0, 3)).toEqual(['It works on it.', 'restarted', 'It works on it.']);
    }, deadline);
    expect(events.map(({ type, seq }) => [type, seq])).toEqual([
      ['job.started', 1],
      ['job.succeeded', 2],
    ]);
    expect(standIn.calls.filter(({ method }) => method === 'board.get')).toHaveLength(1);
    expect(client.rejected()).toBe(0);
  });

  it('part for good when the token is not known', async () => {
    const { url } = await startServer({ application: createRunner().standIn.application });
    const client = connect(url, 'a-token-of-nobody');
    await until(client, 'refused');
    expect(client.state().connection).toMatchObject({ reason: 'unauthorized' });
  });
});

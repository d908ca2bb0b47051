import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { streamJob } from '../../runner/cli/job-stream.ts';
import { createLiveOutput } from '../../runner/engine/live-output.ts';
import type { LiveMessage } from '../../shared/domain/live-output.ts';
import { outputPath } from '../../shared/protocol/version.ts';
import { makeControlLab } from '../support/control-lab.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { admin, startServer } from '../support/server-lab.ts';
import { collectLog, createStandIn } from '../support/server-stand-in.ts';

const patience = { timeout: 20_000 };
const path = outputPath('FR-1-1');
const about = { job: 'FR-1-1', attempt: 'FR-1-1.code', stage: 'code' as const };

/** A real server before a real hub; the job alone is made up. */
async function startTelling() {
  const live = createLiveOutput({ clock: { now: () => 7 }, log: collectLog() });
  const listening = { count: 0 };
  const standIn = createStandIn({
    subscribeOutput: (job, listener) => {
      listening.count += 1;
      const subscription = live.subscribe(job, listener);
      return {
        taken: () => subscription.taken(),
        unsubscribe: () => {
          listening.count = 0;
          subscription.unsubscribe();
        },
      };
    },
  });
  const server = await startServer({ application: standIn.application });
  live.tell(about, { kind: 'started', round: 0, try: 1, agent: 'coder' });
  return { live, standIn, server, listening };
}

const messagesOf = (text: string): LiveMessage[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LiveMessage);

describe('what happens in a job, by HTTP', () => {
  it.each([{}, { authorization: 'Bearer wrong' }])('is not told to %o', async (headers) => {
    const { server, listening } = await startTelling();
    const answer = await server.ask(path, { headers });
    expect(answer).toMatchObject({ status: 401, json: { error: { code: 'protocol.unauthorized' } } });
    expect(listening.count).toBe(0);
  });

  it('is nothing where there is no such job', async () => {
    const { server } = await startTelling();
    const answer = await server.ask(outputPath('FR-9'), { headers: admin });
    expect(answer).toMatchObject({ status: 404, json: { error: { code: 'registry.job-not-found' } } });
  });

  it('ends when the job rests, with all that was told before', async () => {
    const { server, standIn, live, listening } = await startTelling();
    const answered = server.ask(path, { headers: admin });
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(1);
    }, patience);
    live.tell(about, { kind: 'text', text: 'the last word' });
    standIn.tell('job.waiting', { status: 'waiting', waitingFor: 'approval' });
    const { status, text } = await answered;
    expect(status).toBe(200);
    expect(messagesOf(text)).toMatchObject([
      { type: 'alive' },
      { type: 'output', entry: { event: { kind: 'started' } } },
      { type: 'output', entry: { event: { text: 'the last word' } } },
      { type: 'rests' },
    ]);
    await vi.waitFor(() => {
      expect(listening.count).toBe(0);
    }, patience);
  });

  it('costs nothing any more when the reader has gone, or the service stops', async () => {
    const { server, listening } = await startTelling();
    const socket = await server.connection();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${admin.authorization}\r\n\r\n`);
    await once(socket, 'data');
    expect(listening.count).toBe(1);
    socket.destroy();
    await vi.waitFor(() => {
      expect(listening.count).toBe(0);
    }, patience);
    const cut = server.ask(path, { headers: admin });
    await vi.waitFor(() => {
      expect(listening.count).toBe(1);
    }, patience);
    await Promise.all([server.close(), expect(cut).rejects.toThrow()]);
    expect(listening.count).toBe(0);
  });

  it('waits within bounds for a reader that is slow, which is told what it missed', async () => {
    const { server, live, standIn } = await startTelling();
    const socket = await server.connection();
    socket.pause();
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${admin.authorization}\r\nConnection: close\r\n\r\n`,
    );
    await vi.waitFor(() => {
      expect(standIn.waiting()).toBe(1);
    }, patience);
    const told = 20_000;
    const text = 'x'.repeat(1_000);
    for (let count = 0; count < told; count += 1) {
      live.tell(about, { kind: 'text', text });
      // Whatever the connection takes, it takes meanwhile.
      if (count % 100 === 0) await turn();
    }
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    standIn.tell('job.waiting', { status: 'waiting', waitingFor: 'approval' });
    socket.resume();
    await once(socket, 'close');
    const messages = messagesOf(answer);
    const dropped = messages.reduce((sum, message) => sum + (message.type === 'dropped' ? message.count : 0), 0);
    const came = messages.filter(({ type }) => type === 'output').length;
    expect(dropped).toBeGreaterThan(told / 4);
    expect(came + dropped).toBeGreaterThanOrEqual(told);
    expect(messages.at(-1)).toEqual({ type: 'rests' });
  });
});

describe('opus job stream beside a running service', () => {
  it('shows what an agent does while it works, also as JSON, and ends when the job rests', async () => {
    const lab = makeControlLab();
    onTestFinished(() => lab.close());
    await lab.serve();
    lab.note('FR-1');
    lab.hold('FR-1', 'code');
    await lab.working('FR-1.code');
    const [terminal, json] = [fakeTerminal({ cwd: lab.folder }), fakeTerminal({ cwd: lab.folder })];
    const ends = [streamJob(terminal, 'FR-1', {}), streamJob(json, 'FR-1', { json: true })];
    await vi.waitFor(() => {
      expect(terminal.outLines.join('\n')).toMatch(/^── code · coder\nbegan \d+$/);
      expect(json.outLines.join('\n')).toContain('"began ');
    }, patience);
    expect(lab.agents()).toEqual(['FR-1.code']);
    lab.letGo('FR-1', 'code');
    expect(await Promise.all(ends)).toEqual([0, 0]);
    expect(terminal.outLines.join('\n')).toMatch(
      /✓ code, .*\n\n── test\n(.*\n)*✓ test.*\n\n── review · reviewr\nbegan/,
    );
    expect(terminal.errLines.join('\n')).toContain('FR-1-1 rests (waiting, for approval)');
    const events = messagesOf(json.outLines.join('\n')).flatMap((message) =>
      message.type === 'output' ? [message.entry] : [],
    );
    expect(new Set(events.map(({ job }) => job))).toEqual(new Set(['FR-1-1']));
    expect(events.at(-1)).toMatchObject({ event: { kind: 'ended', status: 'passed' } });
  });
});

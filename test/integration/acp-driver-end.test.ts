import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AgentScript, AgentStep } from '../support/acp-agent.ts';
import { failureOf, gatewayWith, runAcpAgent as run, summary, unconfined } from '../support/acp-lab.ts';
import { removeFolders } from '../support/sandbox-runs.ts';

afterEach(removeFolders);

describe('the end of a turn', () => {
  it('is a question for a person', async () => {
    const { outcome, events, log } = await run({
      canLoad: true,
      steps: [{ ask: 'Which database?', choices: ['a', 'b'] }, summary],
    });
    const question = 'Which database?\n- Which – a | b';
    expect(outcome).toMatchObject({
      kind: 'asked',
      question,
      report: { session: expect.stringMatching(/^conversation-/) as string },
    });
    expect(events).toContainEqual({ kind: 'question', question });
    expect(log).toContain('answered cancel');
  });

  it.each([
    ['max_tokens', /^agent\.failed: .*most tokens/],
    ['max_turn_requests', /^agent\.failed: .*used up the requests/],
    ['refusal', /^agent\.failed: .*refused to go on/],
    ['cancelled', /^agent\.canceled: .*did not ask for/],
    ['out_of_coffee', /^agent\.failed: .*not known: out_of_coffee/],
  ])('for the reason %s is a failure', async (stop, sentence) => {
    const ended = await run({ steps: [summary], stop });
    expect(failureOf(ended)).toMatch(sentence);
    expect(ended.events.at(-1)).toMatchObject({ kind: 'done', ok: false });
  });

  it('counts, whatever becomes of the program afterwards', async () => {
    const { outcome } = await run({ steps: [summary], stays: true }, { graceMs: 50 });
    expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 'done' } });
  });

  it('is asked for when the run is canceled, and enforced on who does not listen', async () => {
    for (const [step, heard] of [
      [{ hang: true }, true],
      [{ deaf: true }, false],
    ] as const) {
      const stop = new AbortController();
      const { outcome, log } = await run(
        { steps: [{ say: 'at work\n' }, step, summary] },
        {
          request: { signal: stop.signal },
          graceMs: heard ? 20_000 : 100,
          onEvent: (event) => {
            if (event.kind === 'text') stop.abort();
          },
        },
      );
      expect(outcome.kind).toBe('canceled');
      expect(log.includes('the turn was canceled')).toBe(heard);
    }
  });

  it('comes before its beginning when the run was canceled by then', async () => {
    const { outcome, log } = await run({ steps: [summary] }, { request: { signal: AbortSignal.abort() } });
    expect(outcome.kind).toBe('canceled');
    expect(log).toBe('');
  });

  it('is told with the error that the agent answers', async () => {
    const failed = (code: number, message: string, data?: unknown) =>
      run({ steps: [{ fail: { code, message, data } }] }).then(failureOf);
    expect(await failed(-32603, 'Internal error', { details: 'the model is gone' })).toMatch(
      /^agent\.failed: .* failed: Internal error: the model is gone$/,
    );
    expect(await failed(429, 'Slow down')).toMatch(/^agent\.usage-limit: .*Slow down/);
    expect(await failed(-32603, 'Internal error', { details: 'status 401 Unauthorized' })).toMatch(
      /^agent\.credentials:/,
    );
  });

  it('is what the gateway refused, where it refused', async () => {
    const budget = gatewayWith({ kind: 'budget', message: '1 of 1 tokens.' });
    const steps: AgentStep[][] = [[{ say: 'Error.' }], [{ fail: { code: -32603, message: 'x' } }], [{ deaf: true }]];
    for (const turn of steps) {
      const ended = await run({ steps: turn }, { request: { gateway: budget }, refusalGraceMs: 100 });
      expect(failureOf(ended)).toMatch(/^agent\.budget: .*1 of 1 tokens/);
    }
    const until = Date.now() + 60_000;
    const limit = gatewayWith({ kind: 'usage-limit', until, message: 'Later.' });
    const limited = await run({ steps: [{ exit: 1 }] }, { request: { gateway: limit } });
    expect(limited.outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.usage-limit', until } });
    // A result that was reached all the same is one.
    expect((await run({ steps: [summary] }, { request: { gateway: budget } })).outcome.kind).toBe('finished');
  });
});

describe('an ACP agent that goes wrong', () => {
  it.each([[0], [3]])('ends early with exit code %i: told with the last of its errors', async (code) => {
    const { outcome } = await run({ steps: [{ printError: 'Segmentation of things' }, { exit: code }] });
    expect(failureOf({ outcome })).toMatch(
      code === 0 ? /^agent\.failed: .*ended without saying/ : /exit code 3\. Its last line: Segmentation of things$/,
    );
    expect(outcome.report.tail).toContain('Segmentation of things');
  });

  it('is not there, or is no ACP agent at all', async () => {
    const missing = await run({ steps: [] }, { profile: { command: ['no-such-agent', '--acp'] } });
    expect(failureOf(missing)).toMatch(/^agent\.not-found: .*no-such-agent is not on PATH/);
    expect(failureOf(await run({ steps: [] }, { profile: { command: ['/bin/echo', 'usage: …'] } }))).toMatch(
      /^agent\.failed: .*ended without saying/,
    );
    // Printing is no sign of life: the protocol's messages are.
    const chatter = await run({ steps: [], isNoAgent: 'ready > ' }, { request: { stallMs: 1_000 } });
    expect(failureOf(chatter)).toMatch(/^agent\.stalled: .*sent no update for 1s/);
    expect(chatter.log).toContain('ready >');
  });

  it('speaks another version of the protocol', async () => {
    expect(failureOf(await run({ steps: [summary], version: 7 }))).toMatch(
      /speaks version 7 of the Agent Client Protocol/,
    );
  });

  it('prints between its messages, and messages that are none', async () => {
    const raw = [
      'npm warn something',
      '[]',
      'null',
      '{"jsonrpc":"2.0"',
      '{"jsonrpc":"1.0","method":"x"}',
      '{"jsonrpc":"2.0","id":{},"method":"x"}',
      '{"jsonrpc":"2.0","id":999,"result":{}}',
      '{"jsonrpc":"2.0","method":"session/update","params":null}',
      '{"jsonrpc":"2.0","method":"session/update","params":{"update":{"sessionUpdate":"tool_call","toolCallId":7,"locations":"no","content":{}}}}',
      '{"jsonrpc":"2.0","id":"a","method":"session/request_permission","params":{"options":"none"}}',
      '{"jsonrpc":"2.0","id":"b","method":"terminal/create","params":{}}',
    ];
    const complaints = vi.spyOn(console, 'error');
    const { outcome, log } = await run({
      steps: [...raw.map((printRaw) => ({ printRaw })), { say: 'still here\n' }, summary],
    });
    expect(outcome.kind).toBe('finished');
    expect(complaints).not.toHaveBeenCalled();
    complaints.mockRestore();
    expect(log).toContain('npm warn something');
    expect(log).toContain('still here');
  });

  it('sends a message that is too large', async () => {
    const { outcome } = await run({ steps: [{ printMegabytes: 17 }, { deaf: true }] }, { graceMs: 100 });
    expect(failureOf({ outcome })).toMatch(/^agent\.failed: .*more than 16 MB/);
  });

  it('asks faster than it reads the answers', async () => {
    const { outcome } = await run({ steps: [{ requests: 50_000 }] }, { graceMs: 100 });
    expect(failureOf({ outcome })).toMatch(/^agent\.failed: .*asks faster than it reads/);
  });

  it('closes its output and stays', async () => {
    const script: AgentScript = { steps: [{ closeOutput: true }, { deaf: true }], stays: true };
    const { outcome } = await run(script, { graceMs: 100, sandbox: unconfined });
    expect(failureOf({ outcome })).toMatch(/^agent\.failed: .*closed its connection/);
  });

  it('takes too long', async () => {
    const slow = await run({ steps: [{ deaf: true }] }, { request: { timeoutMs: 1_500 } });
    expect(failureOf(slow)).toMatch(/^agent\.timeout: .*did not end within/);
  });
});

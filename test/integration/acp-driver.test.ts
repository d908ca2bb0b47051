import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentEvent } from '#shared/domain/agent-event.ts';
import type { AgentScript, AgentStep } from '../support/acp-agent.ts';
import {
  acpAgentFile,
  bubblewrap,
  failureOf,
  gatewayWith,
  runAcpAgent as run,
  summary,
  unconfined,
} from '../support/acp-lab.ts';
import { newMark, processesWith, removeFolders } from '../support/sandbox-runs.ts';

afterEach(removeFolders);

describe.each([
  ['bubblewrap', bubblewrap],
  ['no sandbox', unconfined],
])('a turn, with %s', (_name, sandbox) => {
  it('is the prompt, what the agent does in its tree, and its result file', async () => {
    const { outcome, said, tree, events } = await run(
      { steps: [{ sayPrompt: true }, { write: 'made.txt', content: 'by the agent' }, summary] },
      { sandbox },
    );
    expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 'done' }, report: { exitCode: 0 } });
    expect(said).toMatch(/^\[\{.*"text":"do it\\n\\nThe result file/);
    expect(readFileSync(join(tree, 'made.txt'), 'utf8')).toBe('by the agent');
    expect(events.at(-1)).toMatchObject({ kind: 'done', ok: true });
  });

  it('leaves no process when it ends, is canceled or stalls', async () => {
    const mark = newMark();
    const steps: AgentStep[] = [{ leaveProcess: mark, detached: sandbox === bubblewrap }, { say: 'left\n' }];
    const stop = new AbortController();
    const onEvent = (event: AgentEvent): void => {
      if (event.kind === 'text') stop.abort();
    };
    const ended = await run({ steps: [...steps, summary] }, { sandbox });
    expect([ended.outcome.kind, processesWith(mark)]).toEqual(['finished', []]);
    const canceled = await run(
      { steps: [...steps, { hang: true }] },
      { sandbox, request: { signal: stop.signal }, onEvent },
    );
    expect([canceled.outcome.kind, processesWith(mark)]).toEqual(['canceled', []]);
    const stalled = await run({ steps: [...steps, { deaf: true }] }, { sandbox, request: { stallMs: 1_500 } });
    expect([failureOf(stalled), processesWith(mark)]).toEqual([expect.stringMatching(/^agent\.stalled/), []]);
  });
});

describe('what an ACP agent is given', () => {
  it('is the environment of the contract, a HOME of its own and no secret', async () => {
    const names = ['OPUS_JOB_ID', 'OPUS_STAGE', 'CI', 'SECRET', 'HOME', 'ANTHROPIC_BASE_URL'];
    const { said, folder } = await run({ steps: [{ sayEnvironment: names }, summary] });
    expect(said).toContain('OPUS_JOB_ID=FR-1-1\nOPUS_STAGE=code\nCI=yes\nSECRET=(none)');
    expect(said).toContain(`HOME=${folder}/state/home-code\nANTHROPIC_BASE_URL=(none)`);
  });

  it('is no way to the files and terminals of the runner', async () => {
    const { said, log, tree } = await run({ steps: [{ clientFile: '/etc/passwd' }, { clientFile: 'x' }, summary] });
    expect(log).toContain('offered {"fs":{"readTextFile":false,"writeTextFile":false},"terminal":false,');
    expect(said).toBe('refused with -32601\nrefused with -32601');
    expect(existsSync(join(tree, 'x'))).toBe(false);
  });

  it('is the gateway under the names that vendors use, and its address for the command', async () => {
    const names = [
      ...['ANTHROPIC_BASE_URL', 'ANTHROPIC_API_KEY', 'ANTHROPIC_MODEL'],
      ...['GOOGLE_GEMINI_BASE_URL', 'GEMINI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_API_KEY', 'OPENAI_MODEL', 'SEEN'],
    ];
    const command = ['/usr/bin/env', 'SEEN={{model_url}} {{model_key}} {{model}}', process.execPath, acpAgentFile];
    const { said } = await run(
      { steps: [] },
      {
        profile: {
          endpoints: ['house', 'anthropic', 'google'],
          command: [...command, JSON.stringify({ steps: [{ sayEnvironment: names }, summary] })],
        },
        request: { gateway: gatewayWith(null), model: 'house/small' },
      },
    );
    const seen = Object.fromEntries(said.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))) as Record<
      string,
      string
    >;
    const address = /^http:\/\/127\.0\.0\.1:\d+/.exec(seen['ANTHROPIC_BASE_URL'] ?? '')?.[0] ?? '';
    expect(seen).toMatchObject({
      ANTHROPIC_BASE_URL: `${address}/anthropic`,
      ANTHROPIC_API_KEY: 'opus-gateway',
      ANTHROPIC_MODEL: '(none)',
      GOOGLE_GEMINI_BASE_URL: `${address}/google`,
      GEMINI_API_KEY: 'opus-gateway',
      OPENAI_BASE_URL: `${address}/house/v1`,
      OPENAI_API_KEY: 'opus-gateway',
      OPENAI_MODEL: 'small',
      SEEN: `${address}/house opus-gateway house/small`,
    });
    expect(address).not.toBe('');
  });

  it('is the model of the note, where the agent lets it be chosen', async () => {
    const steps: AgentStep[] = [{ sayEnvironment: [] }, summary];
    const chosen = await run({ steps, models: ['large', 'small'] }, { request: { model: 'small' } });
    expect(chosen.said).toContain('model=small');
    const unknown = await run({ steps, models: ['large'] }, { request: { model: 'small' } });
    expect(unknown.said).toContain('model=the usual one');
  });

  it('is the key by which it wants to be signed in', async () => {
    const { outcome, log } = await run({ steps: [summary], signIn: ['oauth-personal', 'gemini-api-key'] });
    expect(outcome.kind).toBe('finished');
    expect(log).toContain('signed in by gemini-api-key');
    expect(failureOf(await run({ steps: [summary], signIn: ['oauth-personal'] }))).toMatch(
      /^agent\.credentials: .*Authentication required/,
    );
  });
});

describe('what an ACP agent tells', () => {
  it('becomes events: words by lines, tools with their results, files', async () => {
    const toolCall = { toolCallId: 't1', title: 'Edit a.txt', name: 'edit_file', kind: 'edit', status: 'pending' };
    const { events, log } = await run({
      steps: [
        { say: 'I be' },
        { say: 'gin\nand ' },
        { update: { sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'secret thought' } } },
        { update: { sessionUpdate: 'plan', entries: [{ content: 'p', priority: 'low', status: 'pending' }] } },
        { update: { sessionUpdate: 'something_of_tomorrow', words: [] } },
        { update: { sessionUpdate: 'tool_call', ...toolCall, rawInput: {} } },
        { update: { sessionUpdate: 'tool_call_update', toolCallId: 't1', rawInput: { path: 'a.txt' } } },
        {
          update: {
            sessionUpdate: 'tool_call_update',
            toolCallId: 't1',
            status: 'completed',
            content: [
              { type: 'content', content: { type: 'text', text: 'written' } },
              { type: 'diff', path: 'a.txt', oldText: 'x', newText: 'y' },
              { type: 'diff', path: 'b.txt', newText: 'y' },
            ],
          },
        },
        {
          update: {
            sessionUpdate: 'tool_call',
            toolCallId: 't2',
            title: 'Run',
            kind: 'execute',
            status: 'failed',
            rawInput: { command: 'false' },
            rawOutput: 'exit 1',
          },
        },
        summary,
      ],
    });
    expect(events).toEqual([
      { kind: 'text', text: 'I begin' },
      { kind: 'text', text: 'and ' },
      { kind: 'tool-call', id: 't1', name: 'edit_file', input: '{"path":"a.txt"}' },
      { kind: 'tool-result', id: 't1', ok: true, output: 'written' },
      { kind: 'file-change', path: 'a.txt', change: 'changed' },
      { kind: 'file-change', path: 'b.txt', change: 'added' },
      { kind: 'tool-call', id: 't2', name: 'Run', input: '{"command":"false"}' },
      { kind: 'tool-result', id: 't2', ok: false, output: 'exit 1' },
      { kind: 'done', ok: true, text: '' },
    ]);
    expect(log).toContain('I begin\nand\n→ edit_file {"path":"a.txt"}\n← written');
    expect(log).not.toContain('secret thought');
  });

  it.each([
    ['usage', { usage: { totalTokens: 160, inputTokens: 20, outputTokens: 40, cachedReadTokens: 100 } }, 120, 100],
    ['Gemini’s quota', { _meta: { quota: { token_count: { input_tokens: 120, output_tokens: 40 } } } }, 120, 0],
    ['_meta', { _meta: { usage: { promptTokens: 120, completionTokens: 40, cachedTokens: 100 } } }, 120, 100],
  ])('is its usage, as %s', async (_words, answer, input, cacheRead) => {
    const { events } = await run({ steps: [summary], answer }, { request: { model: 'm' } });
    const usage = { input, cacheRead, cacheWrite: 0, output: 40 };
    expect(events).toContainEqual({ kind: 'usage', model: 'm', usage, cost: null });
  });

  it('is its usage response by response, as Qwen says it, and then not once more', async () => {
    const tokens = { inputTokens: 120, outputTokens: 40, totalTokens: 160, cachedReadTokens: 100 };
    const chunk = {
      sessionUpdate: 'agent_message_chunk',
      content: { type: 'text', text: '' },
      _meta: { usage: tokens },
    };
    const { events } = await run({ steps: [{ update: chunk }, { update: chunk }, summary], answer: { usage: tokens } });
    const usage = { input: 120, cacheRead: 100, cacheWrite: 0, output: 40 };
    const told = { kind: 'usage', model: '', usage, cost: null };
    expect(events.filter(({ kind }) => kind === 'usage')).toEqual([told, told]);
  });

  it('names a tool by its kind where the agent tells only what it does', async () => {
    const call = { sessionUpdate: 'tool_call', toolCallId: 'g', kind: 'execute', title: 'make all of it' };
    const { events } = await run({ steps: [{ update: { ...call, status: 'in_progress' } }, summary] });
    expect(events[0]).toEqual({ kind: 'tool-call', id: 'g', name: 'execute', input: 'make all of it' });
  });

  it('is what the turn cost, and not the conversation before it', async () => {
    const cost = (amount: number): AgentStep => ({
      update: { sessionUpdate: 'usage_update', used: 1, size: 2, cost: { amount, currency: 'USD' } },
    });
    const script: AgentScript = { canLoad: true, steps: [cost(1), cost(5), summary], resumedSteps: [cost(7), summary] };
    const costs = ({ events }: { events: readonly AgentEvent[] }) =>
      events.flatMap((event) => (event.kind === 'usage' ? [event.cost] : []));
    const first = await run(script);
    expect(costs(first)).toEqual([1, 4]);
    const again = await run(script, { folder: first.folder, request: { session: first.outcome.report.session } });
    expect(costs(again)).toEqual([2]);
  });

  it('is its result, where it wrote no file', async () => {
    const words: AgentStep[] = [{ say: 'Here it is:\n```json\n{"summary":' }, { say: '"in words"}\n```\n' }];
    expect((await run({ steps: words })).outcome).toMatchObject({ kind: 'finished', result: { summary: 'in words' } });
    const none = await run({ steps: [{ say: 'API error: 400' }] });
    expect(failureOf(none)).toMatch(/^agent\.no-result: .* Its last words: API error: 400$/);
    expect((await run({ steps: [{ say: 'fine' }] }, { request: { stage: 'test' } })).outcome.kind).toBe('finished');
  });
});

describe('a permission that an ACP agent asks for', () => {
  const kinds = [
    'read',
    'search',
    'fetch',
    'think',
    'execute',
    'edit',
    'delete',
    'move',
    'switch_mode',
    'other',
  ] as const;

  it('is granted to whoever changes code: the sandbox confines it', async () => {
    const { said, events } = await run({
      steps: [...kinds.map((permission) => ({ permission, path: '/etc/passwd' })), summary],
    });
    expect(said.split('\n').filter((line) => !line.endsWith(': id-allow_once'))).toEqual([]);
    const granted = events.filter((event) => event.kind === 'permission');
    expect(granted).toEqual(kinds.map((kind) => ({ kind: 'permission', name: `${kind}-tool`, granted: true })));
  });

  it('is refused to whoever only looks, except to look and to write its result', async () => {
    const steps: AgentStep[] = kinds.map((permission) => ({ permission, path: 'src/a.ts' }));
    const { said, events, log } = await run(
      {
        steps: [
          ...steps,
          { permission: 'edit', path: 'RESULT' },
          { permission: 'edit', path: 'RESULT/../../../tree/a.ts' },
          summary,
        ],
      },
      { request: { stage: 'review', treeMode: 'read-only' } },
    );
    const [yes, no] = ['id-allow_once', 'id-reject_once'];
    const answers = [yes, yes, yes, yes, yes, no, no, no, no, no].map((answer, n) => `${kinds[n] ?? ''}: ${answer}`);
    expect(said.split('\n').slice(0, 10)).toEqual(answers);
    // The call `edit` names the tree too by now, as its first update did.
    expect(said.split('\n').slice(10)).toEqual([`edit: ${no}`, `edit: ${no}`]);
    expect(events).toContainEqual({ kind: 'permission', name: 'edit-tool', granted: false });
    expect(log).toContain('! edit-tool was not allowed');
    const result = await run(
      { steps: [{ permission: 'edit', path: 'RESULT' }, summary] },
      { request: { stage: 'review', treeMode: 'read-only' } },
    );
    expect(result.said).toBe(`edit: ${yes}`);
  });

  it('is answered by what the agent offers, and by nothing where that does not fit', async () => {
    const { said, events } = await run({
      steps: [
        { permission: 'read', options: ['reject_once', 'allow_always'] },
        { permission: 'edit', options: ['reject_once'] },
        summary,
      ],
    });
    expect(said).toBe('read: id-allow_always\nedit: none');
    expect(events).toContainEqual({ kind: 'permission', name: 'edit-tool', granted: false });
  });
});

describe('a conversation with an ACP agent', () => {
  it.each([{ canLoad: true }, { canResume: true }])('goes on in the next run: %o', async (ability) => {
    const script: AgentScript = {
      ...ability,
      steps: [{ say: 'first\n' }, summary],
      resumedSteps: [{ say: 'second\n' }, summary],
    };
    const first = await run(script);
    const session = first.outcome.report.session;
    expect(first.events[0]).toEqual({ kind: 'session', id: session });
    const second = await run(script, { folder: first.folder, request: { session } });
    // What it told again of the past is no news.
    expect(second.said).toBe('second');
    expect(second.outcome).toMatchObject({ kind: 'finished', report: { session } });
  });

  it.each([{ canLoad: true, loses: true }, {}])('begins afresh where it cannot go on: %o', async (ability) => {
    const { outcome, said, log } = await run(
      { ...ability, steps: [{ say: 'first\n' }, summary] },
      { request: { session: 'conversation-of-yesterday' } },
    );
    expect(outcome.kind).toBe('finished');
    expect(said).toBe('first');
    expect(log).toContain('could not be resumed; beginning afresh');
    expect(outcome.report.session).not.toBe('conversation-of-yesterday');
  });

  it('has no name to go on by where the agent cannot', async () => {
    const { outcome, events } = await run({ steps: [summary] });
    expect(outcome.report.session).toBeNull();
    expect(events.map(({ kind }) => kind)).not.toContain('session');
  });

  it('keeps nothing in HOME for a new one, nor for another stage', async () => {
    const first = await run({ steps: [{ sayEnvironment: ['HOME'] }, summary] });
    const home = join(first.folder, 'state', 'home-code');
    writeFileSync(join(home, '.agentrc'), 'planted');
    await run({ steps: [summary] }, { folder: first.folder, request: { session: 'x' } });
    expect(existsSync(join(home, '.agentrc'))).toBe(true);
    const review = await run(
      { steps: [{ sayEnvironment: ['HOME'] }, summary] },
      { folder: first.folder, request: { stage: 'review' } },
    );
    expect(review.said).toContain('home-review');
    await run({ steps: [summary] }, { folder: first.folder });
    expect(existsSync(join(home, '.agentrc'))).toBe(false);
  });
});

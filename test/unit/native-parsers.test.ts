import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cliPackages, nativeKinds as kinds } from '../support/agent-clis.ts';
import { addUsage, noUsage, type AgentEvent, type TokenUsage } from '../../shared/domain/agent-event.ts';
import { createEventLines } from '../../runner/adapters/agents/event-lines.ts';
import { isUnknownSession, readerOf } from '../../runner/adapters/agents/native/native-driver.ts';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { resultInText } from '../../runner/adapters/agents/result-in-text.ts';
import { nativeCases } from '../support/native-cases.ts';
import { readTranscript, replay, transcriptNames } from '../support/transcripts.ts';

const responses = (count: number): TokenUsage => ({
  input: 1_500 * count,
  cacheRead: 500 * count,
  cacheWrite: 0,
  output: 50 * count,
});

function usageOf(events: readonly AgentEvent[]): TokenUsage {
  return events.reduce((sum, event) => (event.kind === 'usage' ? addUsage(sum, event.usage) : sum), noUsage);
}

describe.each(kinds)('what %s was recorded to print', (cli) => {
  it('is there for every case, of the pinned version', () => {
    const recorded = transcriptNames(cli).map((name) => readTranscript(cli, name));
    expect(new Set(recorded.map((transcript) => transcript.case))).toEqual(new Set(Object.keys(nativeCases)));
    expect(new Set(recorded.map(({ version }) => version))).toEqual(new Set([cliPackages[cli].version]));
  });

  it.each(transcriptNames(cli))('%s holds no event that is not known', (name) => {
    const transcript = readTranscript(cli, name);
    expect(replay(cli, transcript.stdout, transcript)).toMatchObject({ unknown: [], text: [] });
  });

  it('tells a session, the work and its end', () => {
    const { events, ending } = replay(cli, readTranscript(cli, 'success').stdout);
    const kindsSeen = events.map(({ kind }) => kind);
    expect(kindsSeen[0]).toBe('session');
    expect(kindsSeen.at(-1)).toBe('done');
    expect(ending).toMatchObject({ ok: true, text: 'All done.', problem: null, status: null });
    const calls = events.filter(({ kind }) => kind === 'tool-call');
    expect(calls).toHaveLength(2);
    const results = events.flatMap((event) => (event.kind === 'tool-result' ? [{ id: event.id, ok: event.ok }] : []));
    expect(results).toEqual(calls.map((call) => ({ id: call.kind === 'tool-call' && call.id, ok: true })));
    const said = events.flatMap((event) => (event.kind === 'text' ? [event.text] : []));
    expect(said.slice(-2)).toEqual(['Writing.', 'All done.']);
  });

  it('counts the tokens of its run, as the model counted them', () => {
    expect(usageOf(replay(cli, readTranscript(cli, 'success').stdout).events)).toEqual(responses(2));
  });

  it('counts no token of earlier runs when a conversation is resumed', () => {
    const before = replay(cli, readTranscript(cli, 'resume-1').stdout).ending.totals;
    const { events, ending } = replay(cli, readTranscript(cli, 'resume-2').stdout, { resumed: true, before });
    expect(usageOf(events)).toEqual(responses(2));
    expect(ending.text).toBe('Fixed.');
    expect(events.every((event) => event.kind !== 'usage' || event.cost === null)).toBe(true);
  });

  it('goes on in the conversation that it was in', () => {
    const sessionOf = (name: string): unknown =>
      replay(cli, readTranscript(cli, name).stdout).events.find(({ kind }) => kind === 'session');
    expect(sessionOf('resume-1')).toBeDefined();
    expect(sessionOf('resume-2')).toEqual(sessionOf('resume-1'));
    expect(sessionOf('kill-and-resume-2')).toEqual(sessionOf('kill-and-resume-1'));
  });

  it('is not done where it was killed or went silent', () => {
    for (const name of ['kill-and-resume-1', 'hang']) {
      expect(replay(cli, readTranscript(cli, name).stdout).ending.ok).not.toBe(true);
    }
  });

  it('goes on after a tool that nobody offered', () => {
    expect(replay(cli, readTranscript(cli, 'unknown-tool').stdout).ending.ok).toBe(true);
  });

  it('reads the same however the output is cut into pieces', () => {
    const { stdout } = readTranscript(cli, 'success');
    const whole = replay(cli, stdout);
    for (const chunk of [1, 7, 4_096]) expect(replay(cli, stdout, { chunk })).toEqual(whole);
  });

  it('never throws, whatever its fields hold', () => {
    const types = [
      ...[
        'system',
        'stream_event',
        'assistant',
        'user',
        'result',
        'rate_limit_event',
        'item.completed',
        'item.started',
      ],
      ...['thread.started', 'turn.completed', 'turn.failed', 'error', 'step_finish', 'tool_use', 'tool_result', 'text'],
      ...['init', 'message'],
    ];
    const names = [
      ...['subtype', 'message', 'event', 'usage', 'item', 'part', 'error', 'stats', 'content', 'session_id', 'role'],
      ...['permission_denials', 'rate_limit_info', 'tool_use_result', 'parameters', 'models', 'tokens', 'result'],
    ];
    const event = fc.dictionary(fc.constantFrom(...names), fc.anything({ maxDepth: 3 }));
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.array(event, { maxLength: 5 }), (type, events) => {
        const reader = readerOf(cli, { resumed: false, before: null });
        for (const fields of events) reader.read({ ...fields, type });
        expect(typeof reader.ending().text).toBe('string');
      }),
    );
  });
});

describe('ends that lie', () => {
  it.each([
    ['claude', 'http-400', 1, 400],
    ['claude', 'http-401', 1, 401],
    ['claude', 'http-429', 1, 429],
    ['claude', 'http-529', 1, 529],
    ['codex', 'http-401', 1, 401],
    ['codex', 'http-429', 1, 429],
    ['codex', 'http-529', 1, 529],
    ['opencode', 'http-400', 1, 400],
    ['opencode', 'http-401', 1, 401],
    ['gemini', 'http-400', 144, 400],
    ['gemini', 'http-401', 145, 401],
  ] as const)('%s at %s: exit code %s, and the status %s is told', (cli, name, exitCode, status) => {
    const transcript = readTranscript(cli, name);
    expect(transcript.exitCode).toBe(exitCode);
    const { ending } = replay(cli, transcript.stdout);
    expect(ending).toMatchObject({ ok: false, status });
    expect(ending.problem).not.toBe('');
  });

  it('Claude Code calls an API error a success', () => {
    const last = readTranscript('claude', 'http-429').stdout.trimEnd().split('\n').at(-1) ?? '';
    expect(JSON.parse(last)).toMatchObject({ type: 'result', subtype: 'success', is_error: true });
    expect(replay('claude', last).ending.ok).toBe(false);
  });

  it('Codex hands on the whole answer where the provider refuses the request', () => {
    const { ending } = replay('codex', readTranscript('codex', 'http-400').stdout);
    expect(ending).toMatchObject({ ok: false, problem: 'scripted 400' });
  });

  it('Claude Code tells the tokens of an answer beside it, and one token in it', () => {
    const { stdout } = readTranscript('claude', 'success');
    expect(/"type":"assistant".*"output_tokens":1\}/.test(stdout)).toBe(true);
    const outputs = replay('claude', stdout).events.flatMap((event) =>
      event.kind === 'usage' && event.cost === null ? [event.usage.output] : [],
    );
    expect(outputs).toEqual([50, 50]);
  });

  it('Claude Code adds up the cost of a conversation, so that only the first run’s is told', () => {
    const costOf = (name: string, resumed: boolean): (number | null)[] =>
      replay('claude', readTranscript('claude', name).stdout, { resumed }).events.flatMap((event) =>
        event.kind === 'usage' && event.cost !== null ? [event.cost] : [],
      );
    expect(costOf('resume-1', false)).toEqual([expect.closeTo(0.0078)]);
    expect(costOf('resume-2', false)).toEqual([expect.closeTo(2 * 0.0078)]);
    expect(costOf('resume-2', true)).toEqual([]);
  });

  it('Codex adds up the tokens of a conversation, so that none are told where the earlier ones are not known', () => {
    const { stdout } = readTranscript('codex', 'resume-2');
    expect(usageOf(replay('codex', stdout).events)).toEqual(responses(4));
    expect(replay('codex', stdout, { resumed: true }).events.some(({ kind }) => kind === 'usage')).toBe(false);
  });

  it('a conversation that is not known says so in each one’s way', () => {
    const seen = kinds.map((cli) => {
      const { exitCode, stderr, stdout } = readTranscript(cli, 'unknown-session-1');
      const printed = `${stderr}\n${replay(cli, stdout).ending.problem ?? ''}`;
      return [cli, exitCode, isUnknownSession(cli, exitCode, printed), isUnknownSession(cli, 1, 'HTTP 500')];
    });
    expect(seen).toEqual([
      ['claude', 1, true, false],
      ['codex', 1, true, false],
      ['opencode', 1, true, false],
      ['gemini', 42, true, false],
    ]);
  });
});

describe('events that no recording holds', () => {
  const one = (cli: NativeKind, ...events: object[]): readonly AgentEvent[] =>
    replay(cli, events.map((event) => JSON.stringify(event)).join('\n')).events;

  it('a denied tool, in a run that ends well', () => {
    const denial = { tool_name: 'WebFetch', tool_use_id: 't1', tool_input: {} };
    const result = { type: 'result', subtype: 'success', is_error: false, result: 'ok', permission_denials: [denial] };
    expect(one('claude', result)).toEqual([
      { kind: 'permission', name: 'WebFetch', granted: false },
      { kind: 'done', ok: true, text: 'ok' },
    ]);
  });

  it('a subscription at its limit, with the moment it ends', () => {
    const info = { status: 'rejected', resetsAt: 1_900_000_000, rateLimitType: 'five_hour' };
    expect(one('claude', { type: 'rate_limit_event', rate_limit_info: info })).toMatchObject([
      { kind: 'rate-limit', until: 1_900_000_000_000 },
    ]);
    const allowed = { type: 'rate_limit_event', rate_limit_info: { ...info, status: 'allowed' } };
    expect(one('claude', allowed)).toEqual([]);
  });

  it('an edit, a deletion and a tool of an MCP server', () => {
    const changes = [
      { path: 'a', kind: 'add' },
      { path: 'b', kind: 'update' },
      { path: 'c', kind: 'delete' },
    ];
    const item = { id: 'i', type: 'file_change', status: 'completed', changes };
    expect(one('codex', { type: 'item.completed', item })).toEqual([
      { kind: 'file-change', path: 'a', change: 'added' },
      { kind: 'file-change', path: 'b', change: 'changed' },
      { kind: 'file-change', path: 'c', change: 'deleted' },
    ]);
    const call = { id: 'm', type: 'mcp_tool_call', tool: 'find', arguments: { q: 1 } };
    expect(one('codex', { type: 'item.started', item: call })).toEqual([
      { kind: 'tool-call', id: 'm', name: 'find', input: '{"q":1}' },
    ]);
  });

  it('a type that is not known is told apart from one that says nothing', () => {
    for (const cli of kinds) {
      expect(replay(cli, '{"type":"telepathy"}').unknown).toHaveLength(1);
    }
    expect(replay('claude', '{"type":"keep_alive"}')).toMatchObject({ events: [], unknown: [] });
  });
});

describe('lines', () => {
  it('that are no events are passed on as text, and end nothing', () => {
    const { events, text } = replay(
      'codex',
      'Hello\n{"type":"turn.st\n[1]\n\n{"type":"thread.started","thread_id":"x"}',
    );
    expect(text).toEqual(['Hello', '{"type":"turn.st', '[1]']);
    expect(events).toEqual([{ kind: 'session', id: 'x' }]);
  });

  it('that never end are dropped, and the next one is read', () => {
    const seen: string[] = [];
    const lines = createEventLines({
      onEvent: (event) => seen.push(JSON.stringify(event)),
      onText: (line) => seen.push(line),
    });
    const megabyte = 'x'.repeat(1_048_576);
    for (let count = 0; count < 20; count += 1) lines.take(megabyte);
    lines.take('\n{"type":"a"}\n');
    expect(seen).toEqual(['(a line that was too long to read was left out)', '{"type":"a"}']);
  });
});

describe('a result in the last words', () => {
  it.each([
    ['{"summary":"x"}', { summary: 'x' }],
    ['Here it is:\n```json\n{"summary":"x"}\n```\nDone.', { summary: 'x' }],
    ['```\n{"summary":"first"}\n```\n```json\n{"summary":"last"}\n```', { summary: 'last' }],
    ['All done.', null],
    ['{oops', null],
    ['["a"]', null],
  ])('%j', (text, result) => {
    expect(resultInText(text)).toEqual(result);
  });
});

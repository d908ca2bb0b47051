import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAcpDriver } from '../../runner/adapters/agents/acp/acp-driver.ts';
import { addUsage, noUsage, type AgentEvent, type TokenUsage } from '../../shared/domain/agent-event.ts';
import { acpClis, acpNames, type AcpName } from '../support/acp-clis.ts';
import { shortened } from '../support/acp-recording.ts';
import { replayOf } from '../support/acp-replay.ts';
import { acpTranscriptNames, readAcpTranscript, type AcpLine, type AcpTranscript } from '../support/acp-transcripts.ts';
import { cliPackages } from '../support/agent-clis.ts';
import { driverLab } from '../support/driver-lab.ts';
import { nativeCases } from '../support/native-cases.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'r-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What the driver makes of what was recorded. */
async function replay(transcript: AcpTranscript) {
  const replayed = replayOf(transcript);
  const { model, endpoint } = acpClis[transcript.agent];
  const driver = createAcpDriver({
    sandbox: replayed.sandbox,
    configFolder: '/config',
    environment: {},
    home: '/home/nobody',
    protocolOf: () => 'openai-compatible',
    graceMs: 60_000,
    refusalGraceMs: 0,
  });
  const lab = driverLab(folder, {
    driver,
    profile: { driver: 'acp', command: ['agent'], endpoints: [endpoint] },
    model,
    reach: () => Promise.resolve(replayed.gateway),
  });
  const run = await lab.run({
    gateway: replayed.gateway,
    session: transcript.session,
    signal: replayed.signal,
    stallMs: transcript.end === 'agent.stalled' ? 200 : 60_000,
  });
  const { outcome } = run;
  const end = outcome.kind === 'failed' ? outcome.error.code : outcome.kind;
  return { ...run, end, differences: replayed.differences };
}

const responses = (count: number): TokenUsage => ({
  input: 1_500 * count,
  cacheRead: 500 * count,
  cacheWrite: 0,
  output: 50 * count,
});

function usageOf(events: readonly AgentEvent[]): TokenUsage {
  return events.reduce((sum, event) => (event.kind === 'usage' ? addUsage(sum, event.usage) : sum), noUsage);
}

function sessionOf(events: readonly AgentEvent[]): string | null {
  const found = events.find((event) => event.kind === 'session');
  return found?.kind === 'session' ? found.id : null;
}

/** What is told of tokens in a run of two answers: OpenCode tells those of the last one, Gemini not what a cache held. */
const tokens: Readonly<Record<AcpName, TokenUsage>> = {
  'claude-acp': responses(2),
  'gemini-acp': { ...responses(2), cacheRead: 0 },
  'opencode-acp': responses(1),
  'qwen-acp': responses(2),
};

describe.each(acpNames)('what %s was recorded to say', (agent) => {
  it('is there for every case, of the pinned version', () => {
    const recorded = acpTranscriptNames(agent).map((name) => readAcpTranscript(agent, name));
    expect(new Set(recorded.map((transcript) => transcript.case))).toEqual(new Set(Object.keys(nativeCases)));
    expect(new Set(recorded.map(({ version }) => version))).toEqual(new Set([cliPackages[acpClis[agent].cli].version]));
  });

  it.each(acpTranscriptNames(agent))('%s ends as it did, and holds no update that is not known', async (name) => {
    const transcript = readAcpTranscript(agent, name);
    const { end, output, differences } = await replay(transcript);
    expect(differences).toEqual([]);
    expect(end, output).toBe(transcript.end);
    expect(output).not.toContain('are not known');
  });

  it('tells the work and its end', async () => {
    const { events } = await replay(readAcpTranscript(agent, 'success'));
    expect(events.at(-1)).toEqual({ kind: 'done', ok: true, text: 'All done.' });
    const calls = events.flatMap((event) => (event.kind === 'tool-call' ? [event.id] : []));
    const results = events.flatMap((event) => (event.kind === 'tool-result' ? [`${event.id} ${event.ok}`] : []));
    expect(calls).toHaveLength(2);
    // Announced before their input is known.
    const inputs = events.flatMap((event) => (event.kind === 'tool-call' ? [event.input] : []));
    expect(inputs).toEqual([expect.stringContaining('hello.txt'), expect.stringContaining('OPUS_RESULT_FILE')]);
    expect(results.sort()).toEqual(calls.map((id) => `${id} true`).sort());
    expect(events.filter(({ kind }) => kind === 'file-change')).toMatchObject([
      { path: expect.stringMatching(/hello\.txt$/) as string },
    ]);
    const permissions = events.flatMap((event) => (event.kind === 'permission' ? [event.granted] : []));
    expect(permissions.every(Boolean)).toBe(true);
    const said = events.flatMap((event) => (event.kind === 'text' ? [event.text] : []));
    expect(said).toEqual(['Writing.', 'All done.']);
  });

  it('counts tokens no more often than the model did', async () => {
    expect(usageOf((await replay(readAcpTranscript(agent, 'success'))).events)).toEqual(tokens[agent]);
    expect(usageOf((await replay(readAcpTranscript(agent, 'resume-2'))).events)).toEqual(tokens[agent]);
  });

  it('goes on with the conversation that it was in, or says that it has lost it', async () => {
    for (const name of ['resume', 'kill-and-resume']) {
      const first = sessionOf((await replay(readAcpTranscript(agent, `${name}-1`))).events);
      const { events, output } = await replay(readAcpTranscript(agent, `${name}-2`));
      const isLost = agent === 'gemini-acp';
      expect(first).not.toBeNull();
      expect(sessionOf(events) === first).toBe(!isLost);
      expect(output.includes('beginning afresh')).toBe(isLost);
    }
  });
});

describe('ends that differ from agent to agent', () => {
  it.each([
    ['claude-acp', 'dropped', 'agent.stalled'],
    ['gemini-acp', 'dropped', 'agent.failed'],
    ['opencode-acp', 'dropped', 'agent.timeout'],
    ['qwen-acp', 'dropped', 'agent.no-result'],
  ] as const)('%s at %s: %s', async (agent, name, end) => {
    expect((await replay(readAcpTranscript(agent, name))).end).toBe(end);
  });

  it('of an overloaded provider, all repeat without a word until the watchdog ends them', () => {
    for (const agent of acpNames) {
      const { lines, end, ending } = readAcpTranscript(agent, 'http-529');
      const work = ['agent_message_chunk', 'tool_call'].map((kind) => `"sessionUpdate":"${kind}"`);
      expect([end, ending]).toEqual(['agent.stalled', 'aborted']);
      expect(work.some((kind) => JSON.stringify(lines).includes(kind))).toBe(false);
    }
  });

  it('Qwen calls half an answer a turn that ended well', async () => {
    const { events } = await replay(readAcpTranscript('qwen-acp', 'dropped'));
    expect(events.at(-1)).toMatchObject({ kind: 'done', ok: true });
  });

  it('Qwen offers to change its mode as one of two ways to grant a call once, and is not told to', () => {
    const { lines } = readAcpTranscript('qwen-acp', 'success');
    expect(JSON.stringify(lines)).toContain('"proceed_once_and_switch_to_default"');
    const granted = lines
      .filter((line) => 'from' in line && line.from === 'client')
      .map((line) => JSON.stringify(line));
    expect(granted.filter((line) => line.includes('"optionId":"proceed_once"'))).toHaveLength(1);
  });
});

describe('a turn that was ended since the gateway refused', () => {
  it.each(['cancelled', 'end_turn'])(
    'failed for that reason, also when the agent has time to answer: %s',
    async (stopReason) => {
      const { lines, ...recorded } = readAcpTranscript('claude-acp', 'http-429-silent');
      const prompt = lines.findLast((line) => 'message' in line && line.message['method'] === 'session/prompt');
      const id = prompt !== undefined && 'message' in prompt ? prompt.message['id'] : null;
      const answer: AcpLine = { from: 'agent', message: { jsonrpc: '2.0', id, result: { stopReason } } };
      const replayed = await replay({ ...recorded, lines: [...lines, answer] });
      expect(replayed.outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.usage-limit' } });
    },
  );
});

describe('an update of a kind that nobody knows', () => {
  const success = readAcpTranscript('claude-acp', 'success');
  const sends = (method: string, params: unknown): AcpTranscript => {
    const at = success.lines.findIndex((line) => 'message' in line && line.message['method'] === 'session/prompt');
    const sent: AcpLine = { from: 'agent', message: { jsonrpc: '2.0', method, params } };
    return { ...success, lines: success.lines.toSpliced(at + 1, 0, sent, sent) };
  };

  it('is told at the end, once, and does not harm the work', async () => {
    const { end, output } = await replay(sends('session/update', { update: { sessionUpdate: 'telepathy' } }));
    expect(end).toBe('finished');
    expect(output).toContain('(it sent updates that are not known: telepathy)');
  });

  it('is told by its method where that is new, unless it is an extension of the agent’s own', async () => {
    expect((await replay(sends('session/dream', {}))).output).toContain('are not known: session/dream');
    for (const method of ['_vendor/dream', 'qwen/notify/session/prompt-suggestion']) {
      expect((await replay(sends(method, {}))).output).not.toContain('are not known');
    }
  });
});

describe('recordings', () => {
  it('leave out most of many updates alike, and say how many', () => {
    const update = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'x'.repeat(200) } };
    const line: AcpLine = { from: 'agent', message: { method: 'session/update', params: { update } } };
    const kept = shortened([...Array.from({ length: 50 }, () => line), { from: 'agent', noise: 'end' }]);
    expect(kept).toHaveLength(22);
    expect(kept[20]).toEqual({ leftOut: 30 });
    expect(JSON.stringify(kept[0])).toContain('… (40 characters left out)');
  });
});

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import type { NativeDriverOptions } from '../../runner/adapters/agents/native/native-driver.ts';
import { MalformedJson, type AgentRequest } from '../../runner/core/ports/agent.ts';
import type { GatewayAccess, GatewayRefusal } from '../../runner/core/ports/gateway.ts';
import type { AgentEvent } from '../../shared/domain/agent-event.ts';
import { nativeKinds } from '../support/agent-clis.ts';
import { gatewayTo, startCliModels, type CliModels } from '../support/cli-models.ts';
import type { LabRun } from '../support/driver-lab.ts';
import { nativeLab } from '../support/native-lab.ts';
import { newMark, processesWith } from '../support/sandbox-runs.ts';
import { readTranscript } from '../support/transcripts.ts';

let folder: string;
let models: CliModels;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'n-'));
  models = await startCliModels([]);
});
afterEach(async () => {
  await models.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A CLI that is a shell script: it has `$*`, its environment, and its prompt on standard input. */
function standIn(kind: NativeKind, script: string, options: Partial<NativeDriverOptions> = {}) {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const path = join(bin, kind);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  const lab = nativeLab(folder, kind, { path, version: '0' }, options);
  return {
    ...lab,
    run: (more: Partial<AgentRequest> = {}, profile = {}): Promise<LabRun> =>
      lab.run({ gateway: gatewayTo(models), ...more }, profile),
  };
}

/** Prints what the real one printed. */
function printing(kind: NativeKind, name: string, then = 'exit 0'): string {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const file = join(folder, 'bin', `${kind}-${name}`);
  writeFileSync(file, readTranscript(kind, name).stdout);
  return `cat ${file}; ${then}`;
}

const writesResult = `printf '{"summary":"s"}' > "$OPUS_RESULT_FILE"`;

function refusing(refusal: GatewayRefusal): GatewayAccess {
  return gatewayTo(models, () => refusal);
}

const usages = (events: readonly AgentEvent[]): AgentEvent[] => events.filter(({ kind }) => kind === 'usage');

describe.each(nativeKinds)('the %s driver', (kind) => {
  it('gives its CLI the contract, the prompt, a way to the model and no key', async () => {
    const lab = standIn(
      kind,
      `env > env; printf '%s\\n' "$@" > args; cat > prompt; ${printing(kind, 'success', writesResult)}`,
    );
    const { outcome } = await lab.run();
    expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 's' } });
    const env = readFileSync(join(lab.tree, 'env'), 'utf8');
    const args = readFileSync(join(lab.tree, 'args'), 'utf8');
    const endpoint = { claude: 'anthropic', codex: 'openai/v1', opencode: 'mock/v1', gemini: 'google' }[kind];
    expect(`${env}${args}`).toMatch(new RegExp(`http://127\\.0\\.0\\.1:\\d+/${endpoint}["\\n]`));
    expect(env).toMatch(/^OPUS_JOB_ID=FR-1-1$/m);
    expect(env).toMatch(new RegExp(`^HOME=${folder}/attempts/1/home-1$`, 'm'));
    expect(`${env}${args}`.match(/opus-gateway/g)).toHaveLength(1);
    const prompt = readFileSync(join(lab.tree, 'prompt'), 'utf8');
    expect(prompt.startsWith('-- Do "it" and say $so.\n\n')).toBe(true);
    expect(prompt).toContain(`to the file ${/^OPUS_OUT_DIR=(.*)$/m.exec(env)?.[1] ?? '?'}/question`);
    expect(args).not.toContain('say $so');
  });

  it('reaches the model by the port that the sandbox forwards', async () => {
    const url = { claude: '"$ANTHROPIC_BASE_URL"', codex: '', opencode: '', gemini: '"$GOOGLE_GEMINI_BASE_URL"' }[kind];
    const found = `$(printf '%s' "$* $OPENCODE_CONFIG_CONTENT" | grep -o 'http://127[^"]*' | head -1)`;
    const fetched = `node -e 'fetch(process.argv[1] + "/models").then(r => r.text()).then(t => console.log("answer " + t))' ${url || found}`;
    const { output } = await standIn(kind, fetched).run();
    expect(output).toContain('answer {"data":[],"models":[]}');
  });

  it('keeps conversations from round to round, each stage’s its own, and nothing else of HOME', async () => {
    const place = {
      claude: '.claude/projects',
      codex: '.codex/sessions',
      opencode: '.local/share/opencode',
      gemini: '.gemini/tmp',
    }[kind];
    const lab = standIn(
      kind,
      `ls -A "$HOME/${place}" "$HOME" | tr '\\n' ' '; touch "$HOME/${place}/kept" "$HOME/left"; echo`,
    );
    expect((await lab.run()).output).not.toMatch(/kept|left/);
    const second = await lab.run({ round: 1 });
    expect(second.output).toContain('kept');
    expect(second.output).not.toContain('left');
    expect((await lab.run({ stage: 'review', treeMode: 'read-only' })).output).not.toContain('kept');
  });

  it('is not content with exit code 0 alone', async () => {
    const { outcome } = await standIn(kind, `${writesResult}; exit 0`).run();
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.failed' } });
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(/without saying that it was done/);
  });

  it('passes on what its CLI asks in a file, and gives it no tool that asks a terminal', async () => {
    const lab = standIn(
      kind,
      `printf '%s\\n' "$@" > seen; env >> seen; cat "$HOME/.gemini/settings.json" >> seen 2>/dev/null
echo 'Which?' > "$OPUS_OUT_DIR/question"; ${printing(kind, 'success')}`,
    );
    const tools = kind === 'codex' ? [] : ['Read', 'AskUserQuestion', 'question'];
    const { outcome, events } = await lab.run({}, { tools });
    expect(outcome).toMatchObject({ kind: 'asked', question: 'Which?' });
    expect(events).toContainEqual({ kind: 'question', question: 'Which?' });
    const seen = readFileSync(join(lab.tree, 'seen'), 'utf8');
    expect(seen).not.toMatch(
      { claude: /AskUser/, codex: /never/, opencode: /"question":"allow"/, gemini: /never/ }[kind],
    );
    expect(seen).toMatch(
      { claude: /--tools/, codex: /exec/, opencode: /"\*":"deny"/, gemini: /"exclude":\["ask_user"\]/ }[kind],
    );
  });

  it('is not content with good words alone', async () => {
    const { outcome } = await standIn(kind, printing(kind, 'success', `${writesResult}; exit 9`)).run();
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.failed' }, report: { exitCode: 9 } });
  });

  it.each([
    ['http-400', 'agent.failed'],
    ['http-401', 'agent.credentials'],
    ['http-429', 'agent.usage-limit'],
    ['dropped', 'agent.failed'],
  ])('at %s fails as %s, and fails with exit code 0 as well', async (name, code) => {
    const exitCode = readTranscript(kind, name).exitCode ?? 1;
    const lab = standIn(kind, printing(kind, name, `[ -e lie ] && exit 0; exit ${exitCode}`));
    expect((await lab.run()).outcome).toMatchObject({ kind: 'failed', error: { code } });
    writeFileSync(join(lab.tree, 'lie'), '');
    expect((await lab.run()).outcome.kind).toBe('failed');
  });

  it('begins afresh where its CLI does not know the conversation', async () => {
    const { exitCode, stderr } = readTranscript(kind, 'unknown-session-1');
    writeFileSync(join(folder, 'stderr'), stderr);
    const lab = standIn(
      kind,
      `case "$*" in *gone-away*) ${printing(kind, 'unknown-session-1', `echo '${stderr.replaceAll("'", '')}' >&2; exit ${exitCode}`)};; esac
      cat > prompt; ${printing(kind, 'success', writesResult)}`,
    );
    const { outcome, output } = await lab.run({ session: 'gone-away' });
    expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 's' } });
    expect(outcome.report.session).toBe((await lab.run()).outcome.report.session);
    expect(output).toContain('beginning afresh');
    expect(readFileSync(join(lab.tree, 'prompt'), 'utf8')).toContain('Do "it"');
  });

  it('does not repeat a resumed run that failed for another reason', async () => {
    const { outcome, output } = await standIn(kind, printing(kind, 'http-400', 'exit 1')).run({ session: 'x' });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.failed' } });
    expect(output).not.toContain('afresh');
  });

  it('names its conversation also when it is stopped, and leaves no process', async () => {
    const mark = newMark();
    const stop = new AbortController();
    const lab = standIn(
      kind,
      `${printing(kind, 'kill-and-resume-2', ':')}; setsid sh -c 'trap "" TERM; sleep 600; : ${mark}' & touch started; sleep 600`,
    );
    const running = lab.run({ signal: stop.signal });
    await vi.waitFor(() => {
      expect(existsSync(join(lab.tree, 'started'))).toBe(true);
      expect(processesWith(mark)).not.toEqual([]);
    }, 20_000);
    stop.abort();
    const { outcome } = await running;
    expect(outcome.kind).toBe('canceled');
    expect(outcome.report.session).toMatch(/.{8}/);
    expect(processesWith(mark)).toEqual([]);
  });

  it('ends a CLI that says nothing, and says so', async () => {
    const { outcome } = await standIn(kind, `${printing(kind, 'hang', ':')}; sleep 600`).run({ stallMs: 300 });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.stalled' } });
  });

  it('reads on after lines that are no events', async () => {
    const noise = `echo '{"type":'; head -c 5000 /dev/urandom; echo; echo '{"type":"telepathy"}'; echo '[1]'`;
    const { outcome, output } = await standIn(kind, `${noise}; ${printing(kind, 'success', writesResult)}`).run();
    expect(outcome).toMatchObject({ kind: 'finished' });
    expect(output).toMatch(/an event that is not known: telepathy/);
    // eslint-disable-next-line no-control-regex -- that is what must not be there
    expect(output).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });
});

describe('what the gateway refused', () => {
  const limit = { kind: 'usage-limit', until: Date.now() + 3_600_000, message: 'the window is used up' } as const;

  it.each([
    [{ kind: 'budget', message: '5,000 of 4,000 tokens' } as const, 'agent.budget'],
    [{ kind: 'credentials', message: 'the key was revoked' } as const, 'agent.credentials'],
    [limit, 'agent.usage-limit'],
  ])('explains the failure: %j', async (refusal, code) => {
    const { outcome } = await standIn('claude', printing('claude', 'http-400', 'exit 1')).run({
      gateway: refusing(refusal),
    });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code } });
    expect(outcome.kind === 'failed' && outcome.error.message).toContain(refusal.message);
    expect(outcome.kind === 'failed' && outcome.error.until).toBe('until' in refusal ? refusal.until : undefined);
  });

  it('ends a CLI that goes on asking without a word', async () => {
    const lab = standIn('gemini', `${printing('gemini', 'hang', ':')}; sleep 600`, { refusalGraceMs: 300 });
    const { outcome } = await lab.run({ gateway: refusing(limit), stallMs: 600_000, timeoutMs: 600_000 });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.usage-limit', until: limit.until } });
  });

  it('ends nothing while a tool runs, nor what another model has answered since', async () => {
    const call = JSON.stringify({ type: 'tool_use', tool_id: 't', tool_name: 'run_shell_command', parameters: {} });
    const result = JSON.stringify({ type: 'tool_result', tool_id: 't', status: 'success', output: '' });
    const wait = 'while [ ! -e go ]; do sleep 0.05; done; rm go';
    const script = `echo '${call}'; ${wait}; echo '${result}'; echo '${call}'; echo '${result}'; ${wait}; echo '{"type":"result","status":"success"}'; ${writesResult}`;
    const lab = standIn('gemini', script, { refusalGraceMs: 1 });
    let asked = 0;
    const gateway = gatewayTo(models, () => {
      asked += 1;
      // Each time, it is asked often enough to have ended the agent.
      if (asked === 6 || asked === 12) writeFileSync(join(lab.tree, 'go'), '');
      return limit;
    });
    expect((await lab.run({ gateway })).outcome).toMatchObject({ kind: 'finished', result: { summary: 's' } });
  });

  it('is no failure where the agent got over it', async () => {
    const { outcome } = await standIn('claude', printing('claude', 'success', writesResult)).run({
      gateway: refusing(limit),
    });
    expect(outcome.kind).toBe('finished');
  });

  it('holds no job longer than a week', async () => {
    const far = { ...limit, until: Date.now() + 400 * 86_400_000 };
    const { outcome } = await standIn('codex', 'exit 1').run({ gateway: refusing(far) });
    expect(outcome.kind === 'failed' && outcome.error.until).toBeLessThan(Date.now() + 8 * 86_400_000);
  });
});

describe('codex, whose numbers are those of the whole conversation', () => {
  const script = (): string => `case "$*" in *resume*) ${printing('codex', 'resume-2', writesResult)};;
    *) ${printing('codex', 'resume-1', writesResult)};; esac`;

  it('tells of a resumed run what that run used', async () => {
    const lab = standIn('codex', script());
    const first = await lab.run();
    const second = await lab.run({ session: first.outcome.report.session });
    const used = { input: 3_000, cacheRead: 1_000, cacheWrite: 0, output: 100 };
    expect(usages(first.events)).toMatchObject([{ usage: used, model: 'gpt-5' }]);
    expect(usages(second.events)).toMatchObject([{ usage: used, model: 'gpt-5' }]);
  });

  it('tells nothing after a run that was killed, rather than its tokens once more', async () => {
    const lab = standIn('codex', `[ -e die ] && exit 1; ${script()}`);
    const { session } = (await lab.run()).outcome.report;
    writeFileSync(join(lab.tree, 'die'), '');
    await lab.run({ session });
    rmSync(join(lab.tree, 'die'));
    const third = await lab.run({ session });
    expect(third.outcome.kind).toBe('finished');
    expect(usages(third.events)).toEqual([]);
  });
});

describe('the result', () => {
  it('is taken from the last words where no file was written', async () => {
    const done = JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: '{"summary":"said"}' });
    const { outcome } = await standIn('claude', `echo '${done}'`).run();
    expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 'said' } });
  });

  it('is asked for once more where the file is no JSON', async () => {
    const lab = standIn('claude', printing('claude', 'success', 'echo "{oops" > "$OPUS_RESULT_FILE"'));
    const { outcome } = await lab.run();
    expect(outcome.kind === 'finished' && outcome.result).toBeInstanceOf(MalformedJson);
  });

  it('is missed where there is none, except of a test', async () => {
    const lab = standIn('claude', printing('claude', 'success'));
    expect((await lab.run()).outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.no-result' } });
    expect((await lab.run({ stage: 'test' })).outcome).toMatchObject({ kind: 'finished', result: null });
  });
});

describe('before anything is started', () => {
  it('says that the CLI is not installed', async () => {
    const { outcome } = await nativeLab(folder, 'codex', null).run({ gateway: gatewayTo(models) });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.not-found' } });
    const gone = nativeLab(folder, 'codex', { path: join(folder, 'gone'), version: '0' });
    expect((await gone.run({ gateway: gatewayTo(models) })).outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'agent.not-found' },
    });
  });

  it('says that there is no way to a model, and what to write', async () => {
    const { outcome } = await standIn('claude', 'exit 0').run({ gateway: null });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'agent.credentials' } });
    expect(outcome.kind === 'failed' && outcome.error.hint).toContain('anthropic: { key: env:');
  });

  it('asks for a model where the CLI needs one', async () => {
    const { outcome } = await standIn('opencode', 'exit 0').run({ model: '' }, { endpoints: ['mock'] });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'vault.agent-invalid' } });
  });
});

describe('what a repository brings', () => {
  it.each([
    ['claude', /--setting-sources\nuser\n--strict-mcp-config/],
    ['codex', /--ignore-user-config\n--ignore-rules/],
    ['opencode', /--pure\n[^]*OPENCODE_DISABLE_PROJECT_CONFIG=1/],
    // It takes a trusted folder's settings unless it is told so in this way.
    ['gemini', /--skip-trust\n(?![^]*TRUST_WORKSPACE)/],
  ] as const)('is not read by %s', async (kind, flags) => {
    const lab = standIn(kind, `printf '%s\\n' "$@" > seen; env >> seen`);
    await lab.run();
    expect(readFileSync(join(lab.tree, 'seen'), 'utf8')).toMatch(flags);
  });
});

describe('the note', () => {
  it.each([
    ['claude', /--tools\nRead,Bash\n/],
    ['opencode', /"\*":"deny".*"read":"allow","bash":"allow"/],
    ['gemini', /"core":\["read_file".*"run_shell_command"\]/],
  ] as const)('names the tools that %s may use', async (kind, tools) => {
    const lab = standIn(kind, `printf '%s\\n' "$@" > seen; env >> seen; cat "$HOME/.gemini/settings.json" >> seen`);
    await lab.run({}, { tools: ['Read', 'Bash'] });
    expect(readFileSync(join(lab.tree, 'seen'), 'utf8')).toMatch(tools);
  });

  it('names the model', async () => {
    const lab = standIn('claude', `printf '%s\\n' "$@" > seen`);
    await lab.run({ model: 'claude-haiku-4-5' });
    expect(readFileSync(join(lab.tree, 'seen'), 'utf8')).toContain('--model\nclaude-haiku-4-5\n');
    await lab.run({ model: '' });
    expect(readFileSync(join(lab.tree, 'seen'), 'utf8')).not.toContain('--model');
  });

  it('sees its tree read-only where the stage only looks', async () => {
    const { output } = await standIn('claude', 'touch nope').run({ stage: 'review', treeMode: 'read-only' });
    expect(output).toMatch(/Read-only file system/);
  });
});

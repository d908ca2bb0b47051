import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agents, type AgentsOptions } from '../../runner/cli/agents.ts';
import { doctor } from '../../runner/cli/doctor.ts';
import type { Check } from '../../runner/cli/doctor-check.ts';
import { init } from '../../runner/cli/init.ts';
import type { InitOptions } from '../../runner/cli/init-answers.ts';
import { fakeTerminal } from '../support/fake-terminal.ts';
import { startScriptedModels, type ScriptedModels } from '../support/scripted-models.ts';

// What a CLI does as far as it matters here: it says its version, and asks the model that it is led to.
const claude = (version: string) => `#!/usr/bin/env node
if (process.argv.includes('--version')) { console.log('${version} (Claude Code)'); process.exit(0); }
const { ANTHROPIC_BASE_URL, ANTHROPIC_API_KEY } = process.env;
const answer = await fetch(ANTHROPIC_BASE_URL + '/v1/messages', {
  method: 'POST',
  headers: { 'x-api-key': ANTHROPIC_API_KEY, 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'claude-sonnet-4-5', stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }),
});
await answer.text();
const say = (event) => console.log(JSON.stringify(event));
say({ type: 'system', subtype: 'init', session_id: 's', model: 'claude-sonnet-4-5' });
say({ type: 'result', subtype: 'success', is_error: !answer.ok, api_error_status: answer.ok ? null : answer.status, result: 'ready' });
`;

let folder: string;
let provider: ScriptedModels;
let environment: Record<string, string>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agents-'));
  mkdirSync(join(folder, 'bin'));
  spawnSync('git', ['init', '-q', '--bare', '--initial-branch=main', join(folder, 'app.git')]);
  provider = await startScriptedModels({ order: 'requests' });
  provider.say({ text: 'ready', usage: { input: 1_000, output: 10 } });
  environment = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, ANTHROPIC_API_KEY: 'a-key' };
});
afterEach(async () => {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

function install(name: string, text: string): void {
  writeFileSync(join(folder, 'bin', name), text);
  chmodSync(join(folder, 'bin', name), 0o755);
}

async function initialise(options: InitOptions) {
  const terminal = fakeTerminal({ cwd: folder, environment });
  expect(await init(terminal, { vault: './vault', repo: ['app=./app.git@main'], ...options })).toBe(0);
  const file = join(folder, 'opus.yml');
  // The vendor is on loopback here.
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('env:ANTHROPIC_API_KEY }', `env:ANTHROPIC_API_KEY, url: '${provider.url}' }`),
  );
  return terminal;
}

async function shown(options: AgentsOptions = {}) {
  const terminal = fakeTerminal({ cwd: folder, environment });
  const code = await agents(terminal, options);
  return { code, text: terminal.outLines.join('\n'), error: terminal.errLines.join('\n') };
}

interface Row {
  readonly name: string;
  readonly installed: { readonly path: string; readonly version: string } | null;
  readonly trial: { readonly ok: boolean; readonly error: { readonly message: string; readonly hint: string } } | null;
}

async function rows(options: AgentsOptions = {}): Promise<ReadonlyMap<string, Row>> {
  const { text } = await shown({ ...options, json: true });
  return new Map((JSON.parse(text) as Row[]).map((row) => [row.name, row]));
}

async function checks(): Promise<ReadonlyMap<string, Check>> {
  const terminal = fakeTerminal({ cwd: folder, environment });
  await doctor(terminal, { json: true });
  const document = JSON.parse(terminal.outLines.join('\n')) as { readonly checks: Check[] };
  return new Map(document.checks.map((check) => [check.name, check]));
}

describe('opus init --with', () => {
  it('writes agents that pass the doctor and answer at once, and names what is still to be set', async () => {
    install('claude', claude('2.1.329'));
    const terminal = await initialise({ with: 'claude' });
    expect(terminal.outLines.join('\n')).toMatch(/Confirmed the 14 notes[\s\S]*agents --try/);
    expect(terminal.outLines.join('\n')).not.toContain('export ANTHROPIC_API_KEY');
    const found = await checks();
    expect(found.get('agent coder')).toMatchObject({ state: 'ok', detail: 'claude 2.1.329, key ANTHROPIC_API_KEY' });
    expect(found.get('agents by name')).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining('ready: claude, llm;') as string,
    });
    expect(found.get('trust')).toMatchObject({ state: 'ok' });
    const { code, text } = await shown({ try: true });
    expect(text).toMatch(
      /✓ planner, coder, reviewer, claude {2}answered in .* · 1\.0k tokens in, 10 out · 0\.0032 USD/,
    );
    expect([code, provider.requests.length]).toEqual([0, 2]);
  });

  it('says which variable is missing, in init, in the doctor and in the table', async () => {
    install('claude', claude('2.1.329'));
    environment = { PATH: environment['PATH'] ?? '' };
    const terminal = await initialise({ with: 'claude,codex' });
    expect(terminal.outLines.join('\n')).toMatch(
      /export ANTHROPIC_API_KEY=….*claude setup-token[\s\S]*export OPENAI_API_KEY=…/,
    );
    const found = await checks();
    expect(found.get('agent coder')).toMatchObject({
      state: 'missing',
      detail: expect.stringContaining('ANTHROPIC_API_KEY is not set') as string,
    });
    expect(found.get('agent reviewer')).toMatchObject({
      state: 'missing',
      detail: 'The program codex is not on PATH.',
      fix: expect.stringContaining('npm install') as string,
    });
    expect((await shown()).text).toMatch(/coder +code +claude 2\.1\.329 +no ANTHROPIC_API_KEY/);
  });

  it('refuses a name that it does not know, and two answers to one question', async () => {
    await expect(initialise({ with: 'claude,clod' })).rejects.toMatchObject({
      code: 'config.usage',
      hint: expect.stringContaining('opencode') as string,
    });
    await expect(initialise({ with: 'claude', agent: ['x'] })).rejects.toMatchObject({ code: 'config.usage' });
  });

  it('leaves opus.yml as it is, and says what it lacks', async () => {
    writeFileSync(join(folder, 'opus.yml'), 'vault: { path: ./vault }\nrepos: { app: { url: ./app.git } }\n');
    const terminal = fakeTerminal({ cwd: folder, environment });
    expect(await init(terminal, { with: 'codex' })).toBe(0);
    expect(terminal.errLines.join('\n')).toContain('openai: { key: env:OPENAI_API_KEY }');
    expect(readFileSync(join(folder, 'opus.yml'), 'utf8')).not.toContain('models');
  });
});

describe('opus agents', () => {
  it('shows every CLI that it knows, without any opus.yml, and tries none of them', async () => {
    install('claude', claude('2.0.1'));
    const found = await rows();
    expect([...found.keys()]).toEqual('claude codex opencode gemini qwen kimi cursor augment'.split(' '));
    expect(found.get('claude')).toMatchObject({
      ...{ kind: 'claude', note: null, stages: [], only: null, confirmed: null, olderThan: '2.1.329', signedIn: null },
      ...{ installed: { path: join(folder, 'bin', 'claude'), version: '2.0.1' }, trial: null },
    });
    expect(found.get('codex')).toMatchObject({ installed: null });
    await expect(shown({ try: true })).rejects.toMatchObject({ code: 'config.not-found' });
  });

  it('asks a CLI for its version where it sees neither the project nor the home folder nor a key', async () => {
    const home = process.env['HOME'] ?? '';
    const unseen = `[ ! -e '${join(folder, 'opus.yml')}' ] && [ "$HOME" != '${home}' ]`;
    const tell = `${unseen} && [ -z "$ANTHROPIC_API_KEY$SECRET" ] && echo 9.9.9`;
    install('claude', `#!/bin/sh\n${tell}\n`);
    environment['SECRET'] = 'x';
    await initialise({ with: 'claude' });
    expect((await rows()).get('coder')?.installed?.version).toBe('9.9.9');
  });

  it('warns of a version older than what is known to work, as the doctor does', async () => {
    install('claude', claude('2.1.100'));
    await initialise({ with: 'claude' });
    expect((await shown()).text).toMatch(/claude 2\.1\.100, old[\s\S]*older than 2\.1\.329/);
    expect((await checks()).get('agent coder')).toMatchObject({
      state: 'warning',
      fix: expect.stringContaining('npm install') as string,
    });
  });

  it('tells whether the key is a subscription’s, and what is not confirmed or cannot be read', async () => {
    install('claude', claude('2.1.329'));
    environment['ANTHROPIC_API_KEY'] = 'sk-ant-oat01-x';
    await initialise({ with: 'claude' });
    const notes = join(folder, 'vault', '00_system', 'opus', 'agents');
    writeFileSync(join(notes, 'fresh.md'), '---\nstage: test\ndriver: command\ncommand: [/bin/sh, -c, "true"]\n---\n');
    writeFileSync(join(notes, 'broken.md'), '---\nstage: lunch\ndriver: claude\n---\nDo it.\n');
    const { text } = await shown();
    expect(text).toMatch(/planner +plan +claude 2\.1\.329 +subscription ANTHROPIC_API_KEY\n/);
    expect(text).toMatch(/fresh +test +.*its own affair +not confirmed/);
    expect(text).toMatch(/broken +its note cannot be read[\s\S]*broken\.md:2: `lunch` is no stage/);
    expect((await rows({ try: 'fresh' })).get('fresh')?.trial?.error).toMatchObject({
      message: expect.stringContaining('not confirmed') as string,
    });
  });

  it('looks for the login of an agent that keeps its own, and names the command that makes it', async () => {
    environment['HOME'] = join(folder, 'home');
    install('auggie', '#!/bin/sh\necho 1.0.0\n');
    await initialise({ with: 'augment' });
    expect((await checks()).get('agent coder')).toMatchObject({ state: 'missing', fix: 'auggie login' });
    mkdirSync(join(folder, 'home', '.augment'), { recursive: true });
    writeFileSync(join(folder, 'home', '.augment', 'session.json'), '{}');
    expect((await shown()).text).toMatch(/coder +code +augment 1\.0\.0 +login ~\/\.augment\/session\.json/);
    writeFileSync(
      join(folder, 'opus.yml'),
      `${readFileSync(join(folder, 'opus.yml'), 'utf8')}limits: { credentials: false }\n`,
    );
    expect((await shown()).text).toMatch(/coder +code +augment 1\.0\.0 +login not allowed/);
  });

  it('ends with 1 when an agent does not answer, with its reason and what to do', async () => {
    install('claude', claude('2.1.329'));
    await initialise({ with: 'claude' });
    provider.say({ fault: { status: 401 } });
    const refused = await shown({ try: 'coder' });
    expect([refused.code, refused.text]).toEqual([1, expect.stringMatching(/✗ coder {2}.*(?:key|credential|sign)/i)]);
    delete environment['ANTHROPIC_API_KEY'];
    const unset = await shown({ try: 'coder' });
    expect([unset.code, unset.text]).toEqual([
      1,
      expect.stringMatching(/✗ coder {2}ANTHROPIC_API_KEY is not set[\s\S]*→ .*export ANTHROPIC_API_KEY/),
    ]);
    await expect(shown({ try: 'nobody' })).rejects.toMatchObject({
      code: 'config.usage',
      hint: expect.stringContaining('coder') as string,
    });
  });

  it('prints one document of a trial', async () => {
    install('claude', claude('2.1.329'));
    await initialise({ with: 'claude' });
    const found = await rows({ try: 'reviewer' });
    expect(found.get('reviewer')).toMatchObject({
      ...{ kind: 'claude', note: '00_system/opus/agents/reviewer.md', stages: ['review'], only: null, confirmed: true },
      ...{ signedIn: true, how: 'key ANTHROPIC_API_KEY', problem: null },
      trial: {
        ok: true,
        tokens: { input: 1_000, cacheRead: 0, cacheWrite: 0, output: 10 },
        cost: expect.closeTo(0.00315, 6) as number,
        error: null,
      },
    });
    expect(found.get('coder')?.trial).toBeNull();
  });
});

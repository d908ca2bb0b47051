import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createLiquidPrompts } from '../../runner/adapters/prompts/liquid-prompts.ts';
import { parseAllowedHost } from '../../runner/adapters/sandbox/allowed-hosts.ts';
import { parseAgentNote } from '../../runner/adapters/vault/agent-note.ts';
import { configText, noteFiles } from '../../runner/cli/init-files.ts';
import { endpointsOfNotes, modelsText, readyAgents, readyNote } from '../../runner/cli/ready-agents.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { agentKinds, isOlder, kindOf, usualEndpoints, versionIn } from '../../runner/core/agent-kinds.ts';
import type { AgentProfile } from '../../runner/core/ports/agent.ts';

const prompts = createLiquidPrompts();

/** What a stage gives to a prompt; `more` is what only some runs have. */
const variables = (stage: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ fr: { id: 'FR-001', title: 'Dark mode', body: 'Please.' }, stage, job: 'FR-001-1', round: 0, plan: null },
  ...{ issues: [], evidence: null, conflict: null, comment: '', diff: '', rules: [], memory: [], skills: [] },
  ...{ constraints: '', result_schema: '{"the": "schema"}' },
  ...more,
});

function profileOf(text: string, path = 'agents/any.md'): AgentProfile {
  const parsed = parseAgentNote(path, text);
  if (parsed.kind === 'invalid') throw new Error(parsed.problems[0]?.message);
  return parsed.profile;
}

function notesWith(...chosen: string[]): ReadonlyMap<string, AgentProfile> {
  const answers = { vault: '', repositories: [], test: '', agent: [], agentIsPlaceholder: false, chosen, ready: true };
  const notes = noteFiles(answers).filter(({ path }) => path.includes('/agents/'));
  return new Map(notes.map(({ path, text }) => [profileOf(text, path).name, profileOf(text, path)]));
}

describe('a ready agent note', () => {
  it('is there for every known CLI and for the built-in agent', () => {
    expect(readyAgents).toEqual('claude codex opencode gemini qwen kimi cursor augment llm'.split(' '));
  });

  it.each(readyAgents)(
    'of %s works in each stage for requests that name it, with a prompt of that stage',
    async (name) => {
      const profile = profileOf(readyNote(name));
      expect(profile).toMatchObject({ stages: ['plan', 'code', 'review'], onlyNamed: true });
      expect(kindOf(profile)?.name ?? profile.driver).toBe(name);
      const render = (stage: string, more = {}) => prompts.render(profile.template, variables(stage, more), 'the note');
      expect(await render('plan')).toMatch(/^You plan one change[\s\S]*FR-001: Dark mode[\s\S]*"the": "schema"/);
      expect(await render('code')).toMatch(/^You change the repository/);
      expect(await render('review', { diff: '+a line', rules: [{ name: 'r', text: 'Be kind.' }] })).toMatch(
        /^You review one change[\s\S]*Be kind\.[\s\S]*\+a line/,
      );
    },
  );

  it('hands a coder everything that sent the job back', async () => {
    const more = {
      plan: { summary: 'Paint it.', steps: [{ title: 'First the wall' }] },
      issues: [{ severity: 'major', message: 'Too bright.', file: 'a.css', line: 3, rule: 'contrast' }],
      evidence: { argv: ['npm', 'test'], exitCode: 1, tail: 'it broke' },
      conflict: { files: ['b.css'], detail: 'both changed it' },
      ...{ comment: 'Darker.', constraints: 'No red.', memory: [{ name: 'colours', text: 'We like grey.' }] },
    };
    const prompt = await prompts.render(profileOf(readyNote('claude')).template, variables('code', more), 'the note');
    const parts = ['First the wall', 'Too bright. (a.css:3), rule contrast', 'it broke', 'b.css', 'Darker.', 'No red.'];
    expect([...parts, 'We like grey.'].filter((part) => !prompt.includes(part))).toEqual([]);
  });

  it.each(readyAgents)('of %s names hosts that a sandbox can be opened to', (name) => {
    const { network } = profileOf(readyNote(name));
    expect(network.map((entry) => parseAllowedHost(entry).host)).toEqual(network);
  });

  it('asks for no endpoint of models that opus.yml could not name', () => {
    const asked = endpointsOfNotes(readyAgents.map(readyNote));
    expect(asked.filter((name) => usualEndpoints[name] === undefined)).toEqual([]);
  });
});

describe('the agents that are chosen', () => {
  it('plan, code and review, the second one reviewing', () => {
    const notes = notesWith('claude', 'codex');
    const drivers = ['planner', 'coder', 'reviewer'].map((name) => notes.get(name)?.driver);
    expect(drivers).toEqual(['claude', 'claude', 'codex']);
    expect(notesWith('gemini').get('reviewer')).toMatchObject({ driver: 'gemini', stages: ['review'] });
  });

  it('do not review by the model that wrote the code, where the second one has the choice', () => {
    expect(notesWith('claude', 'opencode').get('reviewer')?.model).toBe('openai/gpt-5');
    expect(notesWith('codex', 'opencode').get('reviewer')?.model).toMatch(/^anthropic\//);
    expect(notesWith('opencode').get('reviewer')?.model).toMatch(/^anthropic\//);
  });
});

describe('models in opus.yml as init writes it', () => {
  let folder: string;
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [
      ['claude', 'codex'],
      ['anthropic', 'openai'],
    ],
    [
      ['qwen', 'kimi'],
      ['qwen', 'kimi'],
    ],
    [['cursor'], []],
    [[], []],
  ])('for %j names %j', (chosen, endpoints) => {
    folder = mkdtempSync(join(tmpdir(), 'models-'));
    const file = join(folder, 'opus.yml');
    const repositories = [{ name: 'app', url: './app.git', base: 'main' }];
    writeFileSync(file, configText({ vault: './vault', repositories, test: '', chosen, ready: true }, file));
    expect(Object.keys(loadConfig(file, { command: 'opus', environment: {} }).models)).toEqual(endpoints);
  });

  it('shows the others as comments', () => {
    folder = mkdtempSync(join(tmpdir(), 'models-'));
    expect(modelsText(['openai'])).toContain('\n  # google: { key: env:GEMINI_API_KEY }\n');
  });
});

describe('a known CLI', () => {
  it.each([
    ['2.1.329 (Claude Code)', '2.1.329'],
    ['codex-cli 0.169.0', '0.169.0'],
    ['2026.02.27-e7d2ef6', '2026.02.27-e7d2ef6'],
    ['no idea', null],
  ])('that prints %j has the version %j', (printed, version) => {
    expect(versionIn(printed)).toBe(version);
  });

  it('is older by the first number that differs', () => {
    expect(['2.1.328', '2.0.999', '1.9.9-beta'].map((version) => isOlder(version, '2.1.329'))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['2.1.329', '2.1.1000', '10.0.0'].map((version) => isOlder(version, '2.1.329'))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is told by its driver or by its program, also behind env and by a path', () => {
    const kind = (...command: string[]): string | undefined => kindOf({ driver: 'acp', command })?.name;
    expect(kind('env', 'A=1', '/opt/bin/kimi', 'acp')).toBe('kimi');
    expect(kind('auggie', '--acp')).toBe('augment');
    expect(kind('my-agent')).toBeUndefined();
    expect(agentKinds.map(({ name }) => name)).toContain(kindOf({ driver: 'gemini', command: [] })?.name);
  });
});

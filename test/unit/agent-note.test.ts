import { describe, expect, it } from 'vitest';
import { parseAgentNote } from '../../runner/adapters/vault/agent-note.ts';

function agent(lines: string[], body = 'Do {{ title }}.\n'): ReturnType<typeof parseAgentNote> {
  return parseAgentNote('00_system/opus/agents/coder.md', `---\n${lines.join('\n')}\n---\n${body}`);
}

function problems(lines: string[], body?: string): { line: number; message: string; hint: string }[] {
  const parsed = agent(lines, body);
  return parsed.kind === 'invalid' ? [...parsed.problems] : [];
}

describe('an agent note', () => {
  it('is read from the form that the documentation shows', () => {
    const parsed = agent([
      'stage: [plan, code]',
      'driver: command',
      'model: { simple: small, medium: mid, complex: large }',
      'command: [node, "{{config_dir}}/agent.mjs", "{{prompt_file}}"]',
      'timeout: 2h',
      'stall: 5m 30s',
      'tools: [Read, Edit]',
      'reads: [~/tools]',
      'network: [api.example.com, "*.example.org:8443"]',
      'skills: [gh]',
      'constraints: "Small steps."',
      'env: [CI]',
      'match: "api|endpoint"',
      'tags: [agent]',
    ]);
    expect(parsed).toEqual({
      kind: 'agent',
      profile: {
        name: 'coder',
        path: '00_system/opus/agents/coder.md',
        stages: ['plan', 'code'],
        driver: 'command',
        model: { simple: 'small', medium: 'mid', complex: 'large' },
        command: ['node', '{{config_dir}}/agent.mjs', '{{prompt_file}}'],
        timeoutMs: 7_200_000,
        stallMs: 330_000,
        concurrency: null,
        endpoints: [],
        tools: ['Read', 'Edit'],
        reads: ['~/tools'],
        network: ['api.example.com', '*.example.org:8443'],
        skills: ['gh'],
        constraints: 'Small steps.',
        env: ['CI'],
        match: 'api|endpoint',
        template: 'Do {{ title }}.\n',
      },
    });
  });

  it('may be one that works only where it is named, said by that word alone', () => {
    expect(agent(['stage: code', 'driver: claude', 'only: named'])).toMatchObject({ profile: { onlyNamed: true } });
    expect(problems(['stage: code', 'driver: claude', 'only: mondays'])).toMatchObject([
      {
        line: 4,
        message: '`mondays` cannot be used in `only`.',
        hint: expect.stringContaining('only: named') as string,
      },
    ]);
  });

  it('may name files of a login, each of which may be renewed', () => {
    const file = '~/.codex/auth.json';
    const read = (value: string) => agent(['stage: code', 'driver: codex', `credentials: ${value}`]);
    expect(read(file)).toMatchObject({ profile: { credentials: [{ file, refresh: false }] } });
    expect(read(`[${file}, { file: /home/me/b, refresh: true }]`)).toMatchObject({
      profile: {
        credentials: [
          { file, refresh: false },
          { file: '/home/me/b', refresh: true },
        ],
      },
    });
  });

  it.each([
    'auth.json',
    '~/../other/auth.json',
    '[{ path: ~/a }]',
    '[{ file: ~/a, refresh: often }]',
    '~/folder/',
    'true',
  ])('takes no login from %s', (value) => {
    expect(problems(['stage: code', 'driver: codex', `credentials: ${value}`])).toMatchObject([
      { line: 4, hint: expect.stringContaining('[~/.codex/auth.json]') as string },
    ]);
  });

  it('needs no more than a stage, a driver and a prompt', () => {
    expect(agent(['stage: code', 'driver: claude'])).toMatchObject({
      kind: 'agent',
      profile: { stages: ['code'], command: [], model: null, timeoutMs: null, tools: [], constraints: '', match: null },
    });
  });

  it.each([
    [
      'a command as one text',
      ['stage: code', 'driver: command', 'command: node agent.mjs'],
      4,
      /list with the program first/,
    ],
    ['an unquoted placeholder', ['stage: code', 'driver: command', 'command: [node, {{prompt}}]'], 4, /[Qq]uotes/],
    ['no command', ['stage: code', 'driver: command'], 1, /list with the program first/],
    ['a misspelt key', ['stage: code', 'driver: claude', 'timout: 2h'], 4, /`timeout`/],
    ['an unknown key', ['stage: code', 'driver: claude', 'colour: red'], 4, /The keys of an agent note/],
    ['an unknown stage', ['stage: reviw', 'driver: claude'], 2, /`review`/],
    ['a stage without agents', ['stage: merge', 'driver: claude'], 2, /plan, code, test, review/],
    ['no stage', ['driver: claude'], 1, /plan, code, test, review/],
    ['an unknown driver', ['stage: code', 'driver: cluade'], 3, /`claude`/],
    ['a time without unit', ['stage: code', 'driver: claude', 'timeout: 30'], 4, /`2h`/],
    ['a time that is none', ['stage: code', 'driver: claude', 'stall: 0s'], 4, /`5m`/],
    ['a pattern that is none', ['stage: code', 'driver: claude', 'match: "("'], 4, /bars between/],
    ['a secret in env', ['stage: code', 'driver: claude', 'env: ["TOKEN=abc"]'], 4, /never their values/],
    ['an address as host', ['stage: code', 'driver: claude', 'network: ["https://a.b/c"]'], 4, /host names/],
    ['a relative path', ['stage: code', 'driver: claude', 'reads: [tools]'], 4, /absolute paths/],
    ['tools for an agent that takes none', ['stage: code', 'driver: codex', 'tools: [Read]'], 4, /Leave `tools` out/],
    ['a login for no program', ['stage: code', 'driver: llm', 'credentials: ~/a'], 4, /Leave `credentials` out/],
    ['a list as model', ['stage: code', 'driver: claude', 'model: [a]'], 4, /simple/],
    ['broken frontmatter', ['stage: code', 'driver: a: b'], 3, /double quotes/],
  ])('with %s says where, and what to write instead', (_, lines, line, hint) => {
    const [problem] = problems(lines);
    expect(problem?.line).toBe(line);
    expect(problem?.hint).toMatch(hint);
  });

  it('needs a prompt unless its command brings its own', () => {
    expect(problems(['stage: code', 'driver: claude'], '\n')).toHaveLength(1);
    expect(problems(['stage: code', 'driver: command', 'command: [a]'], '\n')).toEqual([]);
  });

  it('reports everything that is wrong at once', () => {
    expect(problems(['stage: nope', 'driver: nope', 'timeout: nope']).map((problem) => problem.line)).toEqual([
      2, 3, 4,
    ]);
  });

  it('without frontmatter is none', () => {
    expect(parseAgentNote('a.md', '# Read me\n')).toMatchObject({ kind: 'invalid', problems: [{ line: 1 }] });
  });
});

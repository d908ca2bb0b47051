import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonSchemas } from '../../runner/config/json-schema.ts';
import { findConfig, loadConfig } from '../../runner/config/load.ts';
import { parsePolicy } from '../../runner/config/policy.ts';
import { resolveSecret } from '../../runner/config/secrets.ts';
import { defaultPolicy, type RunnerConfig } from '../../runner/core/configuration.ts';
import { OpusError } from '../../shared/domain/errors.ts';

/** `line: message hint` of every problem. */
function problemsOf(load: () => unknown): string[] {
  try {
    load();
  } catch (thrown) {
    if (!(thrown instanceof OpusError) || thrown.code !== 'config.invalid') throw thrown;
    const problems = thrown.details['problems'] as { line: number; message: string; hint: string }[];
    for (const { line } of problems) expect(thrown.message).toContain(`:${line}: `);
    return problems.map(({ line, message, hint }) => `${line}: ${message} ${hint}`);
  }
  return [];
}

describe('opus.yml', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-config-'));
    file = join(folder, 'opus.yml');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const minimal = ['vault: { path: ./vault }', 'repos:', '  app: { url: ./repos/app.git }'];

  function load(...lines: string[]): RunnerConfig {
    writeFileSync(file, `${lines.join('\n')}\n`);
    return loadConfig(file, { home: '/home/me', environment: { CI_MODE: 'fast' } });
  }
  const complaints = (...lines: string[]): string[] => problemsOf(() => load(...lines));

  it('needs a vault and a repository only; the rest has defaults', () => {
    const config = load(...minimal);
    expect(config).toMatchObject({
      file,
      folder,
      command: 'opus',
      vault: { path: join(folder, 'vault'), name: 'vault', writer: 'runner', git: null },
      defaultRepository: 'app',
      server: { host: '127.0.0.1', port: 7717, publicUrl: null, tls: null, trustProxy: false },
      data: join(folder, '.opus'),
      engine: { kind: 'embedded' },
      sandbox: 'required',
      trust: 'confirm',
      concurrency: 3,
      polling: { active: 30_000, idle: 300_000, debounce: 40, watch: true },
      retry: { attempts: 3, base: 2_000, factor: 2, max: 300_000, crashes: 10 },
      timeouts: { stage: 7_200_000, stall: 300_000, grace: 30_000, lease: 60_000, deleted: 600_000 },
      rounds: 3,
      scheduling: { longestWait: 21_600_000 },
      circuit: { failures: 10, rest: 300_000 },
      backup: { every: 21_600_000, keep: 14 },
      history: { keep: 7_776_000_000, reports: 500 },
      log: { level: 'info', size: 10 * 1024 ** 2, keep: 10 },
      notify: {},
    });
    expect(config.limits).toEqual({
      budget: 10,
      dailyBudget: 50,
      tokens: 20_000_000,
      dailyTokens: 100_000_000,
      network: null,
      drivers: null,
      credentials: true,
      autoMerge: false,
      reviewQueue: null,
      diskReserve: 1024 ** 3,
      sandbox: { memory: 4 * 1024 ** 3, processes: 512, disk: 2 * 1024 ** 3 },
    });
    expect(config.repos['app']).toEqual({
      url: join(folder, 'repos/app.git'),
      base: 'main',
      forge: 'local',
      setup: null,
      test: null,
      network: [],
      concurrency: null,
      cache: [],
      env: {},
      github: null,
    });
  });

  it('takes every key by the name that the documentation gives it', () => {
    const config = load(
      'version: 1',
      'vault: { path: ~/notes, name: My notes, writer: runner, git: { remote: git@example.com:me/notes.git, branch: main, interval: 1m } }',
      'repos:',
      '  app: { url: /srv/app.git, base: trunk, forge: local, setup: npm ci, test: [npm, test], network: [packages.example.org], cache: [~/.npm, .cache], env: { NODE_ENV: test, MODE: env:CI_MODE } }',
      '  web:',
      '    url: https://github.com/me/web.git',
      '    forge: github',
      '    github: { repo: me/web, app: { id: 42, key: file:./app.pem }, api: https://github.example.com/api/v3 }',
      'models: { anthropic: { key: env:ANTHROPIC_API_KEY, url: https://example.com }, house: { url: http://10.0.0.1:8080/v1 }, max: { key: env:CLAUDE_TOKEN, url: https://example.com, protocol: anthropic, subscription: true, prices: { model-x: { input: 3, output: 15, cacheRead: 0.3 } }, window: { tokens: 5M, every: 5h } } }',
      'server: { host: 0.0.0.0, port: 80, publicUrl: https://opus.example.com, tls: { certificate: c.pem, key: k.pem }, trustProxy: false }',
      'data: ~/.opus',
      'engine: { kind: postgres, url: env:DATABASE_URL }',
      'sandbox: off',
      'trust: auto',
      'concurrency: 5',
      'polling: { active: 1s, idle: 1h 30m, debounce: 1s, watch: false }',
      'limits: { budget: 5 USD, dailyBudget: 20.5, network: [api.example.com], drivers: [claude], autoMerge: true, reviewQueue: 4, memory: 8G, processes: 100, disk: 512M }',
      'retry: { attempts: 2, base: 500ms, factor: 1.5, max: 1m }',
      'timeouts: { stage: 1h, stall: 90s }',
      'rounds: 0',
      'scheduling: { longestWait: 1h }',
      'circuit: { failures: 3, rest: 10s }',
      'backup: { every: 1h, keep: 2 }',
      'history: { keep: 7d, reports: 20 }',
      'log: { level: debug, size: 1M, keep: 3 }',
      'notify: { phone: { kind: ntfy, url: https://ntfy.example.org/me, token: env:NTFY }, desk: { kind: webhook, url: file:hook } }',
    );
    expect(config.vault).toEqual({
      path: '/home/me/notes',
      name: 'My notes',
      writer: 'runner',
      git: { remote: 'git@example.com:me/notes.git', branch: 'main', interval: 60_000 },
    });
    expect(config.repos['app']).toMatchObject({
      setup: ['npm', 'ci'],
      test: ['npm', 'test'],
      cache: [
        { source: '/home/me/.opus/caches/app/~%2F.npm', target: '/home/me/.npm' },
        { source: '/home/me/.opus/caches/app/.cache', target: '.cache' },
      ],
      env: { NODE_ENV: 'test', MODE: 'fast' },
    });
    expect(config.repos['web']).toMatchObject({
      url: 'https://github.com/me/web.git',
      github: {
        repo: 'me/web',
        api: 'https://github.example.com/api/v3',
        credentials: { kind: 'app', id: '42', key: { kind: 'file', path: join(folder, 'app.pem') } },
      },
    });
    expect(config.models).toEqual({
      anthropic: {
        key: { kind: 'env', name: 'ANTHROPIC_API_KEY' },
        url: 'https://example.com',
        protocol: 'anthropic',
        subscription: false,
        prices: {},
        window: null,
      },
      house: {
        key: null,
        url: 'http://10.0.0.1:8080/v1',
        protocol: 'openai-compatible',
        subscription: false,
        prices: {},
        window: null,
      },
      max: {
        key: { kind: 'env', name: 'CLAUDE_TOKEN' },
        url: 'https://example.com',
        protocol: 'anthropic',
        subscription: true,
        prices: { 'model-x': { input: 3, output: 15, cacheRead: 0.3 } },
        window: { tokens: 5_000_000, every: 18_000_000 },
      },
    });
    expect(config.server.tls).toEqual({ certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') });
    expect(config.engine).toEqual({ kind: 'postgres', url: { kind: 'env', name: 'DATABASE_URL' } });
    expect(config.polling).toEqual({ active: 1_000, idle: 5_400_000, debounce: 1_000, watch: false });
    expect(config.notify).toEqual({
      phone: {
        kind: 'ntfy',
        url: { kind: 'plain', text: 'https://ntfy.example.org/me' },
        token: { kind: 'env', name: 'NTFY' },
      },
      desk: { kind: 'webhook', url: { kind: 'file', path: join(folder, 'hook') }, token: null },
    });
    expect(config.limits).toMatchObject({
      budget: 5,
      dailyBudget: 20.5,
      sandbox: { memory: 8 * 1024 ** 3, disk: 512 * 1024 ** 2 },
    });
  });

  it('tells everything that is wrong at once, each with its line and what to write instead', () => {
    expect(
      complaints(
        'vault: ./vault',
        'repos:',
        '  app: { url: ./app.git, tests: npm test, forge: gitlab }',
        'concurency: 3',
        'rounds: many',
        'polling:',
        '  active: 30',
        '  idle: 5 minutes',
        'limits: { memory: 4, budget: lots }',
      ),
    ).toEqual([
      '1: `vault` must be a group of keys, not `./vault`. Write for example `vault: { path: ./vault }`.',
      '3: `repos.app.forge` must be local or github, not `gitlab`. Correct `forge` or leave it out.',
      '3: `repos.app.tests` is not a key that opus knows. Write `test`.',
      '4: `concurency` is not a key that opus knows. Write `concurrency`.',
      '5: `rounds` must be a number, not `many`. Write for example `rounds: 3`.',
      '7: `polling.active` must be a text, not `30`. Write for example `active: 30s`.',
      '8: `polling.idle` must be a duration with a unit, not `5 minutes`. Write for example `idle: 30s`.',
      '9: `limits.budget` must be an amount in US dollars, not `lots`. Write for example `budget: 5 USD`.',
      '9: `limits.memory` must be a text, not `4`. Write for example `memory: 4G`.',
    ]);
  });

  it('lists the keys there are where none is near the one that was written', () => {
    expect(complaints(...minimal, 'retry: { backoff: 3s }')).toEqual([
      '4: `retry.backoff` is not a key that opus knows. The keys here are: attempts, base, factor, max, crashes.',
    ]);
  });

  it('takes a vault that is elsewhere without a path', () => {
    const config = load('vault: { writer: plugin }', 'repos: { app: { url: /srv/app.git, test: npm test } }');
    expect(config.vault).toEqual({ path: join(config.data, 'vault'), name: 'vault', writer: 'plugin', git: null });
  });

  it('refuses what would be believed in vain of a vault that is elsewhere', () => {
    const vault = 'vault: { writer: plugin, path: ./vault, git: { remote: ./notes.git } }';
    const lines = complaints(vault, 'repos: { app: { url: /srv/app.git, test: npm test } }');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('`vault.path` means nothing with `vault.writer: plugin`. Leave it out');
    expect(lines[1]).toContain('`vault.git` means nothing');
  });

  it('says what is missing', () => {
    expect(complaints('vault: {}', 'sandbox: off')).toEqual([
      '1: `vault.path` is missing. Write for example `path: ./vault`.',
      '1: `repos` is missing. Write for example `repos: { app: { url: ./repos/app.git, test: npm test } }`.',
    ]);
    expect(complaints('')).toHaveLength(2);
  });

  it.each([
    ['models: { anthropic: { key: sk-ant-0123456789 } }', 'sk-ant-0123456789'],
    ['models: { anthropic: { key: correct-horse } }', 'correct-horse'],
    ['engine: { kind: postgres, url: "postgres://me:hunter2@db/opus" }', 'hunter2'],
  ])('refuses a secret written into the file, without repeating it: %s', (line, secret) => {
    const found = complaints(...minimal, line);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('a secret itself never stands in this file');
    expect(found[0]).not.toContain(secret);
  });

  it('refuses a secret in the address or the environment of a repository', () => {
    const found = complaints(
      'vault: { path: . }',
      'repos:',
      '  a: { url: "https://me:ghp_0123456789@github.com/me/a.git" }',
      '  b: { url: ./b.git, env: { TOKEN: ghp_0123456789 } }',
    );
    expect(found.map((line) => line.slice(0, 2))).toEqual(['3:', '4:']);
    expect(found.join()).not.toContain('0123456789');
  });

  it('gives the line of what is no YAML', () => {
    expect(complaints('vault: { path: ./vault }', 'repos:', '\tapp: { url: x }')[0]).toMatch(/^3: .*tab/i);
    expect(complaints('rounds: 1', 'rounds: 2')[0]).toMatch(/^2: Map keys must be unique/);
  });

  it.each([
    ['npm test -- --run "a b"', ['npm', 'test', '--', '--run', 'a b']],
    ["node -e 'process.exit(0)'", ['node', '-e', 'process.exit(0)']],
    ['npm ci && npm run build', ['sh', '-c', 'npm ci && npm run build']],
    ['FOO=$BAR make', ['sh', '-c', 'FOO=$BAR make']],
    ['FOO=1 make', ['sh', '-c', 'FOO=1 make']],
    ['exit 1', ['sh', '-c', 'exit 1']],
    ['make *.c', ['sh', '-c', 'make *.c']],
  ])('reads the command %s', (written, argv) => {
    const config = load(...minimal.slice(0, 2), `  app: { url: a, test: ${JSON.stringify(written)} }`);
    expect(config.repos['app']?.test).toEqual(argv);
  });

  it('refuses a command with a quote left open, and an empty one', () => {
    for (const written of ['npm "test', '', []]) {
      expect(complaints(...minimal.slice(0, 2), `  app: { url: a, test: ${JSON.stringify(written)} }`)).toHaveLength(1);
    }
  });

  it('refuses an address that others can reach without TLS, unless a proxy is said to do it', () => {
    expect(complaints(...minimal, 'server:', '  host: 0.0.0.0')).toEqual([
      expect.stringMatching(/^5: .*without TLS.*trustProxy/),
    ]);
    expect(load(...minimal, 'server: { host: 0.0.0.0, trustProxy: true }').server.host).toBe('0.0.0.0');
  });

  it('asks for what one key needs of another', () => {
    expect(complaints('vault: { path: . }', 'repos:', '  a: { url: x, forge: github }')[0]).toContain(
      'needs a `github`',
    );
    expect(complaints(...minimal, 'retry: { base: 1h }')[0]).toContain('shorter than');
    expect(complaints(...minimal, 'models: { house: { key: env:KEY } }')[0]).toContain('has no `url`');
    expect(complaints(...minimal, 'engine: { kind: redis }')[0]).toMatch(
      /^4: `engine(?:\.kind)?` must be embedded or postgres/,
    );
  });

  it('is found in the folder or the nearest one above it', () => {
    load(...minimal);
    const below = join(folder, 'a/b');
    mkdirSync(below, { recursive: true });
    expect(findConfig(below)).toBe(file);
    expect(findConfig('/')).toBeNull();
  });

  it('that is not there is named, with how to make one', () => {
    expect(() => loadConfig(join(folder, 'no.yml'))).toThrow(expect.objectContaining({ code: 'config.not-found' }));
  });

  it('has a JSON Schema for editors that knows every key', () => {
    const { config, policy } = jsonSchemas();
    expect(config).toMatchObject({ additionalProperties: false, required: ['vault', 'repos'] });
    expect(Object.keys(config['properties'] as object)).toContain('timeouts');
    expect(Object.keys(policy['properties'] as object)).toContain('fourEyes');
  });
});

describe('a secret', () => {
  it('is read from the environment or a file, and missed by name', () => {
    expect(resolveSecret({ kind: 'env', name: 'KEY' }, 'anthropic', { KEY: ' abc \n' })).toBe('abc');
    expect(() => resolveSecret({ kind: 'env', name: 'KEY' }, 'anthropic', {})).toThrow(
      'The secret for anthropic is missing: the environment variable KEY is empty or not there.',
    );
    expect(() => resolveSecret({ kind: 'file', path: '/nowhere' }, 'github', {})).toThrow('the file /nowhere');
  });
});

describe('the policy note', () => {
  const note = (...lines: string[]): string => ['---', ...lines, '---', '', 'Text for people.'].join('\n');

  it('without frontmatter states the defaults', () => {
    expect(parsePolicy('Text for people.', 'config.md')).toEqual(defaultPolicy);
    expect(parsePolicy(note(), 'config.md')).toEqual(defaultPolicy);
  });

  it('states what is written', () => {
    const lines = ['dispatch: manual', 'preempt: none', 'rounds: 1', 'folders: { features: features/ }'];
    expect(parsePolicy(note(...lines), 'config.md')).toEqual({
      ...defaultPolicy,
      dispatch: 'manual',
      preempt: null,
      rounds: 1,
      folders: { features: 'features', reports: '20_runs' },
    });
  });

  it.each([
    ['[code, test]', ['code', 'test', 'deliver', 'merge']],
    ['[plan, code, review, test]', ['plan', 'code', 'review', 'test', 'deliver', 'merge']],
    ['[code, test, deliver]', ['code', 'test', 'deliver']],
  ])('with the stages %s', (written, stages) => {
    expect(parsePolicy(note(`stages: ${written}`), 'config.md').stages).toEqual(stages);
  });

  it.each([
    '[test]',
    '[test, code]',
    '[code, code]',
    '[code, plan]',
    '[code, merge]',
    '[code, deliver, test]',
    '[build]',
  ])('refuses the stages %s', (written) => {
    expect(problemsOf(() => parsePolicy(note('', `stages: ${written}`), 'config.md'))[0]).toMatch(/^3: /);
  });

  it('counts lines from the top of the note', () => {
    expect(problemsOf(() => parsePolicy(note('rounds: 1', 'dispach: auto'), 'config.md'))).toEqual([
      '3: `dispach` is not a key that opus knows. Write `dispatch`.',
    ]);
    expect(problemsOf(() => parsePolicy('---js\nx\n---\n', 'config.md'))[0]).toMatch(/^1: .*plain YAML/);
    expect(problemsOf(() => parsePolicy(note("idPattern: '['"), 'config.md'))[0]).toMatch(/^2: .*regular expression/);
  });
});

import * as z from 'zod/mini';
import {
  command,
  duration,
  environmentValue,
  host,
  money,
  secret,
  size,
  text,
  tokenCount,
  webAddress,
} from './scalars.ts';

const described = <Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema =>
  schema.check(z.meta({ description }));

const positive = (example: number): z.ZodMiniNumber => z.int().check(z.gte(1), z.meta({ examples: [example] }));

const port = z.int().check(z.gte(0), z.lte(65_535), z.meta({ examples: [7717] }));

const branch = z.string().check(
  z.regex(/^(?!-)(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)))[^\s~^:?*[\\\u007f]+(?<![./])$/, {
    error: 'must be the name of a branch',
  }),
  z.meta({ examples: ['main'] }),
);

const github = z
  .strictObject({
    repo: z
      .string()
      .check(
        z.regex(/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/, { error: 'must be owner/name' }),
        z.meta({ examples: ['me/web'] }),
      ),
    token: z.optional(secret),
    app: z.optional(
      z.strictObject({
        id: z.pipe(
          z
            .union([z.int(), z.string()], { error: 'must be the number of the app' })
            .check(z.meta({ examples: [123456] })),
          z.transform(String),
        ),
        key: secret,
      }),
    ),
    api: z.optional(described(webAddress, 'The API of an Enterprise server.')),
    webhook: z.optional(described(secret, 'The secret that its webhooks are signed with.')),
  })
  .check(
    z.refine((value) => (value.token === undefined) !== (value.app === undefined), {
      error: 'must have either a `token` or an `app`',
    }),
    z.meta({ examples: ['{ repo: me/web, token: env:GITHUB_TOKEN }'] }),
  );

const gitAddress = z.string().check(
  z.minLength(1),
  z.refine((url) => !/^\w+:\/\/[^/\s@]*:[^/\s@]+@/.test(url), {
    error: 'must not hold a password; a secret never stands in this file',
  }),
  z.meta({ description: 'A path, relative to this file, or a URL.', examples: ['./repos/app.git'] }),
);

const cachePath = z.string().check(
  z.refine((path) => path.trim() !== '' && !path.split('/').includes('..') && path !== '.' && path !== '/', {
    error: 'must be a folder inside the worktree, or an absolute one',
  }),
  z.meta({ examples: ['~/.npm'] }),
);

const repository = z
  .strictObject({
    url: gitAddress,
    base: z.prefault(described(branch, 'The branch that work starts from and is merged into.'), 'main'),
    forge: z.prefault(z.enum(['local', 'github']), 'local'),
    setup: z.optional(command),
    test: z.optional(described(command, 'Decides whether a change works; without it nothing is tested.')),
    network: z.prefault(described(z.array(host), 'Hosts that set-up and tests may reach.'), []),
    concurrency: z.optional(described(positive(1), 'Jobs at work in this repository at once.')),
    cache: z.prefault(
      described(z.array(cachePath), 'Folders that set-up fills and tests read, kept between jobs.'),
      [],
    ),
    env: z.prefault(
      z.record(
        z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'is no name of an environment variable' })),
        environmentValue,
      ),
      {},
    ),
    github: z.optional(github),
  })
  .check(
    z.refine((value) => value.forge !== 'github' || value.github !== undefined, {
      error: 'needs a `github` section, since its forge is github',
    }),
    z.meta({ examples: ['{ url: ./repos/app.git, base: main, test: npm test }'] }),
  );

const name = z.string().check(
  z.regex(/^[A-Za-z][A-Za-z0-9._-]{0,62}$/, {
    error: 'must begin with a letter and hold letters, digits, dots, hyphens and underscores only',
  }),
);

const vault = z
  .strictObject({
    path: z.optional(text('./vault')),
    name: z.optional(described(text('My notes'), 'The name of the vault in Obsidian, for links to its notes.')),
    writer: z.prefault(
      described(z.enum(['runner', 'plugin']), 'plugin when the vault is not on this machine.'),
      'runner',
    ),
    git: z.optional(
      z.strictObject({
        remote: gitAddress,
        branch: z.prefault(branch, 'main'),
        interval: z.prefault(duration, '1m'),
      }),
    ),
  })
  .check(
    z.refine(({ path, writer }) => path !== undefined || writer === 'plugin', { path: ['path'] }),
    z.meta({ examples: ['{ path: ./vault }'] }),
  );

const server = z.strictObject({
  host: z.prefault(text('127.0.0.1'), '127.0.0.1'),
  port: z.prefault(port, 7717),
  publicUrl: z.optional(webAddress),
  tls: z.optional(
    z
      .strictObject({ certificate: text('./tls/certificate.pem'), key: text('./tls/key.pem') })
      .check(z.meta({ examples: ['{ certificate: ./certificate.pem, key: ./key.pem }'] })),
  ),
  trustProxy: z.prefault(described(z.boolean(), 'A proxy in front of the runner does the TLS.'), false),
});

const engine = z.discriminatedUnion(
  'kind',
  [z.strictObject({ kind: z.literal('embedded') }), z.strictObject({ kind: z.literal('postgres'), url: secret })],
  { error: 'must be embedded or postgres' },
);

const drivers = ['claude', 'codex', 'opencode', 'gemini', 'acp', 'command', 'llm'] as const;

const limits = z.strictObject({
  budget: z.prefault(described(money, 'The most that one job may cost.'), '10 USD'),
  dailyBudget: z.prefault(described(money, 'The most that all jobs of a day may cost.'), '50 USD'),
  tokens: z.prefault(
    described(positive(20_000_000), 'The most tokens that one job may use, whatever they cost.'),
    20_000_000,
  ),
  dailyTokens: z.prefault(described(positive(100_000_000), 'The most tokens of all jobs of a day.'), 100_000_000),
  network: z.optional(described(z.array(host), 'The only hosts that notes may allow their agents.')),
  drivers: z.optional(z.array(z.enum(drivers)).check(z.meta({ examples: ['[claude]'] }))),
  credentials: z.prefault(described(z.boolean(), 'Whether agent notes may name credential files.'), true),
  autoMerge: z.prefault(described(z.boolean(), 'Whether notes may ask for a merge that nobody approves.'), false),
  reviewQueue: z.optional(described(positive(5), 'No new job starts while so many wait for approval.')),
  memory: z.prefault(size, '4G'),
  processes: z.prefault(positive(512), 512),
  disk: z.prefault(size, '2G'),
  diskReserve: z.prefault(described(size, 'No job starts while less than this is free for the data folder.'), '1G'),
});

const price = described(z.number().check(z.gte(0)), 'US dollars for a million tokens.').check(
  z.meta({ examples: [3] }),
);

const model = z
  .strictObject({
    key: z.optional(secret),
    url: z.optional(webAddress),
    protocol: z.optional(
      described(
        z.enum(['anthropic', 'openai', 'openai-compatible', 'google']),
        "How it speaks; a name other than a vendor's means openai-compatible.",
      ),
    ),
    subscription: z.prefault(
      described(
        z.boolean(),
        'Whether `key` is the long-lived token of a subscription, as `claude setup-token` makes one.',
      ),
      false,
    ),
    prices: z.prefault(
      z
        .record(
          z.string().check(z.minLength(1)),
          z
            .strictObject({ input: price, output: price, cacheRead: z.optional(price), cacheWrite: z.optional(price) })
            .check(z.meta({ examples: ['{ input: 3, output: 15 }'] })),
        )
        .check(z.meta({ description: 'By model; these go before the known ones.' })),
      {},
    ),
    window: z.optional(
      z.strictObject({ tokens: tokenCount, every: duration }).check(
        z.meta({
          description: 'What the subscription gives, where its provider does not tell how much of it is used.',
          examples: ['{ tokens: 5M, every: 5h }'],
        }),
      ),
    ),
  })
  .check(z.meta({ examples: ['{ key: env:ANTHROPIC_API_KEY }'] }));

const retry = z.strictObject({
  attempts: z.prefault(positive(3), 3),
  base: z.prefault(duration, '2s'),
  factor: z.prefault(z.number().check(z.gte(1), z.meta({ examples: [2] })), 2),
  max: z.prefault(duration, '5m'),
  crashes: z.prefault(described(positive(10), 'Runners that may die in one stage before a person is asked.'), 10),
});

const polling = z.strictObject({
  active: z.prefault(duration, '30s'),
  idle: z.prefault(duration, '5m'),
  debounce: z.prefault(described(duration, 'How long an edited note must be left alone before it is read.'), '40ms'),
  watch: z.prefault(described(z.boolean(), 'Whether the file system is asked to tell of changes.'), true),
});

const timeouts = z.strictObject({
  stage: z.prefault(duration, '2h'),
  stall: z.prefault(duration, '5m'),
  grace: z.prefault(described(duration, 'How long a stopping runner lets running steps go on.'), '30s'),
  lease: z.prefault(described(duration, 'How long an attempt counts as alive after its last heartbeat.'), '1m'),
  deleted: z.prefault(described(duration, 'How long a note must be gone before its job is canceled.'), '10m'),
});

const log = z.strictObject({
  level: z.prefault(z.enum(['trace', 'debug', 'info', 'warn', 'error']), 'info'),
  size: z.prefault(described(size, 'A log file that has grown to this begins anew.'), '10M'),
  keep: z.prefault(described(positive(10), 'Log files kept beside the current one.'), 10),
});

const notifier = z.strictObject({
  kind: z.enum(['webhook', 'ntfy']),
  url: z
    .union([secret, webAddress], { error: 'must be a web address, or name where it is' })
    .check(z.meta({ examples: ['env:OPUS_WEBHOOK', 'https://ntfy.example.org/topic'] })),
  token: z.optional(described(secret, 'Sent as a bearer token.')),
});

/** opus.yml. Every key's default stands here and nowhere else. */
export const configSchema = z.strictObject({
  version: z.prefault(z.literal(1), 1),
  vault,
  repos: z.record(name, repository).check(
    z.refine((repos) => Object.keys(repos).length > 0, { error: 'must name at least one repository' }),
    z.meta({ examples: ['{ app: { url: ./repos/app.git, test: npm test } }'] }),
  ),
  models: z.prefault(z.record(name, model), {}),
  server: z.prefault(server, {}),
  data: z.prefault(described(text('./.opus'), 'Databases, worktrees and logs.'), './.opus'),
  engine: z.prefault(engine, { kind: 'embedded' }),
  sandbox: z.prefault(z.enum(['required', 'preferred', 'off']), 'required'),
  trust: z.prefault(z.enum(['confirm', 'auto']), 'confirm'),
  concurrency: z.prefault(described(positive(3), 'Jobs at work at once.'), 3),
  polling: z.prefault(polling, {}),
  limits: z.prefault(limits, {}),
  retry: z.prefault(retry, {}),
  timeouts: z.prefault(timeouts, {}),
  scheduling: z.prefault(
    z.strictObject({
      longestWait: z.prefault(described(duration, 'After half of this a waiting job is overdue and goes first.'), '6h'),
    }),
    {},
  ),
  circuit: z.prefault(
    z.strictObject({
      failures: z.prefault(described(positive(10), 'Failures in a row after which an agent or forge rests.'), 10),
      rest: z.prefault(duration, '5m'),
    }),
    {},
  ),
  backup: z.prefault(z.strictObject({ every: z.prefault(duration, '6h'), keep: z.prefault(positive(14), 14) }), {}),
  history: z.prefault(
    z.strictObject({
      keep: z.prefault(described(duration, 'How long a finished job stays before it is archived.'), '90d'),
      reports: z.prefault(described(positive(500), 'Run reports kept in the vault.'), 500),
    }),
    {},
  ),
  log: z.prefault(log, {}),
  notify: z.prefault(z.record(name, notifier), {}),
  rounds: z.prefault(z.int().check(z.gte(0), z.lte(50), z.meta({ examples: [3] })), 3),
});

export type ConfigDocument = z.output<typeof configSchema>;

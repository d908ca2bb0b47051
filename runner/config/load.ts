import { OpusError } from '#shared/domain/errors.ts';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import type { RepositoryConfig, RunnerConfig, SecretReference } from '../core/configuration.ts';
import type { ConfigProblem } from './config-problem.ts';
import { invalidConfiguration, problemsOf } from './problems.ts';
import { configSchema, type ConfigDocument } from './schema.ts';
import { readYamlSource, type YamlSource } from './yaml-source.ts';

export const configFileName = 'opus.yml';

export interface LoadOptions {
  /** How the commands of this installation are called in texts for people. */
  readonly command?: string;
  readonly home?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The nearest opus.yml in `start` or a folder above it; null when there is none. */
export function findConfig(start: string): string | null {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const candidate = join(folder, configFileName);
    if (existsSync(candidate) && statSync(candidate).isFile()) return candidate;
    if (dirname(folder) === folder) return null;
  }
}

/** Rejects everything that is wrong with the file at once, with `config.invalid`. */
export function loadConfig(file: string, options: LoadOptions = {}): RunnerConfig {
  const path = resolve(file);
  const source = readYamlSource(readText(path), 1);
  if (source.problems.length > 0) throw invalidConfiguration(path, source.problems);
  const parsed = configSchema.safeParse(source.value);
  if (!parsed.success) throw invalidConfiguration(path, problemsOf(parsed.error, configSchema, source));
  const problems: ConfigProblem[] = [];
  const config = resolved(parsed.data, path, source, options, problems);
  if (problems.length > 0) throw invalidConfiguration(path, problems);
  return config;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (thrown) {
    throw new OpusError('config.not-found', `There is no configuration at ${path}.`, {
      hint: 'Name the file with --config, or make one with `opus init`.',
      cause: thrown,
    });
  }
}

/** Paths, secrets and what one key asks of another. */
function resolved(
  document: ConfigDocument,
  file: string,
  source: YamlSource,
  options: LoadOptions,
  problems: ConfigProblem[],
): RunnerConfig {
  const folder = dirname(file);
  const home = options.home ?? homedir();
  const environment = options.environment ?? process.env;

  const absolute = (path: string): string => {
    if (path === '~') return home;
    return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(folder, path);
  };
  const located = (secret: SecretReference): SecretReference =>
    secret.kind === 'file' ? { kind: 'file', path: absolute(secret.path) } : secret;
  const problem = (path: readonly string[], message: string, hint: string): void => {
    problems.push({ line: source.lineOf(path), message, hint });
  };

  const data = absolute(document.data);
  const { vault, server, engine, limits } = document;

  function repositoryOf(name: string, repository: ConfigDocument['repos'][string]): RepositoryConfig {
    const { github } = repository;
    const env: Record<string, string> = {};
    for (const [variable, written] of Object.entries(repository.env)) {
      const reference = /^env:(.+)$/.exec(written)?.[1];
      const value = reference === undefined ? written : environment[reference];
      if (value === undefined) {
        const path = ['repos', name, 'env', variable];
        problem(path, `The environment variable ${reference ?? ''} is not set.`, 'Set it where opus is started.');
      }
      env[variable] = value ?? '';
    }
    return {
      url: isRemote(repository.url) ? repository.url : absolute(repository.url.replace(/^file:\/\//, '')),
      base: repository.base,
      forge: repository.forge,
      setup: repository.setup ?? null,
      test: repository.test ?? null,
      network: repository.network,
      concurrency: repository.concurrency ?? null,
      cache: repository.cache.map((target) => ({
        source: join(data, 'caches', name, encodeURIComponent(target)),
        target: target.startsWith('~') || isAbsolute(target) ? absolute(target) : target,
      })),
      env,
      github: github
        ? {
            repo: github.repo,
            api: github.api ?? null,
            credentials: github.app
              ? { kind: 'app', id: github.app.id, key: located(github.app.key) }
              : { kind: 'token', token: located(github.token ?? { kind: 'env', name: 'GITHUB_TOKEN' }) },
            ...(github.webhook ? { webhook: located(github.webhook) } : {}),
          }
        : null,
    };
  }

  function vaultOf(): RunnerConfig['vault'] {
    const { writer, git } = vault;
    for (const key of ['path', 'git'] as const) {
      if (writer === 'runner' || vault[key] === undefined) continue;
      const hint =
        'Leave it out: a plugin brings and writes the notes. For a vault on this machine, leave `writer` out.';
      problem(['vault', key], `\`vault.${key}\` means nothing with \`vault.writer: plugin\`.`, hint);
    }
    const path = writer === 'plugin' ? join(data, 'vault') : absolute(vault.path ?? '');
    return { path, name: vault.name ?? basename(path), writer, git: git ? vaultGit(git) : null };
  }

  const vaultGit = (git: NonNullable<typeof vault.git>): NonNullable<RunnerConfig['vault']['git']> => ({
    ...git,
    remote: isRemote(git.remote) ? git.remote : absolute(git.remote.replace(/^file:\/\//, '')),
  });

  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(server.host);
  if (!loopback && !server.tls && !server.trustProxy) {
    const hint = 'Give `server.tls`, or write `trustProxy: true` where a proxy does the TLS.';
    problem(['server', 'host'], `\`server.host\` ${server.host} is reachable from other machines without TLS.`, hint);
  }
  for (const [name, { url }] of Object.entries(document.models)) {
    if (url !== undefined || vendorProtocol(name) !== null) continue;
    const hint = 'Write where it is, e.g. http://127.0.0.1:11434/v1, or name it anthropic, openai or google.';
    problem(['models', name], `\`models.${name}\` has no \`url\`, and is none of the known vendors.`, hint);
  }
  if (document.retry.max < document.retry.base) {
    problem(['retry', 'max'], '`retry.max` is shorter than `retry.base`.', 'Make it at least as long.');
  }

  return {
    file,
    folder,
    command: options.command ?? 'opus',
    version: 1,
    vault: vaultOf(),
    repos: Object.fromEntries(
      Object.entries(document.repos).map(([name, repository]) => [name, repositoryOf(name, repository)]),
    ),
    defaultRepository: Object.keys(document.repos)[0] ?? '',
    models: Object.fromEntries(
      Object.entries(document.models).map(([name, model]) => [
        name,
        {
          key: model.key ? located(model.key) : null,
          url: model.url ?? null,
          protocol: model.protocol ?? vendorProtocol(name) ?? 'openai-compatible',
          subscription: model.subscription,
          prices: model.prices,
          window: model.window ?? null,
        },
      ]),
    ),
    server: {
      host: server.host,
      port: server.port,
      publicUrl: server.publicUrl ?? null,
      tls: server.tls ? { certificate: absolute(server.tls.certificate), key: absolute(server.tls.key) } : null,
      trustProxy: server.trustProxy,
    },
    data,
    engine: engine.kind === 'postgres' ? { kind: 'postgres', url: located(engine.url) } : engine,
    sandbox: document.sandbox,
    trust: document.trust,
    concurrency: document.concurrency,
    polling: document.polling,
    limits: {
      budget: limits.budget,
      dailyBudget: limits.dailyBudget,
      tokens: limits.tokens,
      dailyTokens: limits.dailyTokens,
      network: limits.network ?? null,
      drivers: limits.drivers ?? null,
      credentials: limits.credentials,
      autoMerge: limits.autoMerge,
      reviewQueue: limits.reviewQueue ?? null,
      diskReserve: limits.diskReserve,
      sandbox: { memory: limits.memory, processes: limits.processes, disk: limits.disk },
    },
    retry: document.retry,
    timeouts: document.timeouts,
    rounds: document.rounds,
    scheduling: document.scheduling,
    circuit: document.circuit,
    backup: document.backup,
    history: document.history,
    log: document.log,
    notify: Object.fromEntries(
      Object.entries(document.notify).map(([name, { kind, url, token }]) => [
        name,
        {
          kind,
          url: typeof url === 'string' ? { kind: 'plain', text: url } : located(url),
          token: token ? located(token) : null,
        },
      ]),
    ),
  };
}

function vendorProtocol(name: string): 'anthropic' | 'openai' | 'google' | null {
  return name === 'anthropic' || name === 'openai' || name === 'google' ? name : null;
}

/** A URL with a scheme, or git's own `user@host:path`. */
function isRemote(url: string): boolean {
  return /^(?:https?|ssh|git):\/\//.test(url) || /^[\w.-]+@[\w.-]+:/.test(url);
}

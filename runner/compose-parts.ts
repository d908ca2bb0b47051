import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createCircuits } from './adapters/circuits/circuits.ts';
import { createEmbeddedEngine } from './adapters/engine-embedded/embedded-engine.ts';
import { createAttemptFiles } from './adapters/files/attempt-files.ts';
import { createDisk } from './adapters/files/disk-space.ts';
import { createGateway } from './adapters/gateway/create-gateway.ts';
import type { ConnectionOptions, ForgeCall, ForgeQuota } from './adapters/forge-github/github-connection.ts';
import { createGithub } from './adapters/forge-github/create-github.ts';
import { createLocalForge } from './adapters/forge-local/local-forge.ts';
import { createGitWorktrees } from './adapters/git/git-worktrees.ts';
import { createHostGit } from './adapters/git/host-git.ts';
import { openLog, type FileLog } from './adapters/log/pino-log.ts';
import { createLiquidPrompts } from './adapters/prompts/liquid-prompts.ts';
import { makeFolder } from './adapters/registry/make-folder.ts';
import { createBackups } from './adapters/registry/backups.ts';
import { openRegistrySafely } from './adapters/registry/open-registry-safely.ts';
import { acquireRunnerLock } from './adapters/registry/runner-lock.ts';
import { createBubblewrapSandbox } from './adapters/sandbox/bubblewrap.ts';
import { endOrphans, sandboxName } from './adapters/sandbox/orphans.ts';
import { createPluginVault } from './adapters/vault/brought/plugin-vault.ts';
import { createFileVault, type FileVaultOptions } from './adapters/vault/file-vault.ts';
import { OpusError } from '#shared/domain/errors.ts';
import { parsePolicy } from './config/policy.ts';
import { resolveSecret } from './config/secrets.ts';
import { createConfirmedNotes, checkCodeNote } from './confirmed-notes.ts';
import type { LogLevel, RunnerConfig } from './core/configuration.ts';
import type { Backups } from './core/ports/backups.ts';
import type { Clock } from './core/ports/clock.ts';
import type { Forge } from './core/ports/forge.ts';
import type { Sandbox, SandboxProbe } from './core/ports/sandbox.ts';
import type { Vault } from './core/ports/vault.ts';
import { createDrivers } from './compose-drivers.ts';
import { chooseSandbox, counted } from './compose-sandbox.ts';
import { composePluginVault, type PluginVault } from './compose-plugin-vault.ts';
import { createCurrentVault } from './current-vault.ts';
import { createEventBell, type EventBell } from './event-bell.ts';
import { packageVersion } from './config/package-root.ts';
import { guardedForge } from './engine/guarded-forge.ts';
import { createJobRuntime, type JobRuntime } from './engine/job-runtime.ts';
import { createLiveOutput } from './engine/live-output.ts';
import type { EngineDependencies, ProgressLine } from './engine/stage-context.ts';
import { createTrust, type Trust } from './engine/trust.ts';

export interface RunnerOverrides {
  readonly progress?: (line: ProgressLine) => void;
  readonly logLevel?: LogLevel;
  /** Where the log is said beside its file. */
  readonly console?: 'none' | 'pretty' | 'json';
  readonly clock?: Clock;
  /** In place of bubblewrap. */
  readonly sandbox?: Sandbox;
  /** How long calls of a forge are waited for. */
  readonly forge?: Pick<ConnectionOptions, 'timeoutMs' | 'retryPauseMs'>;
  /** What is left of the calls that a forge allows; must not throw. */
  readonly onForgeQuota?: (quota: ForgeQuota) => void;
  /** Each call of a forge; must not throw. */
  readonly onForgeCall?: (call: ForgeCall) => void;
  /** The configuration in force at each moment, where it may change. */
  readonly currentConfig?: () => RunnerConfig;
}

/** A runner's parts, built on a data folder that this process holds alone. */
export interface RunnerParts {
  readonly runtime: JobRuntime;
  readonly dependencies: EngineDependencies;
  readonly log: FileLog;
  readonly trust: Trust;
  readonly sandboxState: SandboxProbe;
  readonly backups: Backups;
  readonly events: EventBell;
  /** Null where the vault is on this machine. */
  readonly pluginVault: PluginVault | null;
  /** What a person should know of how the registry was opened. */
  readonly notices: readonly string[];
  sandboxesAlive(): number;
  /** Ends whatever is going on with an origin, for good. */
  leaveOrigins(): void;
}

/** What must be released, in the order in which it was acquired. */
export type Releases = (() => Promise<void> | void)[];

const systemClock: Clock = { now: () => Date.now() };

/** Rejects with `registry.locked` when another process holds the data folder. `onDefect` is told of a workflow that broke. */
export async function composeParts(
  config: RunnerConfig,
  overrides: RunnerOverrides,
  releases: Releases,
  onDefect: (jobId: string, error: OpusError) => void,
): Promise<RunnerParts> {
  const clock = overrides.clock ?? systemClock;
  const current = overrides.currentConfig ?? (() => config);
  refuseUnsupported(config);
  makeFolders(config);
  const lock = acquireRunnerLock(config.data);
  releases.push(() => {
    lock.release();
  });
  const log = openLog({
    folder: join(config.data, 'logs'),
    level: overrides.logLevel ?? config.log.level,
    size: config.log.size,
    keep: config.log.keep,
    console: overrides.console ?? 'none',
  });
  releases.push(() => {
    log.close();
  });
  const backups = createBackups({
    dataFolder: config.data,
    keep: config.backup.keep,
    clock,
    packageVersion: packageVersion(),
  });
  const opened = await openRegistrySafely({ file: join(config.data, 'registry.db'), clock, backups, log });
  const events = createEventBell();
  const registry = events.ringing(opened.registry);
  releases.push(() => {
    registry.close();
  });
  const leftOpen = registry.closeUsage();
  if (leftOpen > 0) {
    log.warn({ responses: leftOpen }, 'A runner ended while models answered it: what that took is an estimate.');
  }
  const confirmed = createConfirmedNotes(registry);
  const pluginVault =
    config.vault.writer === 'runner'
      ? null
      : composePluginVault({
          data: config.data,
          clock,
          featureRequestFolder: () => confirmed().policy.folders.features,
          hasOpenJobs: () => registry.jobs({ finished: false }).length > 0,
        });
  const vaultOf = (options: FileVaultOptions): Vault =>
    pluginVault === null
      ? createFileVault(options)
      : createPluginVault({ ...options, notes: pluginVault.notes, writing: pluginVault.desk });
  const trust = createTrust(vaultOf({ root: config.vault.path }), registry, clock, checkCodeNote);
  if (config.trust === 'auto') await trust.confirm('all');
  await refuseBrokenFirstPolicy(trust);
  const vault = createCurrentVault(() => {
    const { policy } = confirmed();
    return {
      root: current().vault.path,
      featureRequestFolder: policy.folders.features,
      reportsFolder: policy.folders.reports,
      idPattern: policy.idPattern,
      bodyDependencies: policy.bodyDependencies,
      repositories: Object.keys(current().repos),
    };
  }, vaultOf);
  const name = sandboxName(config.data);
  const orphans = process.platform === 'linux' ? endOrphans(name) : 0;
  if (orphans > 0) log.warn({ orphans }, 'Sandboxes that a killed runner had left were ended.');
  const chosen = await chooseSandbox(config, overrides.sandbox ?? createBubblewrapSandbox({ name }));
  const count = counted(chosen.sandbox);
  const { sandbox } = count;
  const engine = createEmbeddedEngine({
    file: join(config.data, 'engine.db'),
    onFailure: (jobId, error) => {
      log.error({ err: error, job: jobId }, `The workflow of ${jobId} broke: ${error.message}`);
      onDefect(jobId, error);
    },
    onTickError: (error) => {
      log.error({ err: error }, `The engine could not look for work: ${error.message}`);
    },
  });
  releases.push(() => engine.stop());
  const git = createHostGit();
  const origins = new AbortController();
  const local = createLocalForge({ git });
  const github = createGithub({
    settingsOf: (repository) => current().repos[repository]?.github ?? null,
    resolveSecret: (reference, use) => resolveSecret(reference, use, process.env),
    clock,
    userAgent: `opus-orchestrator/${packageVersion()}`,
    ...overrides.forge,
    ...(overrides.onForgeQuota === undefined ? {} : { onQuota: overrides.onForgeQuota }),
    ...(overrides.onForgeCall === undefined ? {} : { onCall: overrides.onForgeCall }),
  });
  const isOnGithub = (repository: string): boolean => current().repos[repository]?.forge === 'github';
  const circuits = createCircuits({
    failures: () => current().circuit.failures,
    rest: () => current().circuit.rest,
    clock,
    load: () => registry.state('circuits')?.value,
    save: (value) => {
      registry.setState('circuits', value);
    },
  });
  const gateway = createGateway({
    get models() {
      return current().models;
    },
    resolveSecret: (reference, use) => resolveSecret(reference, use, process.env),
    clock,
    log,
  });
  releases.push(() => gateway.close());
  const forgeOf = (repository: string): Forge =>
    guardedForge(isOnGithub(repository) ? github.forge : local, circuits, repository);
  const disk = createDisk();
  const dependencies: EngineDependencies = {
    get config() {
      return current();
    },
    clock,
    log,
    registry,
    vault,
    worktrees: createGitWorktrees({
      dataFolder: config.data,
      sandbox,
      git,
      signal: origins.signal,
      authorization: (repository) => github.authorization(repository),
      pushTarget: (repository) => forgeOf(repository.name).pushTarget(repository),
    }),
    sandbox,
    sandboxState: chosen.state,
    prompts: createLiquidPrompts(),
    drivers: createDrivers({ sandbox, config: current, environment: process.env, home: homedir() }),
    forgeOf,
    pullRequestsOf: (repository) => (isOnGithub(repository) ? github.pullRequestsOf(repository) : null),
    deskOf: (repository) => (isOnGithub(repository) ? github.desk : null),
    confirmed,
    owner: `${process.pid}-${randomUUID()}`,
    files: createAttemptFiles(config.data),
    gateway,
    live: createLiveOutput({ clock, log }),
    circuits,
    freeBytes: () => disk.freeBytes(config.data),
    progress: overrides.progress ?? (() => undefined),
  };
  return {
    runtime: createJobRuntime(dependencies, engine),
    backups,
    events,
    pluginVault,
    notices: opened.notices,
    dependencies,
    log,
    trust,
    sandboxState: chosen.state,
    sandboxesAlive: () => count.alive(),
    leaveOrigins: () => {
      origins.abort();
    },
  };
}

/** Taken for what they say, these keys would be believed in vain. */
function refuseUnsupported({ engine, file }: RunnerConfig): void {
  if (engine.kind !== 'embedded') {
    throw new OpusError(
      'config.invalid',
      `${file}: \`engine: { kind: ${engine.kind} }\` is not available in this version.`,
      {
        hint: 'Leave `engine` out: jobs are kept in the data folder.',
      },
    );
  }
}

function makeFolders(config: RunnerConfig): void {
  const caches = Object.values(config.repos).flatMap((repository) => repository.cache.map(({ source }) => source));
  for (const folder of [config.data, ...caches]) {
    try {
      makeFolder(folder, 0o700);
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown';
      throw new OpusError('config.invalid', `${config.file}: the folder ${folder} cannot be made (${code}).`, {
        hint: 'Name a folder that the runner may write in: data: ./.opus',
        cause: thrown,
      });
    }
  }
}

/** While no policy was ever confirmed, a broken one is no reason to go by the defaults. */
async function refuseBrokenFirstPolicy(trust: Trust): Promise<void> {
  for (const change of await trust.changes()) {
    if (change.kind === 'policy' && change.state === 'new' && change.after !== null)
      parsePolicy(change.after, change.path);
  }
}

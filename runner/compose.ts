import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createCommandDriver } from './adapters/agents/command-driver.ts';
import { createEmbeddedEngine } from './adapters/engine-embedded/embedded-engine.ts';
import { createAttemptFiles } from './adapters/files/attempt-files.ts';
import { createLocalForge } from './adapters/forge-local/local-forge.ts';
import { createGitWorktrees } from './adapters/git/git-worktrees.ts';
import { createHostGit } from './adapters/git/host-git.ts';
import { openFileLog } from './adapters/log/pino-log.ts';
import { createLiquidPrompts } from './adapters/prompts/liquid-prompts.ts';
import { makeFolder } from './adapters/registry/make-folder.ts';
import { openRegistry } from './adapters/registry/open-registry.ts';
import { acquireRunnerLock } from './adapters/registry/runner-lock.ts';
import { createBubblewrapSandbox } from './adapters/sandbox/bubblewrap.ts';
import { endOrphans, sandboxName } from './adapters/sandbox/orphans.ts';
import { createUnconfinedSandbox } from './adapters/sandbox/unconfined.ts';
import { createFileVault } from './adapters/vault/file-vault.ts';
import { OpusError } from '#shared/domain/errors.ts';
import { parsePolicy } from './config/policy.ts';
import { createConfirmedNotes, checkCodeNote } from './confirmed-notes.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { Clock } from './core/ports/clock.ts';
import type { Forge } from './core/ports/forge.ts';
import type { Sandbox, SandboxProbe } from './core/ports/sandbox.ts';
import type { Application } from './engine/application.ts';
import { createApplication } from './engine/create-application.ts';
import type { ProgressLine } from './engine/stage-context.ts';
import { createTrust, type Trust } from './engine/trust.ts';

export interface Runner {
  readonly application: Application;
  readonly sandboxState: SandboxProbe;
  readonly trust: Trust;
  /** What a person should know before anything starts, a sentence each. */
  readonly warnings: readonly string[];
  /** Closes what a dead runner left, and tells the vault what it was not told. */
  start(): Promise<void>;
  /** Releases everything in the reverse order of its acquiring. May be called twice. */
  stop(): Promise<void>;
}

export interface RunnerOverrides {
  readonly progress?: (line: ProgressLine) => void;
  readonly logLevel?: string;
  readonly clock?: Clock;
  /** In place of bubblewrap. */
  readonly sandbox?: Sandbox;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Builds a runner on a data folder, which it holds alone until `stop`. Rejects with `registry.locked` when another does. */
export async function composeRunner(config: RunnerConfig, overrides: RunnerOverrides = {}): Promise<Runner> {
  const releases: (() => Promise<void> | void)[] = [];
  const release = async (): Promise<void> => {
    for (let next = releases.pop(); next; next = releases.pop()) await next();
  };
  try {
    return await build(config, overrides, releases, release);
  } catch (thrown) {
    await release();
    throw thrown;
  }
}

async function build(
  config: RunnerConfig,
  overrides: RunnerOverrides,
  releases: (() => Promise<void> | void)[],
  release: () => Promise<void>,
): Promise<Runner> {
  const clock = overrides.clock ?? systemClock;
  makeFolders(config);
  const lock = acquireRunnerLock(config.data);
  releases.push(() => {
    lock.release();
  });
  const log = openFileLog(config.data, overrides.logLevel ?? 'info');
  releases.push(() => {
    log.close();
  });
  const registry = openRegistry({ file: join(config.data, 'registry.db'), clock });
  releases.push(() => {
    registry.close();
  });
  const trust = createTrust(createFileVault({ root: config.vault.path }), registry, clock, checkCodeNote);
  if (config.trust === 'auto') await trust.confirm('all');
  await refuseBrokenFirstPolicy(trust);
  const confirmed = createConfirmedNotes(registry);
  const { policy } = confirmed();
  const vault = createFileVault({
    root: config.vault.path,
    featureRequestFolder: policy.folders.features,
    reportsFolder: policy.folders.reports,
    idPattern: policy.idPattern,
    bodyDependencies: policy.bodyDependencies,
    repositories: Object.keys(config.repos),
  });
  const name = sandboxName(config.data);
  const orphans = process.platform === 'linux' ? endOrphans(name) : 0;
  if (orphans > 0) log.warn({ orphans }, 'Sandboxes that a killed runner had left were ended.');
  const { sandbox, state } = await chooseSandbox(config, overrides.sandbox ?? createBubblewrapSandbox({ name }));
  const engine = createEmbeddedEngine({
    file: join(config.data, 'engine.db'),
    onFailure: (jobId, error) => {
      log.error({ err: error, job: jobId }, `The workflow of ${jobId} broke: ${error.message}`);
      application.giveUp(jobId, error);
    },
    onTickError: (error) => {
      log.error({ err: error }, `The engine could not look for work: ${error.message}`);
    },
  });
  releases.push(() => engine.stop());
  const git = createHostGit();
  const forge = createLocalForge({ git });
  const command = createCommandDriver({
    sandbox,
    configFolder: config.folder,
    environment: process.env,
    home: homedir(),
  });
  const application: Application = createApplication(
    {
      config,
      clock,
      log,
      registry,
      vault,
      worktrees: createGitWorktrees({ dataFolder: config.data, sandbox, git }),
      sandbox,
      sandboxState: state,
      prompts: createLiquidPrompts(),
      drivers: new Map([['command', command]]),
      forgeOf: (repository) => forgeOf(config, repository, forge),
      confirmed,
      owner: `${process.pid}-${randomUUID()}`,
      files: createAttemptFiles(config.data),
      progress: overrides.progress ?? (() => undefined),
    },
    engine,
  );
  return {
    application,
    sandboxState: state,
    trust,
    warnings: [...sandboxWarnings(config, state), ...(await trustWarnings(trust))],
    start: () => application.recover(),
    stop: release,
  };
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

async function chooseSandbox(
  config: RunnerConfig,
  isolating: Sandbox,
): Promise<{ sandbox: Sandbox; state: SandboxProbe }> {
  if (config.sandbox === 'off') {
    const sandbox = createUnconfinedSandbox({
      reason: 'opus.yml says "sandbox: off".',
      hint: 'Write "sandbox: required" in opus.yml.',
    });
    return { sandbox, state: await sandbox.probe() };
  }
  const state = await isolating.probe();
  if (state.kind === 'isolated' || config.sandbox === 'required') return { sandbox: isolating, state };
  return { sandbox: createUnconfinedSandbox({ reason: state.reason, hint: state.hint }), state };
}

function sandboxWarnings(config: RunnerConfig, state: SandboxProbe): string[] {
  if (state.kind === 'isolated' || config.sandbox === 'required') return [];
  return [`Agents run WITHOUT a sandbox: ${state.reason} ${state.hint}`];
}

/** While no policy was ever confirmed, a broken one is no reason to go by the defaults. */
async function refuseBrokenFirstPolicy(trust: Trust): Promise<void> {
  for (const change of await trust.changes()) {
    if (change.kind === 'policy' && change.state === 'new' && change.after !== null)
      parsePolicy(change.after, change.path);
  }
}

async function trustWarnings(trust: Trust): Promise<string[]> {
  const waiting = (await trust.changes()).filter((change) => change.state !== 'confirmed');
  if (waiting.length === 0) return [];
  const names = waiting.map((change) => `${change.path} (${change.state})`).join(', ');
  return [`Not confirmed, so not in force: ${names}. Look and confirm with: opus trust`];
}

function forgeOf(config: RunnerConfig, repository: string, local: Forge): Forge {
  if (config.repos[repository]?.forge === 'local') return local;
  throw new OpusError('forge.unsupported', `The forge of repos.${repository} is not available in this version.`, {
    hint: 'Write "forge: local" and a bare repository as its url.',
  });
}

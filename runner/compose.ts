import type { OpusError } from '#shared/domain/errors.ts';
import { composeParts, type Releases, type RunnerOverrides } from './compose-parts.ts';

export type { RunnerOverrides } from './compose-parts.ts';
import type { RunnerConfig } from './core/configuration.ts';
import { remainingBacklog } from './core/intake.ts';
import type { SandboxProbe } from './core/ports/sandbox.ts';
import type { Application } from './engine/application.ts';
import { firstSight } from './engine/first-sight.ts';
import { createApplication } from './engine/create-application.ts';
import type { Trust } from './engine/trust.ts';

export interface Runner {
  readonly application: Application;
  readonly sandboxState: SandboxProbe;
  readonly trust: Trust;
  /** What a person should know before anything starts, a sentence each. */
  readonly warnings: readonly string[];
  /** Whether the service is to start paused. */
  keepPaused(paused: boolean): void;
  /** The FRs that waited for a person's word since the vault was first seen; they may start from now on. */
  releaseBacklog(): Promise<readonly string[]>;
  /** Closes what a dead runner left, and tells the vault what it was not told. */
  start(): Promise<void>;
  /** Releases everything in the reverse order of its acquiring. May be called twice. */
  stop(): Promise<void>;
}

/** Builds a runner on a data folder, which it holds alone until `stop`. Rejects with `registry.locked` when another does. */
export async function composeRunner(config: RunnerConfig, overrides: RunnerOverrides = {}): Promise<Runner> {
  const releases: Releases = [];
  try {
    const defects = deferredDefects();
    const parts = await composeParts(config, overrides, releases, (jobId, error) => {
      defects.report(jobId, error);
    });
    const application = createApplication(parts.runtime);
    defects.deliverTo(application);
    return {
      application,
      sandboxState: parts.sandboxState,
      trust: parts.trust,
      warnings: [...parts.notices, ...(await warningsOf(config, parts.sandboxState, parts.trust))],
      keepPaused: (paused) => {
        parts.dependencies.registry.setState('paused', paused ? 'paused' : 'no');
      },
      async releaseBacklog() {
        const { registry, vault } = parts.dependencies;
        const notes = await vault.scan();
        const { policy } = parts.dependencies.confirmed();
        const backlog = remainingBacklog(firstSight(parts.dependencies, notes, policy), notes);
        registry.setState('backlog', []);
        return backlog;
      },
      start: () => application.recover(),
      stop: () => releaseAll(releases),
    };
  } catch (thrown) {
    await releaseAll(releases);
    throw thrown;
  }
}

export async function releaseAll(releases: Releases): Promise<void> {
  for (let next = releases.pop(); next; next = releases.pop()) await next();
}

/** The engine is made before the application that takes up what breaks in it. */
export function deferredDefects(): {
  report(jobId: string, error: OpusError): void;
  deliverTo(application: Pick<Application, 'giveUp'>): void;
} {
  let receiver: Pick<Application, 'giveUp'> | null = null;
  return {
    report: (jobId, error) => {
      receiver?.giveUp(jobId, error);
    },
    deliverTo: (application) => {
      receiver = application;
    },
  };
}

export async function warningsOf(config: RunnerConfig, state: SandboxProbe, trust: Trust): Promise<readonly string[]> {
  return [...sandboxWarnings(config, state), ...(await trustWarnings(trust))];
}

function sandboxWarnings(config: RunnerConfig, state: SandboxProbe): string[] {
  if (state.kind === 'isolated' || config.sandbox === 'required') return [];
  return [`Agents run WITHOUT a sandbox: ${state.reason} ${state.hint}`];
}

async function trustWarnings(trust: Trust): Promise<string[]> {
  const waiting = (await trust.changes()).filter((change) => change.state !== 'confirmed');
  if (waiting.length === 0) return [];
  const names = waiting.map((change) => `${change.path} (${change.state})`).join(', ');
  return [`Not confirmed, so not in force: ${names}. Look and confirm with: opus trust`];
}

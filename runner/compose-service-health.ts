import type { ErrorSummary } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { RunnerProblem, RunnerStatus } from '#shared/protocol/runner-status.ts';
import type { RunnerParts } from './compose-parts.ts';
import type { EngineDependencies } from './engine/stage-context.ts';
import type { Supervisor } from './engine/supervisor.ts';
import type { Health } from './server/server-application.ts';

export interface ServiceHealth {
  health(): Health;
  status(): RunnerStatus;
}

/** What the service says of itself, from what it knows already: nothing is probed when somebody asks. */
export function createServiceHealth(options: {
  readonly parts: RunnerParts;
  readonly supervisor: Supervisor;
  readonly version: string;
  readonly startedAt: number;
  readonly url: () => string;
  /** What else a person should know: notes that are not confirmed, a configuration that was refused, a vault that cannot be synchronised. */
  readonly problems: () => readonly RunnerProblem[];
}): ServiceHealth {
  const { parts, supervisor } = options;
  const { dependencies, sandboxState } = parts;
  const { registry } = dependencies;

  function checks(): Health['checks'] {
    const { config } = dependencies;
    const vault = supervisor.vaultProblem();
    const free = dependencies.freeBytes();
    const hasDisk = free === null || free >= config.limits.diskReserve;
    const isConfined = sandboxState.kind === 'isolated' || config.sandbox !== 'required';
    const broken = registryProblem();
    return [
      { name: 'vault', ok: vault === null, message: vault?.message ?? config.vault.path },
      { name: 'registry', ok: broken === null, message: broken ?? config.data },
      { name: 'sandbox', ok: isConfined, message: sandboxWord() },
      {
        name: 'disk',
        ok: hasDisk,
        message:
          free === null
            ? 'the free space cannot be told'
            : `${megabytes(free)} free, ${megabytes(config.limits.diskReserve)} kept in reserve`,
      },
    ];
  }

  function registryProblem(): string | null {
    try {
      registry.lastEventSeq();
      return null;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  function sandboxWord(): string {
    return sandboxState.kind === 'isolated' ? `isolated (${sandboxState.detail})` : `none: ${sandboxState.reason}`;
  }

  function backlogProblem(): RunnerProblem[] {
    const backlog = supervisor.backlog();
    if (backlog.length === 0 || dependencies.confirmed().policy.dispatch !== 'auto') return [];
    const named =
      backlog.length > 5 ? `${backlog.slice(0, 5).join(', ')} and ${backlog.length - 5} more` : backlog.join(', ');
    const message = `Planned when this vault was first seen, and waiting for your word: ${named}.`;
    return [{ code: 'health.backlog', message, hint: 'Start them with: opus fr dispatch --all' }];
  }

  function health(): Health {
    const all = checks();
    return { ready: all.every(({ ok }) => ok), checks: all };
  }

  return {
    health,
    status() {
      const jobs = registry.jobs({ finished: false });
      const { ready, checks: all } = health();
      const refusals = [...supervisor.refusals()].map(([, error]): RunnerProblem => problemOf(error));
      const failing = all
        .filter(({ ok }) => !ok)
        .map(({ name, message }): RunnerProblem => ({ code: `health.${name}`, message, hint: null }));
      return {
        pid: process.pid,
        version: options.version,
        url: options.url(),
        ready,
        sandbox: sandboxState.kind === 'isolated' ? 'isolated' : sandboxWord(),
        startedAt: options.startedAt,
        paused: supervisor.pauseMode(),
        watching: supervisor.watching(),
        ...(parts.pluginVault === null
          ? {}
          : {
              vaultElsewhere: {
                connected: parts.pluginVault.voice()?.isThere ?? false,
                untold: registry.outbox().length,
              },
            }),
        circuits: dependencies.circuits.states().map(({ kind, name, state, until }) => ({ kind, name, state, until })),
        problems: [...failing, ...backlogProblem(), ...refusals, ...options.problems()],
        running: jobs.filter(({ slot }) => slot !== null).length,
        queued: jobs.filter(({ status, slot }) => status === 'queued' && slot === null).length,
        waiting: jobs.filter(({ status }) => !isFinished(status) && (status === 'waiting' || status === 'paused'))
          .length,
      };
    },
  };
}

const writeEveryMs = 2_000;
/** Written at least so often, so that a reader can tell a service that hangs. */
const beatMs = 20_000;

/** Writes down how the service is whenever that has changed, for those that look without asking it. Returns what ends it. */
export function writeHealth({ registry, clock, log }: EngineDependencies, status: () => RunnerStatus): () => void {
  let written = '';
  let writtenAt = -Infinity;
  const write = (): void => {
    try {
      const now = status();
      const text = JSON.stringify(now);
      if (text === written && clock.now() - writtenAt < beatMs && clock.now() >= writtenAt) return;
      registry.setState('health', now);
      written = text;
      writtenAt = clock.now();
    } catch (thrown) {
      log.debug({ err: thrown }, 'The state of the service could not be written down.');
    }
  };
  write();
  const timer = setInterval(write, writeEveryMs);
  return () => {
    clearInterval(timer);
  };
}

export function problemOf({ code, message, hint }: ErrorSummary): RunnerProblem {
  return { code, message, hint };
}

function megabytes(bytes: number): string {
  return bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)} GB` : `${Math.round(bytes / 1024 ** 2)} MB`;
}

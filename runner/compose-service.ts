import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import { createForgeUse } from './adapters/metrics/forge-use.ts';
import { createMetrics } from './adapters/metrics/create-metrics.ts';
import { createNotifiers } from './adapters/notify/create-notifiers.ts';
import { composeParts, type Releases, type RunnerOverrides } from './compose-parts.ts';
import { deferredDefects, releaseAll, warningsOf } from './compose.ts';
import type { LiveConfig, ReloadOutcome } from './config/live-config.ts';
import { packageRoot, packageVersion } from './config/package-root.ts';
import { resolveSecret } from './config/secrets.ts';
import { redact } from './core/redact.ts';
import { createCodeNoteWatch } from './engine/code-note-watch.ts';
import { createApplication } from './engine/create-application.ts';
import { eventEpoch } from './engine/event-epoch.ts';
import { createEventLog } from './engine/event-log.ts';
import { createMaintenance } from './engine/maintenance.ts';
import { createNotifications } from './engine/notifications.ts';
import { createSupervisor } from './engine/supervisor.ts';
import { createTelling } from './engine/telling.ts';
import { subscriptionWindows } from './engine/usage-book.ts';
import type { VaultSyncing } from './engine/vault-syncing.ts';
import { createConnectedDevices } from './server/connected-devices.ts';
import { createServer } from './server/create-server.ts';
import { writeServiceFile } from './server/service-file.ts';
import { composeArriving } from './compose-arriving.ts';
import { deviceAccess } from './compose-device-calls.ts';
import { reloadResult, reloadSentence } from './compose-reload.ts';
import { createServiceApplication } from './compose-service-calls.ts';
import { createServiceHealth, problemOf, writeHealth } from './compose-service-health.ts';
import { serviceTasks } from './compose-service-tasks.ts';
import { vaultSyncing, vaultWatcher } from './compose-vault-changes.ts';

export interface Service {
  readonly url: string;
  readonly warnings: readonly string[];
  /** Reads opus.yml anew and puts it in force where it can be. */
  reload(): ReloadOutcome;
  /** Ends within the grace, or at once when `now` is aborted. May be called twice. */
  stop(now: AbortSignal): Promise<void>;
}

export interface ServiceOptions {
  readonly live: LiveConfig;
  readonly overrides?: RunnerOverrides;
  /** Told of every reload, whoever asked for it. */
  readonly onReload?: (outcome: ReloadOutcome) => void;
}

/** Starts the service on its data folder. Rejects with `registry.locked`, `service.failed` or `config.*` when it cannot. */
export async function composeService(options: ServiceOptions): Promise<Service> {
  const releases: Releases = [];
  try {
    return await build(options, releases);
  } catch (thrown) {
    await releaseAll(releases);
    throw thrown;
  }
}

async function build(options: ServiceOptions, releases: Releases): Promise<Service> {
  const { live } = options;
  const config = live.current();
  const startedAt = Date.now();
  const defects = deferredDefects();
  const forges = createForgeUse();
  const parts = await composeParts(
    config,
    {
      onForgeQuota: (quota) => {
        forges.quota(quota);
      },
      onForgeCall: (call) => {
        forges.call(call);
      },
      ...options.overrides,
      currentConfig: () => live.current(),
    },
    releases,
    (jobId, error) => {
      defects.report(jobId, error);
    },
  );
  const { dependencies, log, runtime } = parts;
  const { registry, clock } = dependencies;
  parts.events.onRing(createEventLog(registry, log));
  const application = createApplication(runtime);
  defects.deliverTo(application);
  const { pluginVault } = parts;
  pluginVault?.desk.onReady(() => void runtime.tell());
  const watcher = vaultWatcher(parts);
  const codeNotes = createCodeNoteWatch(parts.trust, dependencies);
  const supervisor = createSupervisor({
    runtime,
    watcher,
    monotonic: () => performance.now(),
    onLook: () => codeNotes.look(),
    onStopNow: () => {
      parts.leaveOrigins();
    },
    onClockJump: () => runtime.engine.wakeAll(),
  });
  const arriving = composeArriving(parts, live, application);
  releases.push(() => {
    arriving.arrivals.stop();
  });
  let refusedConfig: ErrorSummary | null = null;
  let syncing: VaultSyncing | null = null;
  const maintenance = createMaintenance(serviceTasks(parts), log);
  let url = '';
  const health = createServiceHealth({
    parts,
    supervisor,
    version: packageVersion(),
    startedAt,
    url: () => url,
    problems: (): RunnerProblem[] => [
      ...(refusedConfig === null ? [] : [problemOf(refusedConfig)]),
      ...codeNotes.problems(),
      ...[syncing?.problem()].flatMap((error) => (error ? [problemOf(error)] : [])),
      ...arriving.problems().map(problemOf),
      ...maintenance.problems(),
    ],
  });

  const taken = (outcome: ReloadOutcome): ReloadOutcome => {
    if (outcome.kind === 'refused') {
      refusedConfig = outcome.error;
      log.error(
        { code: outcome.error.code },
        `opus.yml was not taken, what was in force stays: ${outcome.error.message}`,
      );
    } else {
      refusedConfig = null;
    }
    if (outcome.kind === 'taken') {
      log.setLevel(options.overrides?.logLevel ?? outcome.config.log.level);
      log.info({ changed: outcome.changed, needsRestart: outcome.needsRestart }, reloadSentence(outcome));
      supervisor.reconsider();
      void supervisor.look();
    }
    options.onReload?.(outcome);
    return outcome;
  };
  releases.push(live.watch(taken));
  const reload = (): ReloadOutcome => {
    const outcome = taken(live.reload());
    // Somebody asked: notes may have been confirmed, which no file tells of.
    void supervisor.look();
    return outcome;
  };

  const metrics = createMetrics({
    registry,
    clock,
    version: packageVersion(),
    sandboxesAlive: () => parts.sandboxesAlive(),
    circuits: () => dependencies.circuits.states(),
    paused: () => supervisor.pauseMode(),
    windows: () => subscriptionWindows(registry, clock.now()),
    forges,
    webhooks: () => arriving.arrivals.counts(),
    connections: () => server.connections(),
  });
  releases.push(() => {
    metrics.close();
  });
  const token = randomBytes(32).toString('base64url');
  const connected = createConnectedDevices();
  const server = createServer({
    config: config.server,
    application: createServiceApplication({
      dependencies,
      application,
      supervisor,
      health,
      trust: parts.trust,
      pluginVault,
      unconfirmedNotes: () => codeNotes.unconfirmed(),
      reload: () => reloadResult(reload()),
      backup: async () => {
        const { path, bytes } = await parts.backups.create('asked');
        parts.backups.prune();
        return { file: path, bytes };
      },
      epoch: eventEpoch(registry),
      connected,
      onEvents: (listener) => {
        parts.events.onRing(listener);
      },
      nextEvent: (signal, waitMs) => parts.events.next(signal, waitMs),
    }),
    health: () => health.health(),
    metrics: () => metrics.render(),
    webhooks: arriving.arrivals,
    dashboard: join(packageRoot, 'dist', 'dashboard'),
    token,
    devices: deviceAccess(registry.devices, clock),
    connected,
    runner: { version: packageVersion(), name: hostname() },
    log,
  });
  const listening = await server.listen();
  url = listening.url;
  releases.push(() => server.close());
  const file = writeServiceFile(config.data, {
    url,
    pid: process.pid,
    token,
    version: packageVersion(),
    startedAt,
    certificate: listening.certificate,
  });
  releases.push(() => {
    file.remove();
  });

  const notifications = createNotifications({
    registry,
    notifiers: () =>
      createNotifiers(live.current().notify, (reference, use) => resolveSecret(reference, use, process.env)),
    policy: () => dependencies.confirmed().policy,
    command: config.command,
    vaultName: config.vault.name,
    publicUrl: config.server.publicUrl,
    clock,
    log,
    redact,
  });
  const telling = createTelling(notifications, clock, log);
  parts.events.onRing(() => {
    telling.ring();
  });
  telling.ring();
  parts.events.onRing(() => {
    syncing?.soon();
  });
  const stopWriting = writeHealth(dependencies, () => health.status());

  const warnings = [...parts.notices, ...(await warningsOf(config, parts.sandboxState, parts.trust))];
  for (const warning of warnings) log.warn({}, warning);
  await supervisor.start();
  dependencies.registry.setState('health', health.status());
  syncing = vaultSyncing(parts, () => {
    void supervisor.look();
  });
  maintenance.start();
  arriving.start();
  log.info({ url, data: config.data }, `The service runs at ${url}.`);

  let stopped: Promise<void> | null = null;
  return {
    url,
    warnings,
    reload,
    stop: (now) =>
      (stopped ??= (async () => {
        log.info({}, 'The service stops; what is done is kept.');
        try {
          await supervisor.stop(live.current().timeouts.grace, now);
          await arriving.stop();
          // What was found while it stopped.
          await runtime.tell();
          await maintenance.stop();
          stopWriting();
          await telling.stop();
          await syncing?.stop();
        } catch (thrown) {
          log.error({ err: thrown }, `Stopping went wrong: ${toOpusError(thrown).message}`);
        }
        log.info({}, 'The service has stopped.');
        await releaseAll(releases);
      })()),
  };
}

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { formatDuration } from '#shared/domain/duration.ts';
import { jobStatuses } from '#shared/domain/job.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { JobRegistry } from '../../core/ports/job-registry.ts';
import { createCountedWork } from './counted-work.ts';
import type { WindowNow } from '../../core/usage-windows.ts';
import type { ForgeUse } from './forge-use.ts';
import { readKeptTotals } from './kept-totals.ts';

export interface Metrics {
  /** Prometheus text. What it counts is read from the registry now. */
  render(): Promise<string>;
  /** Keeps the totals for the next start; before the registry is closed. */
  close(): void;
}

export interface MetricsOptions {
  readonly registry: Pick<JobRegistry, 'figures' | 'state' | 'setState'>;
  readonly clock: Clock;
  readonly version: string;
  readonly sandboxesAlive: () => number;
  readonly circuits: () => readonly {
    readonly kind: string;
    readonly name: string;
    readonly state: 'closed' | 'open' | 'half-open';
  }[];
  readonly paused: () => 'no' | 'paused' | 'draining';
  readonly windows: () => readonly WindowNow[];
  readonly forges: ForgeUse;
  /** Webhooks since the start, by what became of them. */
  readonly webhooks?: () => Readonly<Record<string, number>>;
  /** How many clients are connected. */
  readonly connections?: () => number;
}

const day = 24 * 60 * 60 * 1_000;
/** Totals that were lost with a killed runner are counted again, so this saves writing alone. */
const keepEvery = 60_000;
/** Looking more often would cost an idle runner more than the rest of it. */
const delayResolutionMs = 100;
const never = 2 ** 31 - 1;

/** Names of repositories, agents and models are the only words of users in it. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { clock } = options;
  const registry = new Registry();
  const work = createCountedWork(registry, readKeptTotals(options.registry.state('metrics')?.value));
  options.forges.register(registry);
  let kept = JSON.stringify(work.totals());
  // What the last runner had not counted may be much, and is not read while somebody waits for an answer.
  work.catchUp(options.registry.figures);
  let keptAt = clock.now();
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delays.enable();
  collectDefaultMetrics({ register: registry, prefix: 'opus_', eventLoopMonitoringPrecision: never });
  // Theirs count the time between two looks as delay.
  for (const name of ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99']) {
    registry.removeSingleMetric(`opus_nodejs_eventloop_lag${name}_seconds`);
  }

  const gauge = <Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name: `opus_${name}`, help, labelNames, registers: [registry] });
  const jobs = gauge('jobs', 'Jobs by status, and by what they wait for.', ['status', 'waiting_for']);
  const dispatched = gauge('jobs_last_day', 'Jobs dispatched in the last 24 hours.');
  const successRate = gauge('success_rate', 'Share of the jobs finished in the last 24 hours that succeeded.');
  const queueAge = gauge('queue_age_seconds', 'How long the job waits that has waited longest for a slot.');
  const outbox = gauge('outbox_depth', 'Write-backs to the vault that are not done.');
  const busy = gauge('agents_busy', 'Attempts at work by agent.', ['agent']);
  const sandboxes = gauge('sandboxes_alive', 'Sandboxes that run.');
  const circuit = gauge('circuit_state', '1 for the state that a circuit is in.', ['kind', 'name', 'state']);
  const paused = gauge('paused', '1 for the state that the runner is in.', ['state']);
  const windowShare = gauge('subscription_window_share', 'How much of a window is used; 1 is all of it.', [
    'endpoint',
    'window',
  ]);
  const connections = gauge('connections', 'Clients that are connected.');
  const delay = gauge('event_loop_delay_seconds', 'Delay of the event loop since the last scrape.', ['quantile']);
  const webhooks = new Counter({
    name: 'opus_webhooks_total',
    help: 'Webhooks of forges since the start.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  gauge('info', 'Always 1.', ['version']).set({ version: options.version }, 1);

  function readRegistry(): void {
    const { figures } = options.registry;
    work.catchUp(figures);
    const now = clock.now();
    const census = figures.census(now - day);
    jobs.reset();
    for (const status of jobStatuses) jobs.set({ status, waiting_for: '' }, 0);
    for (const { status, waitingFor, count } of census.jobs) {
      if (waitingFor !== null) jobs.remove({ status, waiting_for: '' });
      jobs.set({ status, waiting_for: waitingFor ?? '' }, count);
    }
    dispatched.set(census.recent.dispatched);
    successRate.set(census.recent.finished === 0 ? NaN : census.recent.succeeded / census.recent.finished);
    queueAge.set(census.oldestQueuedAt === null ? 0 : Math.max(0, now - census.oldestQueuedAt) / 1_000);
    outbox.set(census.outboxDepth);
    busy.reset();
    for (const { agent, count } of census.busyAgents) busy.set({ agent }, count);
  }

  function readRunner(): void {
    sandboxes.set(options.sandboxesAlive());
    circuit.reset();
    for (const { kind, name, state } of options.circuits()) {
      for (const each of ['closed', 'open', 'half-open'])
        circuit.set({ kind, name, state: each }, each === state ? 1 : 0);
    }
    webhooks.reset();
    for (const [outcome, count] of Object.entries(options.webhooks?.() ?? {})) webhooks.inc({ outcome }, count);
    windowShare.reset();
    for (const { endpoint, lengthMs, share } of options.windows()) {
      windowShare.set({ endpoint, window: formatDuration(lengthMs) }, share);
    }
    connections.set(options.connections?.() ?? 0);
    const state = options.paused();
    for (const each of ['no', 'paused', 'draining']) paused.set({ state: each }, each === state ? 1 : 0);
    for (const quantile of [0.5, 0.9, 0.99, 1]) {
      const measured = quantile === 1 ? delays.max : delays.percentile(quantile * 100);
      delay.set(
        { quantile: String(quantile) },
        delays.count === 0 ? 0 : Math.max(0, measured / 1e9 - delayResolutionMs / 1e3),
      );
    }
    delays.reset();
  }

  function keep(): void {
    const totals = work.totals();
    const text = JSON.stringify(totals);
    if (text === kept) return;
    options.registry.setState('metrics', totals);
    kept = text;
    keptAt = clock.now();
  }

  return {
    async render() {
      readRegistry();
      readRunner();
      if (clock.now() - keptAt >= keepEvery) keep();
      return await registry.metrics();
    },
    close() {
      work.catchUp(options.registry.figures);
      keep();
      delays.disable();
      registry.clear();
    },
  };
}

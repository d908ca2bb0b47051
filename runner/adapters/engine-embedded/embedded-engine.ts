import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { OpenWorkflow, type Worker } from 'openworkflow';
import type { Workflow, WorkflowEngine } from '../../core/ports/workflow-engine.ts';
import { forgetEndedRuns, openEngineDatabase } from './engine-database.ts';
import { singleRunnerBackend } from './single-runner-backend.ts';
import { createWorkflowRunner } from './workflow-runner.ts';

export interface EmbeddedEngineOptions {
  /** May be deleted while no engine has it open. */
  readonly file: string;
  /** A run ended because the workflow threw, which is a defect. Must not throw. */
  readonly onFailure?: (jobId: string, error: OpusError) => void;
  /** A background tick failed; the next one comes within seconds. Must not throw. */
  readonly onTickError?: (error: OpusError) => void;
  /** Runs executed at once; parked ones take none. */
  readonly slots?: number;
  /** How long `stop` waits for executing runs before it leaves them to the next start. */
  readonly stopTimeoutMs?: number;
}

/** Raise it when the order or the names of the steps change; unfinished runs then start over on the registry's effects. */
const workflowVersion = '2';
const longestTimerMs = 2 ** 31 - 1;
const tickRetryMs = 1_000;

/**
 * OpenWorkflow on a SQLite file of its own. There is no polling: a tick follows every start, signal and end of an execution,
 * and a timer is set for the earliest wait that runs out.
 */
export function createEmbeddedEngine(options: EmbeddedEngineOptions): WorkflowEngine {
  const { file, onFailure = () => undefined, onTickError = () => undefined } = options;
  const database = openEngineDatabase(file, workflowVersion);
  const { handle } = database;
  const single = singleRunnerBackend(database, afterExecution);
  const openWorkflow = new OpenWorkflow({ backend: single.backend });
  const runner = createWorkflowRunner({ backend: single.backend, onFailure, isStopping: () => stopping });
  const idleWaiters = new Set<() => void>();
  let worker: Worker | null = null;
  let stopping = false;
  let wokenAfterStart = false;
  let timer: NodeJS.Timeout | null = null;
  let lastTick: Promise<unknown> = Promise.resolve();

  const knownRun = handle.prepare('SELECT 1 FROM workflow_runs WHERE idempotency_key = ? LIMIT 1');
  const nextWake = handle.prepare(
    `SELECT min(available_at) AS at FROM workflow_runs WHERE status IN ('pending', 'running', 'sleeping') AND worker_id IS NULL`,
  );
  const openTopics = handle.prepare(
    `SELECT DISTINCT json_extract(context, '$.signal') AS topic FROM step_attempts WHERE kind = 'signal-wait' AND status = 'running'`,
  );

  function registered(): Worker {
    if (worker) return worker;
    throw new OpusError('internal.unexpected', 'The workflow must be registered before the engine is used.');
  }

  function afterExecution(): void {
    // The worker frees the slot only after this call returned.
    setImmediate(() => {
      scheduleWake();
      if (isIdle()) resolveIdle();
    });
  }

  function resolveIdle(): void {
    for (const resolve of idleWaiters) resolve();
    idleWaiters.clear();
  }

  function isIdle(): boolean {
    return single.executing() === 0 && (stopping || wakeDelayMs() > 0);
  }

  /** Until the earliest run that nobody executes can go on; Infinity when there is none. */
  function wakeDelayMs(): number {
    const at = nextWake.get()?.['at'];
    return typeof at === 'string' ? Date.parse(at) - Date.now() : Infinity;
  }

  function scheduleWake(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const delayMs = stopping ? Infinity : wakeDelayMs();
    if (delayMs !== Infinity) tickIn(delayMs);
  }

  function tickIn(delayMs: number): void {
    timer = setTimeout(
      () => {
        tick().catch((thrown: unknown) => {
          onTickError(toOpusError(thrown));
          if (!stopping) tickIn(tickRetryMs);
        });
      },
      Math.min(Math.max(delayMs, 0), longestTimerMs),
    );
  }

  async function tickOnce(): Promise<number> {
    if (stopping) return 0;
    if (!wokenAfterStart) await wakeEveryWait();
    const claimed = await registered().tick();
    scheduleWake();
    return claimed;
  }

  /** What was signalled while no runner lived is lost, so every wait returns once after a start and its caller looks again. */
  async function wakeEveryWait(): Promise<void> {
    for (const { topic } of openTopics.all()) if (typeof topic === 'string') await runner.deliver(topic);
    wokenAfterStart = true;
  }

  /** One at a time: two overlapping ticks would hand one worker id to two runs. */
  function tick(): Promise<number> {
    const result = lastTick.then(tickOnce);
    lastTick = result.catch(() => undefined);
    return result;
  }

  async function signal(topic: string): Promise<void> {
    if (stopping) return;
    await runner.deliver(topic);
    await tick();
  }

  return {
    register(workflow: Workflow) {
      if (worker) throw new OpusError('internal.unexpected', 'A workflow is registered already.');
      openWorkflow.implementWorkflow<{ jobId: string; run: number }, null>(
        // The retry policy is for failures of this database alone; runner ends a run whose workflow throws.
        { name: 'job', version: workflowVersion, retryPolicy: { maximumAttempts: 0, maximumInterval: '30s' } },
        (execution) => runner.execute(workflow, execution),
      );
      worker = openWorkflow.newWorker({ concurrency: options.slots ?? 64 });
    },
    async start(jobId, run) {
      registered();
      if (stopping) return;
      const key = `${jobId}#${run}`;
      // The engine's own look at the key forgets after a day.
      if (!knownRun.get(key)) {
        await openWorkflow.runWorkflow(
          { name: 'job', version: workflowVersion },
          { jobId, run },
          { idempotencyKey: key },
        );
      }
      await tick();
    },
    signal,
    tick,
    prune(before) {
      if (!stopping) forgetEndedRuns(handle, new Date(before).toISOString());
    },
    async wakeAll() {
      if (stopping) return;
      const now = new Date().toISOString();
      handle
        .prepare(`UPDATE workflow_runs SET available_at = ? WHERE status = 'pending' AND available_at > ?`)
        .run(now, now);
      wokenAfterStart = false;
      await tick();
    },
    async idle() {
      await tick();
      if (!isIdle()) await new Promise<void>((resolve) => idleWaiters.add(resolve));
    },
    async stop() {
      if (stopping) return;
      stopping = true;
      if (timer) clearTimeout(timer);
      await lastTick;
      if (!isIdle()) await firstOf(idleWaiters, options.stopTimeoutMs ?? 5_000);
      resolveIdle();
      single.close();
    },
  };
}

/** Settles when the set's owner calls what is added to it, or after the time-out. */
function firstOf(waiters: Set<() => void>, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, timeoutMs);
    waiters.add(() => {
      clearTimeout(limit);
      resolve();
    });
  });
}

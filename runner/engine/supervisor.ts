import { toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { nextInterval } from '../core/polling.ts';
import type { Job } from '../core/ports/job-registry.ts';
import type { VaultWatcher } from '../core/ports/vault-watcher.ts';
import { slotFor, wantsToGoOn } from '../core/scheduling/wanted-slot.ts';
import { createAdmission } from './admission.ts';
import { createClockWatch } from './clock-watch.ts';
import { createHeartbeat } from './heartbeat.ts';
import { unblock } from './job-control.ts';
import { recordJob } from './job-recorder.ts';
import type { JobRuntime } from './job-runtime.ts';
import { createPeriodic } from './periodic.ts';
import { nextOf } from './next-of-job.ts';
import { recover } from './control.ts';
import { aborted, after } from './until.ts';
import { createVaultIntake } from './vault-intake.ts';

/** `draining`: what runs goes on, nothing starts. `paused`: nothing runs either. */
export type PauseMode = 'no' | 'paused' | 'draining';

export interface Supervisor {
  /** Takes up what a runner before left, begins to watch, and starts what may start. */
  start(): Promise<void>;
  /** Nothing more begins; what runs may end until `graceMs` have passed or `now` is aborted, then it is stopped at its checkpoint. */
  stop(graceMs: number, now: AbortSignal): Promise<void>;
  /** Looks at the vault now. */
  look(): Promise<void>;
  /** Decides anew who may run; for after a change of the configuration. */
  reconsider(): void;
  pauseMode(): PauseMode;
  setPauseMode(mode: PauseMode): void;
  /** Starts a job that waits, whatever it waits for. */
  unblock(job: Job): Job;
  /** FRs that wait for a person's word since the vault was first seen; they may start from now on. */
  releaseBacklog(): string[];
  backlog(): readonly string[];
  /** Whether changes are told by the file system, or looked for now and then. */
  watching(): boolean;
  vaultProblem(): ErrorSummary | null;
  refusals(): ReadonlyMap<string, ErrorSummary>;
  notes(): readonly FeatureRequest[];
}

export interface SupervisorOptions {
  readonly runtime: JobRuntime;
  readonly watcher: VaultWatcher;
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number;
  /** Called with each look at the vault. */
  readonly onLook?: () => Promise<void>;
  /** Stopping waits no longer: what no job's signal reaches, such as an origin that does not answer, is to be left. */
  readonly onStopNow?: () => void;
  /** The wall clock was set: what waits by it must look again. */
  readonly onClockJump?: (byMs: number) => Promise<void> | void;
}

/** Attempts that were told to stop have their processes killed; more time than this they do not need. */
const stopPatienceMs = 15_000;
const rewatchMs = 60_000;

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { runtime, watcher } = options;
  const { dependencies, running } = runtime;
  const { registry, clock, log } = dependencies;
  const periodic = createPeriodic(log);
  const heartbeat = createHeartbeat(runtime);
  const clockWatch = createClockWatch(dependencies, options.monotonic, (byMs) => {
    void afterClockJump(byMs);
  });
  let mode: PauseMode = 'no';
  let stopping = false;
  let watching = false;
  let pollMs = 0;
  let pollTimer: NodeJS.Timeout | null = null;
  let wakeTimer: NodeJS.Timeout | null = null;
  let deciding: NodeJS.Immediate | null = null;

  const intake = createVaultIntake(runtime, {
    onAction: decideSoon,
    onLook: options.onLook ?? (() => Promise.resolve()),
    onJudging: () => {
      clockWatch.check();
    },
  });
  const admission = createAdmission({
    dependencies,
    running,
    notes: () => intake.notes(),
    isAbsent: (jobId) => runtime.absent.has(jobId),
    accepting: () => mode === 'no' && !stopping,
    wake: (job) => {
      runtime.wake(job).catch((thrown: unknown) => {
        log.error({ err: thrown, job: job.id }, `${job.id} could not be woken: ${toOpusError(thrown).message}`);
      });
    },
  });
  runtime.onChange(decideSoon);
  runtime.absent.expectReturn(() => void intake.look());

  /** Several changes in one turn of the loop are decided on together. */
  function decideSoon(): void {
    if (stopping || deciding) return;
    deciding = setImmediate(() => {
      deciding = null;
      decide();
    });
  }

  function decide(): void {
    if (stopping) return;
    if (wakeTimer) clearTimeout(wakeTimer);
    wakeTimer = null;
    let wakeAt: number | null;
    try {
      clockWatch.check();
      wakeAt = admission.decide();
    } catch (thrown) {
      log.error({ err: thrown }, `It could not be decided who may run: ${toOpusError(thrown).message}`);
      wakeAt = clock.now() + 5_000;
    }
    if (wakeAt === null) return;
    // Looked at once a minute at least, so that a clock that was set makes nobody wait for long.
    wakeTimer = setTimeout(decide, Math.min(Math.max(wakeAt - clock.now(), 10), 60_000));
  }

  async function poll(): Promise<void> {
    pollTimer = null;
    await intake.look();
    planPoll();
  }

  function planPoll(): void {
    if (stopping) return;
    if (pollTimer) clearTimeout(pollTimer);
    const { active, idle } = dependencies.config.polling;
    const isBusy = intake.foundWork() || intake.problem() !== null || running.attempts().length > 0;
    pollMs = nextInterval({ previous: pollMs, foundWork: isBusy, watching, active, idle });
    pollTimer = setTimeout(() => void poll(), pollMs);
  }

  async function watch(): Promise<void> {
    if (watching || stopping || !dependencies.config.polling.watch) return;
    try {
      await watcher.start({
        onChange: () => {
          void intake.look().then(() => {
            if (intake.foundWork()) planPoll();
          });
        },
        onBroken: (reason) => {
          watching = false;
          log.warn(
            { reason },
            `Changes in the vault are not told any more, so they are looked for now and then: ${reason}`,
          );
          pollMs = 0;
          planPoll();
        },
      });
      watching = true;
      // What changed while nobody watched.
      void intake.look();
    } catch (thrown) {
      const error = toOpusError(thrown);
      log.warn(
        { err: thrown, code: error.code },
        `The vault is looked at now and then instead of watched: ${error.message}`,
      );
    }
  }

  async function afterClockJump(byMs: number): Promise<void> {
    decideSoon();
    try {
      await options.onClockJump?.(byMs);
    } catch (thrown) {
      log.error({ err: thrown }, `What waits could not be woken: ${toOpusError(thrown).message}`);
    }
  }

  function beat(): void {
    clockWatch.check();
    heartbeat.beat();
  }

  return {
    async start() {
      // A drain ends with the process that was drained; a pause holds until somebody ends it.
      mode = registry.state('paused')?.value === 'paused' ? 'paused' : 'no';
      const interrupted = recover(dependencies);
      if (interrupted.length > 0) {
        log.warn(
          { jobs: interrupted },
          `A runner before this one ended in the middle of ${interrupted.join(', ')}; they go on.`,
        );
        registry.commit(null, null, {
          events: [{ type: 'runner.recovered', jobId: null, data: { jobs: interrupted } }],
        });
      }
      registry.commit(null, null, { events: [{ type: 'runner.started', jobId: null, data: {} }] });
      // What was running goes on before the vault is even looked at.
      decide();
      await intake.look();
      decide();
      void runtime.tell();
      await watch();
      periodic.every('watching', () => rewatchMs, watch);
      periodic.every('heartbeat', () => dependencies.config.timeouts.lease / 3, beat);
      planPoll();
      wakeSettled();
    },
    async stop(graceMs, now) {
      if (stopping) return;
      stopping = true;
      registry.commit(null, null, { events: [{ type: 'runner.stopping', jobId: null, data: {} }] });
      runtime.closeDoors();
      for (const timer of [pollTimer, wakeTimer]) if (timer) clearTimeout(timer);
      if (deciding) clearImmediate(deciding);
      await Promise.all([watcher.stop(), periodic.stop()]);
      await Promise.race([running.allSettled(), aborted(now), after(graceMs)]);
      for (const attempt of running.attempts()) running.stop(attempt.jobId);
      options.onStopNow?.();
      await Promise.race([running.allSettled(), after(stopPatienceMs)]);
      await intake.settled();
      restSlots();
      await runtime.tell();
    },
    look: () => intake.look(),
    reconsider: decideSoon,
    pauseMode: () => mode,
    setPauseMode(next) {
      mode = next;
      registry.setState('paused', next);
      if (next === 'paused') {
        for (const job of registry.jobs({ finished: false })) if (job.slot !== null) admission.pushAside(job, 'runner');
      }
      decideSoon();
    },
    unblock(job) {
      const current = unblock(dependencies, job);
      admission.admitNow(current);
      return registry.job(job.id) ?? current;
    },
    releaseBacklog() {
      const backlog = backlogNow();
      registry.setState('backlog', []);
      void intake.look();
      return [...backlog];
    },
    backlog: backlogNow,
    watching: () => watching,
    vaultProblem: () => intake.problem(),
    refusals: () => intake.refusals(),
    notes: () => intake.notes(),
  };

  /** Jobs whose next step is no stage have nothing to be admitted for, and may have been left before it. */
  function wakeSettled(): void {
    for (const job of registry.jobs({ finished: false })) {
      if (wantsToGoOn(job) && slotFor(nextOf(dependencies, job.id)) === null)
        void runtime.wake(job).catch(() => undefined);
    }
  }

  /** What the engine does not come round to any more: a job that was stopped waits for its slot, in the registry and in its note. */
  function restSlots(): void {
    for (const job of registry.jobs({ finished: false })) {
      if (job.slot === null && job.status !== 'running') continue;
      const isPaused = job.status === 'paused' || isFinished(job.status);
      recordJob(registry, null, job, {
        fields: isPaused ? { slot: null } : { slot: null, status: 'waiting', waitingFor: 'slot', runState: 'waiting' },
        events: [],
      });
    }
  }

  function backlogNow(): readonly string[] {
    const known = registry.state('backlog')?.value;
    return Array.isArray(known) ? known.filter((id) => typeof id === 'string') : [];
  }
}

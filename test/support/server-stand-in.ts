import type { JobDocument } from '../../shared/domain/job.ts';
import { OpusError } from '../../shared/domain/errors.ts';
import type { ProtocolEvent } from '../../shared/protocol/method-results.ts';
import { isMethodName } from '../../shared/protocol/methods.ts';
import type { BoardJob } from '../../shared/protocol/board.ts';
import type { RunnerStatus } from '../../shared/protocol/runner-status.ts';
import type { RunnerConfig } from '../../runner/core/configuration.ts';
import type { Log } from '../../runner/core/ports/log.ts';
import type { ServerApplication } from '../../runner/server/server-application.ts';
import type { ServiceFile } from '../../runner/server/service-file.ts';

export function aJobDocument(fields: Partial<JobDocument> = {}): JobDocument {
  return {
    job: 'FR-1-1',
    fr: 'FR-1',
    status: 'running',
    waitingFor: null,
    runState: 'code',
    stages: [],
    rounds: 0,
    branch: null,
    commit: null,
    pr: null,
    gate: null,
    cost: null,
    weaker: [],
    decisions: [],
    leftToPerson: [],
    error: null,
    ...fields,
  };
}

export function aBoardJob(fields: Partial<BoardJob> = {}): BoardJob {
  return {
    ...aJobDocument(),
    title: 'FR-1',
    priority: 'P1',
    repository: 'app',
    notePath: '10_features/FR-1.md',
    reportPath: '20_runs/FR-1-1.md',
    agent: 'coder',
    createdAt: 1,
    updatedAt: 2,
    stage: null,
    pausedBy: null,
    holdUntil: null,
    sentence: '',
    question: null,
    gateHash: null,
    review: null,
    tests: null,
    size: null,
    checks: null,
    dollars: null,
    ...fields,
  };
}

export function aRunnerStatus(fields: Partial<RunnerStatus> = {}): RunnerStatus {
  return {
    pid: 1,
    version: '1.2.3',
    url: 'http://127.0.0.1:1',
    ready: true,
    sandbox: 'isolated',
    startedAt: 5,
    paused: 'no',
    watching: true,
    circuits: [],
    problems: [],
    running: 1,
    queued: 0,
    waiting: 0,
    ...fields,
  };
}

/** As this process would write it of itself. */
export function aService(fields: Partial<ServiceFile> = {}): ServiceFile {
  return {
    url: 'http://127.0.0.1:1',
    pid: process.pid,
    token: 'a-token',
    version: '1.2.3',
    startedAt: 5,
    certificate: null,
    ...fields,
  };
}

export const loopbackServer: RunnerConfig['server'] = {
  host: '127.0.0.1',
  port: 0,
  publicUrl: null,
  tls: null,
  trustProxy: false,
};

/** A runner with one job, whose events a test writes. */
export interface StandIn {
  readonly application: ServerApplication;
  /** Method and params of every call, as the server handed them on. */
  readonly calls: { readonly method: string; readonly params: unknown }[];
  /** Polls that wait now. */
  waiting(): number;
  /** Changes the job and tells whoever waits. */
  tell(type: string, job?: Partial<JobDocument>, data?: Readonly<Record<string, unknown>>): void;
}

export function createStandIn(replacing: Partial<ServerApplication> = {}): StandIn {
  const calls: { method: string; params: unknown }[] = [];
  const events: ProtocolEvent[] = [];
  const waiters = new Set<() => void>();
  const listeners: (() => void)[] = [];
  let job = aJobDocument();

  const given: Partial<ServerApplication> = {
    'job.get': ({ job: name }) => {
      if ([job.job, job.fr].includes(name)) return Promise.resolve(job);
      const hint = '`opus job list` names the jobs.';
      return Promise.reject(new OpusError('registry.job-not-found', `There is no job "${name}".`, { hint }));
    },
    'fr.dispatch': () => Promise.resolve(job),
    'runner.pause': () => Promise.resolve({ paused: 'paused', running: 1 }),
    'events.since': async ({ afterSeq, jobId, limit, waitMs }, { signal }) => {
      const found = (): ProtocolEvent[] =>
        events
          .filter(({ seq, jobId: of }) => seq > (afterSeq ?? events.length) && (jobId ?? of) === of)
          .slice(0, limit);
      if (found().length === 0 && waitMs > 0) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiters.delete(wake);
            resolve();
          };
          waiters.add(wake);
          signal.addEventListener('abort', wake);
        });
      }
      const batch = found();
      return { events: batch, throughSeq: batch.length === limit ? (batch.at(-1)?.seq ?? 0) : events.length };
    },
    events: {
      epoch: () => 'an-epoch',
      newest: () => events.length,
      after: (seq, limit) => events.slice(seq, seq + limit),
      onRecorded: (listener) => {
        listeners.push(listener);
      },
    },
    boardJob: () => null,
    boardState: () => ({
      runner: aRunnerStatus(),
      featureRequests: [],
      spending: { dollars: null, tokens: 0, budget: null },
      untrusted: 0,
    }),
    vaultWriters: null,
    ...replacing,
  };
  const application = new Proxy(given, {
    get: (methods, method: keyof ServerApplication) => {
      if (!isMethodName(method)) return methods[method];
      return (params: never, context: never) => {
        calls.push({ method, params });
        const perform = methods[method] as ((params: never, context: never) => Promise<unknown>) | undefined;
        return perform?.(params, context) ?? Promise.reject(new Error(`The stand-in has no ${method}`));
      };
    },
  }) as ServerApplication;

  return {
    application,
    calls,
    waiting: () => waiters.size,
    tell(type, fields = {}, data = {}) {
      job = { ...job, ...fields };
      events.push({ seq: events.length + 1, at: 1, type, jobId: job.job, data: { ...data } });
      for (const wake of [...waiters, ...listeners]) wake();
    },
  };
}

export interface CollectedLog extends Log {
  readonly errors: readonly string[];
}

export function collectLog(): CollectedLog {
  const errors: string[] = [];
  return {
    errors,
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_fields, message) => {
      errors.push(message);
    },
  };
}

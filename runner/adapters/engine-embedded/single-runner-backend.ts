import type { Backend } from 'openworkflow/internal';
import type { EngineDatabase } from './engine-database.ts';

export interface SingleRunnerBackend {
  readonly backend: Backend;
  /** Runs claimed and neither parked nor ended. */
  executing(): number;
  /** From now on nothing is read or written, and calls of executions left behind never settle. */
  close(): void;
}

const yearMs = 365 * 24 * 3_600_000;

/**
 * OpenWorkflow's backend for the one runner of a data folder. Leases last a year: with no second worker an expired one could
 * only be this process's own, asleep with its laptop, and the run would be executed twice side by side.
 */
export function singleRunnerBackend(database: EngineDatabase, onReleased: () => void): SingleRunnerBackend {
  const { backend, handle } = database;
  const executing = new Set<string>();
  let closed = false;
  const claimable = handle.prepare(
    `SELECT 1 FROM workflow_runs WHERE status IN ('pending', 'running', 'sleeping') AND available_at <= ? LIMIT 1`,
  );

  const claimWorkflowRun: Backend['claimWorkflowRun'] = async (parameters) => {
    // A tick claims once for every free slot; this look is far cheaper than an empty claim's transaction.
    if (!claimable.get(new Date().toISOString())) return null;
    const run = await backend.claimWorkflowRun({ ...parameters, leaseDurationMs: yearMs });
    if (run) executing.add(run.id);
    return run;
  };

  const extendWorkflowRunLease: Backend['extendWorkflowRunLease'] = (parameters) =>
    backend.extendWorkflowRunLease({ ...parameters, leaseDurationMs: yearMs });

  function releasing<Parameters extends { readonly workflowRunId: string }, Result>(
    transition: (parameters: Parameters) => Promise<Result>,
  ): (parameters: Parameters) => Promise<Result> {
    return async (parameters) => {
      try {
        return await transition(parameters);
      } finally {
        executing.delete(parameters.workflowRunId);
        onReleased();
      }
    };
  }

  const overrides: Partial<Backend> = {
    claimWorkflowRun,
    extendWorkflowRunLease,
    completeWorkflowRun: releasing((parameters) => backend.completeWorkflowRun(parameters)),
    failWorkflowRun: releasing((parameters) => backend.failWorkflowRun(parameters)),
    sleepWorkflowRun: releasing((parameters) => backend.sleepWorkflowRun(parameters)),
    rescheduleWorkflowRunAfterFailedStepAttempt: releasing((parameters) =>
      backend.rescheduleWorkflowRunAfterFailedStepAttempt(parameters),
    ),
  };

  return {
    backend: new Proxy<Backend>(backend, {
      get: (target, name) => {
        const method: unknown = Reflect.get(overrides, name) ?? Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...parameters: unknown[]): unknown =>
          closed ? new Promise(() => undefined) : Reflect.apply(method, target, parameters);
      },
    }),
    executing: () => executing.size,
    close() {
      closed = true;
      handle.close();
    },
  };
}

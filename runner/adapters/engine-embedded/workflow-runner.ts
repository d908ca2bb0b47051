import { toOpusError, type OpusError } from '#shared/domain/errors.ts';
import type { WorkflowFunctionParams } from 'openworkflow';
import type { Backend } from 'openworkflow/internal';
import type { Workflow, WorkflowContext } from '../../core/ports/workflow-engine.ts';

type Execution = Readonly<WorkflowFunctionParams<{ jobId: string }>>;

export interface WorkflowRunner {
  execute(workflow: Workflow, execution: Execution): Promise<null>;
  /** Signals the topic; when nobody waits for it yet, the next wait for it returns at once. */
  deliver(topic: string): Promise<void>;
}

/** Thrown into a run when the engine stops, so that it is taken up again at the next start. */
class Stopping extends Error {}

export function createWorkflowRunner(options: {
  readonly backend: Backend;
  readonly onFailure: (jobId: string, error: OpusError) => void;
  readonly isStopping: () => boolean;
}): WorkflowRunner {
  const { backend, onFailure, isStopping } = options;
  const undelivered = new Set<string>();

  async function deliver(topic: string): Promise<void> {
    const { workflowRunIds } = await backend.sendSignal({ signal: topic, data: null, idempotencyKey: null });
    if (workflowRunIds.length === 0) undelivered.add(topic);
  }

  async function execute(workflow: Workflow, { input, step }: Execution): Promise<null> {
    /** What the engine itself throws: parking, its database, its limits. It must reach the engine unchanged. */
    const engineErrors = new Set<unknown>();

    const context: WorkflowContext = {
      async step<Result>(name: string, body: () => Promise<Result>): Promise<Result> {
        let defect: { readonly thrown: unknown } | null = null;
        try {
          return await step.run({ name, retryPolicy: { maximumAttempts: 1 } }, async () => {
            if (isStopping()) throw new Stopping();
            try {
              return await body();
            } catch (thrown) {
              defect = { thrown };
              throw thrown;
            }
          });
        } catch (thrown) {
          engineErrors.add(thrown);
          throw thrown;
        }
      },
      async wait(name, topic, timeoutMs) {
        try {
          await step.waitForSignal({ name, signal: topic, timeout: timeoutMs });
        } catch (thrown) {
          engineErrors.add(thrown);
          // By now the wait is in the database, so that a signal which came too early for it can be delivered.
          if (undelivered.delete(topic)) await deliver(topic);
          throw thrown;
        }
      },
    };
    void toOpusError;
    void onFailure;
    await workflow(context, input.jobId);
    return null;
  }

  return { execute, deliver };
}

import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import type { Backend } from 'openworkflow/internal';
import type { Workflow, WorkflowContext } from '../../core/ports/workflow-engine.ts';

/** The part of OpenWorkflow's step API that is used. */
interface Steps {
  run<Output>(
    config: { readonly name: string; readonly retryPolicy: { readonly maximumAttempts: number } },
    body: () => Promise<Output>,
  ): Promise<Output>;
  waitForSignal(options: {
    readonly name: string;
    readonly signal: string;
    readonly timeout: number;
  }): Promise<unknown>;
}

export interface WorkflowRunner {
  execute(
    workflow: Workflow,
    execution: { readonly input: { readonly jobId: string; readonly run: number }; readonly step: Steps },
  ): Promise<null>;
  /** Signals the topic; when nobody waits for it yet, the next wait for it returns at once. */
  deliver(topic: string): Promise<void>;
}

const unlimited = { maximumAttempts: 0 };
const mostUndelivered = 1_000;
const once = { maximumAttempts: 1 };

export function createWorkflowRunner(options: {
  readonly backend: Backend;
  readonly onFailure: (jobId: string, error: OpusError) => void;
  readonly isStopping: () => boolean;
}): WorkflowRunner {
  const { backend, onFailure, isStopping } = options;
  const undelivered = new Set<string>();

  async function deliver(topic: string): Promise<void> {
    const { workflowRunIds } = await backend.sendSignal({ signal: topic, data: null, idempotencyKey: null });
    if (workflowRunIds.length > 0) return;
    undelivered.add(topic);
    // Signals of jobs that ended are never asked for: the oldest go.
    const [oldest] = undelivered;
    if (undelivered.size > mostUndelivered && oldest !== undefined) undelivered.delete(oldest);
  }

  return {
    deliver,
    async execute(workflow, { input: { jobId, run }, step }) {
      /** What the engine throws for itself: parking, its database, its limits. Only it knows what to do about them. */
      const engineErrors = new Set<unknown>();
      const defects: unknown[] = [];

      async function calling<Result>(primitive: () => Promise<Result>): Promise<Result> {
        try {
          return await primitive();
        } catch (thrown) {
          engineErrors.add(thrown);
          throw thrown;
        }
      }

      const context: WorkflowContext = {
        step: (name, body) =>
          calling(async () => {
            if (isStopping()) throw new StoppingError();
            return step.run({ name, retryPolicy: unlimited }, () => body().then(requireJson).catch(keepDefect));
          }),
        wait: (name, topic, timeoutMs) =>
          calling(async () => {
            try {
              await step.waitForSignal({ name, signal: topic, timeout: timeoutMs });
            } catch (thrown) {
              // By now the wait is in the database, so that a signal which came too early for it can be delivered.
              if (undelivered.delete(topic)) await deliver(topic);
              throw thrown;
            }
          }),
      };

      function keepDefect(thrown: unknown): never {
        defects.push(thrown);
        throw thrown;
      }

      try {
        await workflow(context, jobId, run);
        return null;
      } catch (thrown) {
        const [defect] = defects;
        if (defect === undefined && engineErrors.has(thrown)) {
          if (isStepLimit(thrown)) onFailure(jobId, tooManySteps(jobId, thrown));
          throw thrown;
        }
        const error = toOpusError(defect ?? thrown);
        onFailure(jobId, error);
        // A failed step is the one way to end a run as failed whatever the number of its executions.
        return await step.run({ name: 'defect', retryPolicy: once }, () => Promise.reject(error));
      }
    },
  };
}

/** The engine would try for ever to write down a result that has no JSON. */
function requireJson<Result>(result: Result): Result {
  JSON.stringify(result);
  return result;
}

/** Thrown instead of beginning a step while the engine stops: the run is taken up again at the next start. */
class StoppingError extends Error {
  constructor() {
    super('The engine is stopping.');
  }
}

function isStepLimit(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'STEP_LIMIT_EXCEEDED';
}

function tooManySteps(jobId: string, cause: unknown): OpusError {
  return new OpusError('internal.unexpected', `A run of ${jobId} took more steps than the engine keeps.`, {
    hint: `\`opus retry ${jobId}\` goes on in a new run.`,
    cause,
  });
}

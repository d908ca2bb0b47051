/**
 * Durable execution. `step` bodies run at least once; a finished one is never run again while the engine's
 * database lives, and the registry's effects make it so even when that database is deleted. Bodies return
 * outcomes and never throw; a throw is a defect and ends the run as failed.
 */
export interface WorkflowContext {
  /** `name` is unique in the run and the order deterministic; the result is small plain JSON. */
  step<Result>(name: string, body: () => Promise<Result>): Promise<Result>;
  /** Suspends until `signal(topic)` or `timeoutMs`; the caller re-reads the registry afterwards, since early signals are lost. */
  wait(name: string, topic: string, timeoutMs: number): Promise<void>;
}

export type Workflow = (context: WorkflowContext, jobId: string) => Promise<void>;

export interface WorkflowEngine {
  /** Must be called once, before `tick`. */
  register(workflow: Workflow): void;
  /** Starts run `run` of the job unless it is there already. */
  start(jobId: string, run: number): Promise<void>;
  signal(topic: string): Promise<void>;
  /** Claims what can run and starts it; returns how many runs it claimed. */
  tick(): Promise<number>;
  /** Settles when no run executes in this process. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

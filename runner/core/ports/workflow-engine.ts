/** Near this many steps and waits a run ends and a successor starts: an engine keeps at most 1,000 attempts at steps for a run. */
export const maximumSteps = 800;

/**
 * Durable execution. `step` bodies run at least once; a finished one is never run again while the engine's
 * database lives, and the registry's effects make it so even when that database is deleted. Bodies return
 * outcomes and never throw; a throw is a defect and ends the run as failed.
 */
export interface WorkflowContext {
  /** `name` is unique in the run and the order deterministic; the result is small plain JSON. */
  step<Result>(name: string, body: () => Promise<Result>): Promise<Result>;
  /**
   * Suspends until `signal(topic)` or `timeoutMs`. It may return for no reason too (every wait does once after a start), and
   * a signal carries nothing: the caller re-reads the registry and waits again under a new name.
   */
  wait(name: string, topic: string, timeoutMs: number): Promise<void>;
}

/** `run` is the number it was started with, so that a run whose successor has begun can step aside. */
export type Workflow = (context: WorkflowContext, jobId: string, run: number) => Promise<void>;

export interface WorkflowEngine {
  /** Must be called once, before anything else. */
  register(workflow: Workflow): void;
  /** Starts run `run` of the job unless it is there already, finished or not. */
  start(jobId: string, run: number): Promise<void>;
  /** Wakes the run that waits for the topic; when none does yet, its next wait for the topic returns at once. */
  signal(topic: string): Promise<void>;
  /** Claims what can run and starts it; returns how many runs it claimed. `start` and `signal` do so themselves. */
  tick(): Promise<number>;
  /** Every wait returns and every time-out counts as over: the wall clock by which they were set was changed. */
  wakeAll(): Promise<void>;
  /** Forgets runs that ended before then, in milliseconds since the epoch; starting one of them again begins it anew. */
  prune(before: number): void;
  /** Settles when no run executes in this process: all have ended or wait. */
  idle(): Promise<void>;
  /**
   * No further step begins. Bodies that run are waited for, though not for long: the caller aborts them first. What is left
   * behind goes on from its last finished step at the next start.
   */
  stop(): Promise<void>;
}

import { toOpusError } from '#shared/domain/errors.ts';
import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import type { Log } from '../core/ports/log.ts';
import { createPeriodic } from './periodic.ts';

/** Something that is done again and again beside the jobs. */
export interface MaintenanceTask {
  readonly name: string;
  /** Milliseconds between its end and its next beginning. */
  everyMs(): number;
  readonly firstMs: number;
  /** What a person should know after it. A rejection is such a thing too; the task comes again all the same. */
  run(): Promise<readonly RunnerProblem[]> | readonly RunnerProblem[];
}

export interface Maintenance {
  start(): void;
  /** Waits for what is at work. */
  stop(): Promise<void>;
  /** Of each task's last run. */
  problems(): readonly RunnerProblem[];
}

export function createMaintenance(tasks: readonly MaintenanceTask[], log: Log): Maintenance {
  const periodic = createPeriodic(log);
  const problems = new Map<string, readonly RunnerProblem[]>();

  async function run(task: MaintenanceTask): Promise<void> {
    let found: readonly RunnerProblem[];
    try {
      found = await task.run();
    } catch (thrown) {
      const error = toOpusError(thrown);
      found = [{ code: error.code, message: error.message, hint: error.hint }];
      log.error({ err: thrown, task: task.name, code: error.code }, error.message);
    }
    problems.set(task.name, found);
  }

  return {
    start() {
      for (const task of tasks) {
        periodic.every(
          task.name,
          () => task.everyMs(),
          () => run(task),
          task.firstMs,
        );
      }
    },
    stop: () => periodic.stop(),
    problems: () => [...problems.values()].flat(),
  };
}

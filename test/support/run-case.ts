import { exitCodeOf, type JobDocument } from '#shared/domain/job.ts';
import { toOpusError, type ErrorSummary } from '#shared/domain/errors.ts';
import { exitCodeOfError } from '../../runner/cli/render-error.ts';
import { composeRunner, type Runner, type RunnerOverrides } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { Job } from '../../runner/core/ports/job-registry.ts';
import type { ProgressLine } from '../../runner/engine/stage-context.ts';
import type { World, WorldOptions } from './case-world.ts';

/** One row: what happens, and everything that a person and a program see of it. */
export interface Case {
  readonly name: string;
  readonly world?: WorldOptions;
  /** What is done in the world; by itself the feature request is run up to where it rests. */
  readonly act?: (world: World) => Promise<Outcome>;
  readonly check?: (world: World, outcome: Outcome) => void | Promise<void>;
  readonly expected: Expectation;
}

export interface Expectation {
  /** The note's status. */
  readonly note: string;
  /** The job's status; empty where there is no job. */
  readonly job: string;
  readonly waitingFor: string;
  readonly exit: number;
  readonly code: string;
  /** What is said, with an ellipsis for every hash and the world's folder. */
  readonly sentence: string;
}

export interface Outcome {
  readonly document: JobDocument | null;
  readonly error: ErrorSummary | null;
  readonly exit: number;
  readonly warnings: readonly string[];
}

export const person = { person: 'ada', channel: 'cli' } as const;

export interface RunOptions {
  readonly approve?: boolean;
  /** Confirms agent notes first, as somebody who set the vault up did. */
  readonly confirm?: boolean;
  readonly overrides?: RunnerOverrides;
  readonly onProgress?: (line: ProgressLine) => void;
  /** Before the job is worked on; by itself it is dispatched. */
  readonly begin?: (runner: Runner) => Promise<Job>;
}

/** One life of a runner in this process: composed, used for the one feature request, stopped. */
export async function runOnce(world: World, options: RunOptions = {}): Promise<Outcome> {
  const runner = await composeRunner(loadConfig(world.configFile), {
    ...options.overrides,
    ...(options.onProgress ? { progress: options.onProgress } : {}),
  });
  try {
    if (options.confirm !== false) await runner.trust.confirm('all');
    const { warnings } = runner;
    await runner.start();
    try {
      const job = await (options.begin ?? ((started) => started.application.dispatch('ABC-7', { again: false })))(
        runner,
      );
      const approve = options.approve === true ? person : null;
      const rested = await runner.application.work(job.id, { approve, signal: new AbortController().signal });
      const document = runner.application.document(rested.id);
      return { document, error: document.error as ErrorSummary | null, exit: exitCodeOf(document), warnings };
    } catch (thrown) {
      const error = toOpusError(thrown);
      return { document: documentOf(runner), error: error.summary(), exit: exitCodeOfError(error), warnings };
    }
  } finally {
    await runner.stop();
  }
}

function documentOf({ application }: Runner): JobDocument | null {
  const newest = application.jobs().at(-1);
  return newest ? application.document(newest.id) : null;
}

export async function decideOnce(
  world: World,
  kind: 'approve' | 'changes' | 'reject',
  comment = '',
  options: RunOptions = {},
): Promise<Outcome> {
  const outcome = await runOnce(world, {
    ...options,
    begin: ({ application }) => application.decide(application.job('ABC-7').id, kind, comment, person),
  });
  const asWanted = kind === 'reject' && outcome.document?.status === 'canceled';
  return asWanted ? { ...outcome, exit: 0 } : outcome;
}

/** What stands in the row, of what happened. */
export function seenOf(world: World, outcome: Outcome): Expectation {
  const { document, error } = outcome;
  return {
    note: /^status: ([\w-]+)\r?$/m.exec(world.note())?.[1] ?? '',
    job: document?.status ?? '',
    waitingFor: document?.waitingFor ?? '',
    exit: outcome.exit,
    code: error?.code ?? '',
    sentence: withoutChance(world, error?.message ?? standingOf(world.report(document?.job ?? ''))),
  };
}

/** The first sentence of the run report. */
function standingOf(report: string): string {
  const line = /\n# .*\n\n(.*)\n/.exec(report)?.[1] ?? '';
  return line.replaceAll('**', '');
}

function withoutChance(world: World, sentence: string): string {
  return sentence
    .replaceAll(world.folder, '…')
    .replace(/\s+/g, ' ')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,40}\b/g, '…');
}

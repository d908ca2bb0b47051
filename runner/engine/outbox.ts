import { toOpusError } from '#shared/domain/errors.ts';
import type { Job, OutboxEntry } from '../core/ports/job-registry.ts';
import { runReport } from '../core/reporting/run-report.ts';
import { noteOfJob } from './note-of-job.ts';
import type { EngineDependencies } from './stage-context.ts';

/** A person changed the note's status while the runner was about to move it; theirs stays. */
export interface StatusClash {
  readonly jobId: string;
  readonly found: string;
}

export interface Outbox {
  /** Writes what is due, in order, each acknowledged after it is on disk. One that fails stays, with those behind it. */
  flush(): Promise<readonly StatusClash[]>;
}

export function createOutbox(dependencies: EngineDependencies): Outbox {
  let flushing: Promise<readonly StatusClash[]> = Promise.resolve([]);
  return {
    flush() {
      flushing = flushing.then(() => flushOnce(dependencies));
      return flushing;
    },
  };
}

async function flushOnce(dependencies: EngineDependencies): Promise<readonly StatusClash[]> {
  const { registry, log } = dependencies;
  const clashes: StatusClash[] = [];
  const entries = registry.outbox();
  for (const entry of entries) {
    if (isSuperseded(entry, entries)) {
      registry.acknowledge(entry.seq, 'superseded');
      continue;
    }
    try {
      const outcome = await apply(dependencies, entry, clashes);
      registry.acknowledge(entry.seq, outcome);
    } catch (thrown) {
      const error = toOpusError(thrown);
      log.error(
        { err: thrown, job: entry.jobId, code: error.code },
        `The vault could not be written: ${error.message}`,
      );
      break;
    }
  }
  return clashes;
}

/** A report is rendered from the present, so only the last of several that wait is worth writing. */
function isSuperseded(entry: OutboxEntry, entries: readonly OutboxEntry[]): boolean {
  if (entry.payload.kind !== 'report') return false;
  return entries.some(
    (later) => later.seq > entry.seq && later.payload.kind === 'report' && later.jobId === entry.jobId,
  );
}

async function apply(dependencies: EngineDependencies, entry: OutboxEntry, clashes: StatusClash[]): Promise<string> {
  const { registry, vault, log } = dependencies;
  const { payload } = entry;
  if (payload.kind === 'note') {
    await vault.writeNote(payload.path, payload.text, 'replace');
    return 'written';
  }
  if (payload.kind === 'report') {
    const job = registry.job(payload.jobId);
    if (job === null) return 'gone';
    await vault.writeNote(reportPath(dependencies, job), await report(dependencies, job), 'replace');
    return 'written';
  }
  const job = entry.jobId === null ? null : registry.job(entry.jobId);
  let outcome = await vault.writeKeys(payload.write);
  if (outcome.kind === 'gone' && job !== null) {
    const moved = await noteOfJob(dependencies, job);
    if (moved !== null) outcome = await vault.writeKeys({ ...payload.write, path: moved.path });
  }
  if (outcome.kind === 'clash' && entry.jobId !== null) {
    clashes.push({ jobId: entry.jobId, found: outcome.found });
    log.warn(
      { job: entry.jobId, found: outcome.found },
      `The status of ${payload.write.path} was changed to "${outcome.found}" by a person; it stays.`,
    );
  }
  if (outcome.kind === 'refused') {
    log.warn({ job: entry.jobId }, `${payload.write.path} cannot be written now: ${outcome.problem.message}`);
  }
  return outcome.kind;
}

function reportPath(dependencies: EngineDependencies, job: Job): string {
  return `${dependencies.confirmed().policy.folders.reports}/${job.id}.md`;
}

async function report(dependencies: EngineDependencies, job: Job): Promise<string> {
  const { registry, worktrees, config } = dependencies;
  const repository = config.repos[job.repository];
  const stat =
    repository && job.headCommit !== null && job.baseCommit !== null
      ? await worktrees
          .diffStat({ name: job.repository, url: repository.url }, job.baseCommit, job.headCommit)
          .catch(() => null)
      : null;
  return runReport({
    job,
    attempts: registry.attempts(job.id),
    decisions: registry.decisions(job.id),
    stat,
    isolated: dependencies.sandboxState.kind === 'isolated',
    notTested: repository?.test === null,
    command: config.command,
    now: dependencies.clock.now(),
  });
}

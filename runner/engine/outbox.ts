import { toOpusError } from '#shared/domain/errors.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { Job, OutboxEntry } from '../core/ports/job-registry.ts';
import type { KeyWrite, KeyWriteOutcome } from '../core/ports/vault.ts';
import { tellingClash } from '../core/reporting/note-keys.ts';
import { weaknessesOfJob } from '../core/weaker.ts';
import { runReport } from '../core/reporting/run-report.ts';
import { isToldDraft } from '../core/pull-request/draft-state.ts';
import { shownComments } from '../core/pull-request/shown-comments.ts';
import { noteOfJob } from './note-of-job.ts';
import { sealed } from './report-seal.ts';
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
      // One that could not read the outbox must not keep the later ones from trying.
      flushing = flushing.catch(() => []).then(() => flushOnce(dependencies));
      return flushing;
    },
  };
}

async function flushOnce(dependencies: EngineDependencies): Promise<readonly StatusClash[]> {
  const { registry, log } = dependencies;
  const clashes: StatusClash[] = [];
  const entries = registry.outbox();
  for (const entry of entries) {
    const earlier = entries.filter((other) => other.seq < entry.seq && isSameWrite(other, entry));
    if (entries.some((other) => other.seq > entry.seq && isSameWrite(other, entry))) continue;
    try {
      const outcome = await apply(dependencies, withExpectationsOf(earlier, entry), clashes);
      if (outcome === 'postponed') continue;
      for (const superseded of earlier) registry.acknowledge(superseded.seq, 'superseded');
      registry.acknowledge(entry.seq, outcome);
    } catch (thrown) {
      const error = toOpusError(thrown);
      // Told when somebody is there to write it.
      if (error.code === 'vault.nobody-writes') break;
      log.error(
        { err: thrown, job: entry.jobId, code: error.code },
        `The vault could not be written: ${error.message}`,
      );
      break;
    }
  }
  return clashes;
}

/** Only the last of several writes of a job's report, or of its keys, is worth doing. */
function isSameWrite(left: OutboxEntry, right: OutboxEntry): boolean {
  if (left.jobId !== right.jobId || left.payload.kind !== right.payload.kind || left.payload.kind === 'note')
    return false;
  // What concerns no job concerns a note.
  const isOfOneNote =
    left.payload.kind !== 'keys' ||
    right.payload.kind !== 'keys' ||
    left.payload.write.path === right.payload.write.path;
  return left.jobId !== null || isOfOneNote;
}

/** What was never written may still stand in the note as it was before: each status that was waited for is expected. */
function withExpectationsOf(earlier: readonly OutboxEntry[], entry: OutboxEntry): OutboxEntry {
  if (entry.payload.kind !== 'keys') return entry;
  const { write } = entry.payload;
  const moves = [
    ...earlier.map(({ payload }) => (payload.kind === 'keys' ? payload.write.status : null)),
    write.status,
  ];
  const planned = moves.filter((move) => move !== null);
  const last = planned.at(-1);
  if (!last) return entry;
  const expect = [...new Set(planned.flatMap((move) => [...move.expect, move.to]))];
  return { ...entry, payload: { kind: 'keys', write: { ...write, status: { expect, to: last.to } } } };
}

async function apply(dependencies: EngineDependencies, entry: OutboxEntry, clashes: StatusClash[]): Promise<string> {
  const { registry, vault, log } = dependencies;
  const { payload } = entry;
  const id = `outbox-${entry.seq}`;
  if (payload.kind === 'note') {
    await vault.writeNote(payload.path, payload.text, 'replace', id);
    return 'written';
  }
  if (payload.kind === 'report') {
    const job = registry.job(payload.jobId);
    if (job === null) return 'gone';
    await vault.writeNote(reportPath(dependencies, job), await report(dependencies, job), 'replace', id);
    return 'written';
  }
  const job = entry.jobId === null ? null : registry.job(entry.jobId);
  const write = { ...payload.write, id };
  let outcome = await writeKeys(dependencies, write, job);
  if (outcome.kind === 'gone' && job !== null) {
    const moved = await noteOfJob(dependencies, job);
    if (moved !== null) outcome = await writeKeys(dependencies, { ...write, path: moved.path }, job);
  }
  if (outcome.kind === 'clash' && entry.jobId !== null) {
    clashes.push({ jobId: entry.jobId, found: outcome.found });
    log.warn(
      { job: entry.jobId, found: outcome.found },
      `The status of ${payload.write.path} was changed to "${outcome.found}" by a person; it stays.`,
    );
  }
  if (outcome.kind === 'refused') {
    const text = `${payload.write.path}:${outcome.problem.line} cannot be written now: ${outcome.problem.message} It is written once that is mended.`;
    log.warn({ job: entry.jobId }, text);
    if (job !== null) dependencies.progress({ job: job.id, stage: job.runState, round: 0, kind: 'note', text });
    return 'postponed';
  }
  // A note that is only away, as a sync tool does it, is told when it is back; nobody waits for that of a job that is over.
  if (outcome.kind === 'gone' && job !== null && !isFinished(job.status)) return 'postponed';
  return outcome.kind;
}

/** Where a person has set the status, the same write says so. */
async function writeKeys({ vault }: EngineDependencies, write: KeyWrite, job: Job | null): Promise<KeyWriteOutcome> {
  const { path, status } = write;
  if (job === null || status === null) return await vault.writeKeys(write);
  const seen = (await vault.read(path))?.status ?? null;
  const isClash = seen !== null && seen !== status.to && !status.expect.includes(seen) && !isWordToStop(seen);
  const outcome = await vault.writeKeys(isClash ? tellingClash(write, job, seen) : write);
  const found = outcome.kind === 'clash' && !isWordToStop(outcome.found) ? outcome.found : null;
  // Changed in that very moment.
  if (found === (isClash ? seen : null)) return outcome;
  return await vault.writeKeys(found === null ? write : tellingClash(write, job, found));
}

function isWordToStop(status: string): boolean {
  return status === 'parked' || status === 'rejected';
}

/** A job's report tells of what its first events say, however many there are. */
const mostEvents = 10_000;

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
  const events = registry.events({ afterSeq: 0, jobId: job.id, limit: mostEvents });
  const text = runReport({
    job,
    attempts: registry.attempts(job.id),
    decisions: registry.decisions(job.id),
    comments: shownComments(events),
    isDraft: isToldDraft(events),
    stat,
    weaker: weaknessesOfJob(registry, job.id),
    notTested: repository?.test === null,
    command: config.command,
    now: dependencies.clock.now(),
  });
  return sealed(text);
}

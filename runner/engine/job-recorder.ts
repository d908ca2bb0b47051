import type { NoteStatus } from '#shared/domain/feature-request.ts';
import { keyWriteOf, noteStatusOf } from '../core/reporting/note-keys.ts';
import type { Job, JobRegistry, RegistryChange, UsageTotal } from '../core/ports/job-registry.ts';

type JobFields = Partial<Omit<Job, 'id' | 'createdAt'>>;
type EventOfJob = readonly [type: string, data?: Readonly<Record<string, unknown>>];

export interface JobChange {
  readonly fields: JobFields;
  readonly events: readonly EventOfJob[];
  /** Overrules what the job's status says of the note's status; null leaves it alone. */
  readonly noteStatus?: NoteStatus | null;
  readonly also?: Omit<RegistryChange, 'updateJob' | 'insertJob' | 'events' | 'outbox'>;
}

/** Changes a job with its events and everything the vault is to be told, in one transaction. */
export function recordJob(registry: JobRegistry, key: string | null, job: Job, change: JobChange): Job {
  const changed: Job = { ...job, ...change.fields };
  const noteStatus = change.noteStatus === undefined ? noteStatusOf(changed) : change.noteStatus;
  const fields: JobFields = noteStatus === null ? change.fields : { ...change.fields, noteStatus };
  registry.commit(key, null, {
    ...change.also,
    updateJob: { id: job.id, fields },
    events: change.events.map(([type, data]) => ({ type, jobId: job.id, data: data ?? {} })),
    outbox: outboxOf(changed, noteStatus, job.noteStatus, registry.usage({ jobId: job.id })),
  });
  return registry.job(job.id) ?? changed;
}

export function outboxOf(
  job: Job,
  to: NoteStatus | null,
  from: NoteStatus,
  used: readonly UsageTotal[],
): NonNullable<RegistryChange['outbox']> {
  return [
    { jobId: job.id, payload: { kind: 'keys', write: keyWriteOf(job, to, [from], used) } },
    { jobId: job.id, payload: { kind: 'report', jobId: job.id } },
  ];
}

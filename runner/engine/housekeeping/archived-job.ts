import { redact } from '../../core/redact.ts';
import type { ArchiveRecord } from '../../core/ports/job-archive.ts';
import type { Attempt, Job, RegistryReader } from '../../core/ports/job-registry.ts';

/** What is kept of each long text, in characters. */
const tailCharacters = 2_000;
const resultCharacters = 20_000;
const reportCharacters = 50_000;
const eventsKept = 2_000;

/** What is known of a finished job, in one record. Its key names this very state: a job that went on afterwards is another record. */
export function archivedJob(
  registry: Pick<RegistryReader, 'attempts' | 'decisions' | 'retries' | 'happenings' | 'events'>,
  job: Job,
  report: string | null,
): ArchiveRecord {
  const events = registry.events({ afterSeq: 0, jobId: job.id, limit: eventsKept });
  return {
    key: `job ${job.id} ${job.updatedAt}`,
    at: job.updatedAt,
    content: {
      kind: 'job',
      job: withoutSecrets(job),
      attempts: registry.attempts(job.id).map((attempt) => withoutSecrets(shortened(attempt))),
      decisions: withoutSecrets(registry.decisions(job.id)),
      retries: withoutSecrets(registry.retries(job.id)),
      happenings: withoutSecrets(registry.happenings(job.id)),
      events: events.map((event) => withoutSecrets({ ...event, data: bounded(event.data) })),
      report: report === null ? null : redact(report.slice(0, reportCharacters)),
    },
  };
}

/** A report that leaves the vault before its job leaves the registry, or after. */
export function archivedReport(
  job: string,
  { path, text, seal }: { readonly path: string; readonly text: string; readonly seal: string },
  at: number,
): ArchiveRecord {
  return { key: `report ${job} ${seal}`, at, content: { kind: 'report', job, path, text: redact(text) } };
}

function shortened(attempt: Attempt): Attempt {
  return {
    ...attempt,
    result: bounded(attempt.result),
    evidence: attempt.evidence.map((item) => ({ ...item, tail: item.tail.slice(-tailCharacters) })),
  };
}

function bounded(value: unknown): unknown {
  const text = JSON.stringify(value ?? null);
  return text.length <= resultCharacters ? value : { cut: text.slice(0, resultCharacters) };
}

/** Text by text, for in the finished line a pattern could reach over the end of a text and break it. */
function withoutSecrets<Value>(value: Value): Value {
  const replaced: unknown = JSON.parse(
    JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? redact(inner) : inner)),
  );
  return replaced as Value;
}

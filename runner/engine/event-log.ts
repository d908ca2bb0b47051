import { toOpusError } from '#shared/domain/errors.ts';
import type { Log } from '../core/ports/log.ts';
import type { RegistryEvent, RegistryReader } from '../core/ports/job-registry.ts';

const atOnce = 500;

/** Writes every event into the log, with its job and stage, as soon as it is told that there are new ones. Must be called after each commit. */
export function createEventLog(registry: Pick<RegistryReader, 'events' | 'lastEventSeq'>, log: Log): () => void {
  let through = registry.lastEventSeq();
  return () => {
    try {
      for (const event of registry.events({ afterSeq: through, limit: atOnce })) {
        through = event.seq;
        write(log, event);
      }
    } catch (thrown) {
      log.debug({ err: thrown }, `Events could not be logged: ${toOpusError(thrown).message}`);
    }
  };
}

function write(log: Log, { type, jobId, data, seq }: RegistryEvent): void {
  const { stage, round, ...rest } = data;
  const where = stage === undefined ? {} : { stage, round };
  const fields = { ...(jobId === null ? {} : { job: jobId }), ...where, event: type, seq, ...rest };
  log[needsAttention(type, data) ? 'warn' : 'info'](fields, sentenceOf(type, data));
}

function needsAttention(type: string, data: RegistryEvent['data']): boolean {
  if (type === 'job.failed') return true;
  return type === 'job.waiting' && data['waitingFor'] === 'human';
}

/** Without the job and stage, which stand beside it. */
function sentenceOf(type: string, data: RegistryEvent['data']): string {
  const [subject = '', verb = ''] = type.split('.');
  // A review or a test that says no is no failure of its stage.
  const said = data['status'] === 'rejected' ? 'rejected' : verb;
  const what = `${typeof data['stage'] === 'string' ? data['stage'] : subject} ${said}`;
  const why = reasonOf(data);
  return why === '' ? what : `${what}, ${why}`;
}

function reasonOf({ sentence, error, waitingFor, reason, by }: RegistryEvent['data']): string {
  if (typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string')
    return error.message;
  for (const word of [sentence, reason]) if (typeof word === 'string' && word !== '') return word;
  if (typeof waitingFor === 'string') return `for ${waitingFor}`;
  return typeof by === 'string' ? `by ${by}` : '';
}

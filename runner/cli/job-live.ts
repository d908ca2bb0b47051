import { setTimeout as delay } from 'node:timers/promises';
import { OpusError } from '#shared/domain/errors.ts';
import type { LiveMessage } from '#shared/domain/live-output.ts';
import { outputPath } from '#shared/protocol/version.ts';
import { readServiceFile } from '../server/service-file.ts';
import { readServiceLines } from './service-request.ts';

/** The service says every ten seconds that it is there. */
const silenceMs = 30_000;
const retryEveryMs = 200;

export interface FollowOutputOptions {
  readonly signal: AbortSignal;
  /** How long a service may be away; milliseconds. */
  readonly patienceMs?: number;
}

/**
 * What happens in a job as the service tells it, each once, until the job rests. A service that restarts is waited for; one
 * that stays away rejects with `protocol.unreachable`.
 */
export async function* followOutput(
  data: string,
  job: string,
  { signal, patienceMs = silenceMs }: FollowOutputOptions,
): AsyncGenerator<Extract<LiveMessage, { type: 'output' | 'dropped' }>> {
  const seen = { startedAt: 0, number: 0 };
  for (let giveUpAt = performance.now() + patienceMs; ;) {
    const service = readServiceFile(data);
    try {
      if (service === null) {
        throw new OpusError('protocol.unreachable', 'The service has stopped.', {
          hint: 'Start it again with `opus serve`.',
        });
      }
      // Entries are numbered anew by each service.
      if (service.startedAt !== seen.startedAt) Object.assign(seen, { startedAt: service.startedAt, number: 0 });
      for await (const line of readServiceLines(service, outputPath(job), { signal, timeoutMs: silenceMs })) {
        const message = line as LiveMessage;
        giveUpAt = performance.now() + patienceMs;
        if (message.type === 'rests') return;
        if (message.type === 'output') {
          if (message.entry.number <= seen.number) continue;
          seen.number = message.entry.number;
        }
        if (message.type !== 'alive') yield message;
      }
    } catch (thrown) {
      if (!isAway(thrown) || performance.now() > giveUpAt) throw thrown;
    }
    await delay(retryEveryMs, undefined, { signal }).catch(() => {
      signal.throwIfAborted();
    });
  }
}

/** Stopping, stopped, starting; a token that is not known any more is one of a service that was. */
function isAway(thrown: unknown): boolean {
  return (
    thrown instanceof OpusError && (thrown.code === 'protocol.unreachable' || thrown.code === 'protocol.unauthorized')
  );
}

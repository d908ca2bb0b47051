import { setTimeout as delay } from 'node:timers/promises';
import { OpusError } from '#shared/domain/errors.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import { isAtRest } from '#shared/domain/job-status.ts';
import type { ProtocolEvent } from '#shared/protocol/method-results.ts';
import type { MethodInput, MethodName, MethodResult } from '#shared/protocol/methods.ts';
import { opusErrorOf } from '#shared/protocol/opus-error-of.ts';
import { readServiceFile, type ServiceFile } from '../server/service-file.ts';
import { requestService } from './service-request.ts';

export interface ServiceClient {
  /** As the service named itself when this client was made. */
  readonly service: ServiceFile;
  /**
   * Rejects with the service's own OpusError, with `protocol.unreachable` when it does not answer, with `protocol.invalid` when
   * its answer is not what the method promises, and with the signal's reason.
   */
  call<Method extends MethodName>(
    method: Method,
    params: MethodInput<Method>,
    options?: CallOptions,
  ): Promise<MethodResult<Method>>;
  /** The same with an unchecked result, for a command that has not the time to load the schemas. */
  ask<Method extends MethodName>(method: Method, params: MethodInput<Method>, options?: CallOptions): Promise<unknown>;
  /**
   * Until the job rests: it is finished, paused, or waits for a person. A service that restarts is waited for; one that stays
   * away rejects with `protocol.unreachable`. Rejects with the signal's reason when that aborts, which stops nothing but the looking.
   */
  follow(jobId: string, options: FollowOptions): Promise<JobDocument>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** In order, each once. */
  readonly onEvent: (event: ProtocolEvent) => void;
  /** Events after this one, 0 for all of the job's; without it those from now on. */
  readonly afterSeq?: number;
  /** How long a service may be away; milliseconds. */
  readonly patienceMs?: number;
}

const answerWithinMs = 120_000;
const pollMs = 25_000;
const pollBatch = 200;
const defaultPatienceMs = 30_000;
const retryEveryMs = 200;

/** Null when no service runs on this data folder. */
export function connectToService(data: string): ServiceClient | null {
  const found = readServiceFile(data);
  if (found === null) return null;
  let lastId = 0;

  async function ask(method: MethodName, params: unknown, options: CallOptions = {}): Promise<unknown> {
    // Read anew each time: a service that was restarted has another address and token.
    const service = readServiceFile(data);
    if (service === null) {
      throw new OpusError('protocol.unreachable', 'The service has stopped.', {
        hint: 'Start it again with `opus serve`.',
      });
    }
    const id = (lastId += 1);
    const { status, body } = await requestService(
      service,
      { jsonrpc: '2.0', id, method, params },
      { timeoutMs: answerWithinMs, ...options },
    );
    return resultOf(body, id, status);
  }

  const client: ServiceClient = {
    service: found,
    ask,
    async call<Method extends MethodName>(
      method: Method,
      params: MethodInput<Method>,
      options?: CallOptions,
    ): Promise<MethodResult<Method>> {
      const [answer, { methodResults }] = await Promise.all([
        ask(method, params, options),
        import('#shared/protocol/method-results.ts'),
      ]);
      const result = methodResults[method].safeParse(answer);
      if (result.success) return result.data as MethodResult<Method>;
      throw new OpusError('protocol.invalid', `The service answered ${method} with something else.`, {
        hint: 'It may be of another version: restart `opus serve`.',
        cause: result.error,
      });
    },
    follow: (jobId, options) => follow(client, jobId, options),
  };
  return client;
}

async function follow(client: ServiceClient, jobId: string, options: FollowOptions): Promise<JobDocument> {
  const { signal, onEvent } = options;
  const patient = async <Result>(once: () => Promise<Result>): Promise<Result> => {
    const giveUpAt = performance.now() + (options.patienceMs ?? defaultPatienceMs);
    for (;;) {
      try {
        return await once();
      } catch (thrown) {
        if (!isAway(thrown) || performance.now() > giveUpAt) throw thrown;
        await delay(retryEveryMs, undefined, { signal }).catch(() => {
          signal.throwIfAborted();
        });
      }
    }
  };
  let through = options.afterSeq;
  // The cursor comes before the look at the job: what happens between the two is told by the next poll.
  if (through === undefined)
    ({ throughSeq: through } = await patient(() => client.call('events.since', {}, { signal })));
  const job = await patient(() => client.call('job.get', { job: jobId }, { signal }));
  for (let current = job; ;) {
    const rests = isAtRest(current);
    const afterSeq: number = through;
    const waitMs = rests ? 0 : pollMs;
    const news = await patient(() =>
      client.call('events.since', { afterSeq, jobId: current.job, limit: pollBatch, waitMs }, { signal }),
    );
    for (const event of news.events) onEvent(event);
    through = news.throughSeq;
    if (rests && news.events.length < pollBatch) return current;
    current = await patient(() => client.call('job.get', { job: current.job }, { signal }));
  }
}

/** Stopping, stopped, starting; a token that is not known any more is one of a service that was. */
function isAway(thrown: unknown): boolean {
  return (
    thrown instanceof OpusError && (thrown.code === 'protocol.unreachable' || thrown.code === 'protocol.unauthorized')
  );
}

function resultOf(body: unknown, id: number, status: number): unknown {
  if (isRecord(body) && body['jsonrpc'] === '2.0') {
    if (isRecord(body['error'])) throw opusErrorOf(body['error']);
    if (body['id'] === id && 'result' in body) return body['result'];
  }
  throw new OpusError('protocol.invalid', `What answered at the address of the service is not opus (HTTP ${status}).`, {
    hint: 'It may be of another version: restart `opus serve`.',
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

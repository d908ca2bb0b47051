import { Readable } from 'node:stream';
import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { isAtRest } from '#shared/domain/job-status.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import type { LiveMessage } from '#shared/domain/live-output.ts';
import type { Log } from '../core/ports/log.ts';
import { Refusal } from './refusals.ts';
import type { CallContext, ServerApplication } from './server-application.ts';

export interface OutputStreamOptions {
  readonly context: CallContext;
  readonly log: Log;
}

type Source = Pick<ServerApplication, 'job.get' | 'events.since' | 'subscribeOutput'>;

/** An answer in which nothing moves for longer counts as one that nobody takes. */
const aliveEveryMs = 10_000;
const pollMs = 25_000;
/** On their way to the caller; what comes while so much is, waits with the application, which drops what is too much. */
const bytesOnTheWay = 64 * 1024;

/** Lines of JSON until the job rests. Rejects with a refusal when there is no such job. */
export async function streamOutput(source: Source, name: string, options: OutputStreamOptions): Promise<Readable> {
  const { context, log } = options;
  const { signal } = context;
  // The cursor comes before the look at the job: what happens between the two is told by the next poll.
  const { throughSeq } = await source['events.since']({ limit: 1, waitMs: 0 }, context);
  const job = await source['job.get']({ job: name }, context).catch((thrown: unknown) => {
    throw thrown instanceof OpusError ? new Refusal(404, thrown) : thrown;
  });

  let room = Promise.withResolvers<undefined>();
  const lines = new Readable({
    highWaterMark: bytesOnTheWay,
    read() {
      room.resolve(undefined);
    },
  });
  const write = (message: LiveMessage): boolean => !lines.destroyed && lines.push(`${JSON.stringify(message)}\n`);
  const writeInTurn = async (message: LiveMessage): Promise<void> => {
    room = Promise.withResolvers();
    if (!write(message) && !lines.destroyed) await room.promise;
  };
  write({ type: 'alive' });
  const subscription = source.subscribeOutput(job.job, async ({ entries, dropped }) => {
    if (dropped > 0) await writeInTurn({ type: 'dropped', count: dropped });
    for (const entry of entries) await writeInTurn({ type: 'output', entry });
  });
  const alive = setInterval(() => {
    if (lines.readableLength < bytesOnTheWay) write({ type: 'alive' });
  }, aliveEveryMs);
  const stop = (): void => {
    clearInterval(alive);
    subscription.unsubscribe();
    lines.destroy();
    room.resolve(undefined);
  };
  signal.addEventListener('abort', stop, { once: true });
  lines.once('close', stop);
  if (signal.aborted) stop();
  void untilRest(source, job, throughSeq, context)
    .then(() => subscription.taken())
    .then(() => {
      if (signal.aborted) return;
      write({ type: 'rests' });
      clearInterval(alive);
      lines.push(null);
    })
    .catch((thrown: unknown) => {
      if (!signal.aborted) log.error({ err: thrown, job: job.job }, `A stream broke: ${toOpusError(thrown).message}`);
      stop();
    });
  return lines;
}

async function untilRest(source: Source, job: JobDocument, from: number, context: CallContext): Promise<void> {
  let current = job;
  for (let throughSeq = from; !isAtRest(current) && !context.signal.aborted;) {
    ({ job: current, throughSeq } = await untilChange(source, job.job, throughSeq, context));
  }
}

/** The job after something happened in it, or after a while in which nothing did. */
export async function untilChange(
  source: Pick<Source, 'job.get' | 'events.since'>,
  jobId: string,
  afterSeq: number,
  context: CallContext,
): Promise<{ readonly job: JobDocument; readonly throughSeq: number }> {
  const { throughSeq } = await source['events.since']({ afterSeq, jobId, limit: 100, waitMs: pollMs }, context);
  return { job: await source['job.get']({ job: jobId }, context), throughSeq };
}

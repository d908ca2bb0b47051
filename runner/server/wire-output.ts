import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { isAtRest } from '#shared/domain/job-status.ts';
import type { LiveEntry } from '#shared/domain/live-output.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import type { Log } from '../core/ports/log.ts';
import type { OutputSubscription } from '../core/live-output.ts';
import { untilChange } from './output-stream.ts';
import type { CallContext, ConnectionMethod, Performed, ServerApplication } from './server-application.ts';
import { notification } from './wire-feed.ts';

export interface Subscriptions {
  readonly methods: Performed<ConnectionMethod>;
  end(): void;
}

type Source = Pick<ServerApplication, 'job.get' | 'events.since' | 'subscribeOutput'>;

const mostSubscriptions = 16;
const mostCharacters = 200_000;

/** The output that one connection follows. `send` settles when the text is on its way, so that a slow reader misses entries and no memory fills. */
export function createSubscriptions(options: {
  readonly source: Source;
  readonly send: (text: Buffer) => Promise<void>;
  readonly log: Log;
}): Subscriptions {
  const { source, send, log } = options;
  const going = new Map<number, () => void>();
  let last = 0;
  /** Asked for and not begun. */
  let opening = 0;
  let isOver = false;

  function begin(subscription: number, job: JobDocument, throughSeq: number, context: CallContext): void {
    const own = new AbortController();
    const signal = AbortSignal.any([own.signal, context.signal]);
    const tell = (entries: readonly LiveEntry[], dropped: number, rests: boolean): Promise<void> =>
      signal.aborted ? Promise.resolve() : send(notification('output', { subscription, dropped, entries, rests }));
    let output: OutputSubscription | null = null;
    going.set(subscription, () => {
      going.delete(subscription);
      output?.unsubscribe();
      own.abort();
    });
    // The answer that names the subscription goes first.
    setImmediate(() => {
      if (signal.aborted || isOver) return;
      try {
        output = source.subscribeOutput(job.job, async ({ entries, dropped }) => {
          let missing = dropped;
          for (const part of inParts(entries)) {
            await tell(part, missing, false);
            missing = 0;
          }
        });
        void tellRests(output, job, throughSeq).catch((thrown: unknown) => {
          if (signal.aborted) return;
          log.error({ err: thrown, job: job.job }, `A subscription broke: ${toOpusError(thrown).message}`);
          going.get(subscription)?.();
        });
      } catch (thrown) {
        log.debug({ err: thrown, job: job.job }, `A subscription did not begin: ${toOpusError(thrown).message}`);
        going.get(subscription)?.();
      }
    });

    async function tellRests(told: OutputSubscription, first: JobDocument, from: number): Promise<void> {
      let [current, afterSeq, wasAtRest] = [first, from, false];
      while (!signal.aborted) {
        const isResting = isAtRest(current);
        if (isResting && !wasAtRest) {
          await told.taken();
          await tell([], 0, true);
        }
        wasAtRest = isResting;
        ({ job: current, throughSeq: afterSeq } = await untilChange(source, current.job, afterSeq, {
          ...context,
          signal,
        }));
      }
    }
  }

  return {
    methods: {
      async 'output.subscribe'({ job: name }, context) {
        if (going.size + opening >= mostSubscriptions) {
          const hint = 'End another one first, with output.unsubscribe.';
          throw new OpusError('protocol.too-many', `One connection follows at most ${mostSubscriptions} jobs.`, {
            hint,
          });
        }
        opening += 1;
        try {
          // The cursor comes before the look at the job: what happens between the two is told by the next poll.
          const { throughSeq } = await source['events.since']({ limit: 1, waitMs: 0 }, context);
          const job = await source['job.get']({ job: name }, context);
          last += 1;
          if (!isOver) begin(last, job, throughSeq, context);
          return { subscription: last, job: job.job };
        } finally {
          opening -= 1;
        }
      },
      'output.unsubscribe'({ subscription }) {
        going.get(subscription)?.();
        return Promise.resolve({});
      },
    },
    end() {
      isOver = true;
      for (const stop of [...going.values()]) stop();
    },
  };
}

/** At least one part, since entries may have been dropped. */
function inParts(entries: readonly LiveEntry[]): (readonly LiveEntry[])[] {
  const parts: LiveEntry[][] = [[]];
  let characters = 0;
  for (const entry of entries) {
    const length = JSON.stringify(entry).length;
    if (characters + length > mostCharacters && characters > 0) {
      parts.push([]);
      characters = 0;
    }
    parts.at(-1)?.push(entry);
    characters += length;
  }
  return parts;
}

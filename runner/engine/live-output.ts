import type { LiveEntry, LiveEvent, LiveSource } from '#shared/domain/live-output.ts';
import { toOpusError } from '#shared/domain/errors.ts';
import {
  EntryQueue,
  PrintedLines,
  shownEvent,
  type OutputListener,
  type OutputSubscription,
} from '../core/live-output.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';

/**
 * What agents, set-up and tests do, handed on as it happens to whoever wants it. Telling never waits and never throws: a
 * listener that is slow misses entries, and is told how many.
 */
export interface LiveOutput {
  /** What is told of an attempt that was not started, or has ended, is nobody's news. */
  tell(about: LiveSource, event: LiveEvent): void;
  /** What a program prints, in pieces as they come; told in whole lines. */
  print(about: LiveSource, text: string): void;
  /** Forgets what was told of a job that rests. Whoever listens goes on listening. */
  release(job: string): void;
  /** From the last that was told of the job on; null is every job. */
  subscribe(job: string | null, listener: OutputListener): OutputSubscription;
}

export interface LiveOutputOptions {
  readonly clock: Clock;
  readonly log: Pick<Log, 'debug'>;
  /** Kept of one job for those who come later. */
  readonly keptBytes?: number;
  /** Waiting for one listener that is at work. */
  readonly waitingBytes?: number;
}

const usuallyKept = 128 * 1024;
const usuallyWaiting = 1024 * 1024;
/** More jobs than one machine works on at once; of others the one that began first gives way. */
const mostKept = 64;

interface Subscriber {
  readonly job: string | null;
  push(entry: LiveEntry): void;
}

export function createLiveOutput(options: LiveOutputOptions): LiveOutput {
  const { clock, log, keptBytes = usuallyKept, waitingBytes = usuallyWaiting } = options;
  const kept = new Map<string, EntryQueue>();
  /** By attempt: those that go on, with what they printed of a line. */
  const going = new Map<string, PrintedLines>();
  const subscribers = new Set<Subscriber>();
  let last = 0;

  function add({ job, attempt, stage }: LiveSource, event: LiveEvent): void {
    last += 1;
    const entry = { number: last, at: clock.now(), job, attempt, stage, event: shownEvent(event) };
    keptOf(job).push(entry);
    for (const subscriber of subscribers) if ((subscriber.job ?? job) === job) subscriber.push(entry);
  }

  function keptOf(job: string): EntryQueue {
    const known = kept.get(job);
    if (known) return known;
    const fresh = new EntryQueue(keptBytes);
    kept.set(job, fresh);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    return fresh;
  }

  return {
    tell(about, event) {
      if (event.kind === 'started') going.set(about.attempt, new PrintedLines());
      const printed = going.get(about.attempt);
      if (printed === undefined) return;
      const rest = printed.finish();
      if (rest !== '') add(about, { kind: 'text', text: rest });
      add(about, event);
      if (event.kind === 'ended') going.delete(about.attempt);
    },
    print(about, text) {
      const lines = going.get(about.attempt)?.take(text) ?? '';
      if (lines.trim() !== '') add(about, { kind: 'text', text: lines });
    },
    release(job) {
      kept.delete(job);
    },
    subscribe(job, listener) {
      const queue = new EntryQueue(waitingBytes);
      const waiting: (() => void)[] = [];
      let isAtWork = false;
      let isOver = false;

      const hand = async (): Promise<void> => {
        isAtWork = true;
        // Whoever tells goes on first, and what is told in one go comes together.
        await Promise.resolve();
        try {
          while (!isOver && !queue.isEmpty) await listener(queue.take());
        } catch (thrown) {
          log.debug({ err: thrown, job }, `A listener broke: ${toOpusError(thrown).message}`);
          unsubscribe();
        }
        isAtWork = false;
        for (const settle of waiting.splice(0)) settle();
      };
      const subscriber: Subscriber = {
        job,
        push(entry) {
          queue.push(entry);
          if (!isAtWork) void hand();
        },
      };
      const unsubscribe = (): void => {
        isOver = true;
        subscribers.delete(subscriber);
        queue.take();
        for (const settle of waiting.splice(0)) settle();
      };
      const earlier = [...kept]
        .flatMap(([of, { entries }]) => ((job ?? of) === of ? entries : []))
        .sort((left, right) => left.number - right.number);
      for (const entry of earlier) subscriber.push(entry);
      subscribers.add(subscriber);
      return {
        unsubscribe,
        taken: () =>
          new Promise((resolve) => {
            if (isOver || (!isAtWork && queue.isEmpty)) resolve();
            else waiting.push(resolve);
          }),
      };
    },
  };
}

import type { BoardJob } from '#shared/protocol/board.ts';
import type { ProtocolEvent } from '#shared/protocol/method-results.ts';
import { notifications, type Cursor, type NotificationName } from '#shared/protocol/wire.ts';
import type { Log } from '../core/ports/log.ts';
import { viewersEvent } from './redaction.ts';
import type { BoardState, ServerApplication } from './server-application.ts';

/** Who is told what happens. The bytes are the same for all who may see the same. */
export interface FeedClient {
  readonly seesAll: boolean;
  tell(text: Buffer): void;
}

export interface Joined {
  readonly epoch: string;
  /** Of the newest event; the client is told what comes after it. */
  readonly seq: number;
  /** What was missed since the cursor, to be told before anything else; null when a snapshot is needed. */
  readonly missed: readonly Buffer[] | null;
  leave(): void;
}

/** Events and states for all connections: each looked up, checked and written once. */
export interface WireFeed {
  join(client: FeedClient, since: Cursor | null): Joined;
  alive(at: number): Buffer;
  /** To be told before a message of that many bytes. */
  announcing(bytes: number): Buffer;
  /** All parts of the state as it was told last. */
  wholeState(): Buffer;
  close(): void;
}

type Source = Pick<ServerApplication, 'events' | 'boardJob' | 'boardState'>;

const atOnce = 500;
/** Who missed more is better served with a snapshot. */
const mostMissed = 2_000;
const lookEveryMs = 1_000;

export function createWireFeed(source: Source, log: Log): WireFeed {
  const clients = new Set<FeedClient>();
  const { events } = source;
  let through = 0;
  let isScheduled = false;
  let isClosed = false;
  let state: BoardState | null = null;
  let stateTexts: Readonly<Record<string, string>> = {};
  let lookedAt = -Infinity;
  let looking: NodeJS.Timeout | null = null;

  events.onRecorded(() => {
    if (isScheduled || isClosed || clients.size === 0) return;
    isScheduled = true;
    // What is recorded in one go is told in one go.
    setImmediate(() => {
      isScheduled = false;
      pump();
    });
  });

  function pump(): void {
    if (isClosed) return;
    try {
      for (let more = clients.size > 0; more;) {
        const batch = events.after(through, atOnce);
        broadcast(batch);
        through = batch.at(-1)?.seq ?? through;
        more = batch.length === atOnce;
      }
      // Of what was forgotten before it was told, a client learns by the number that it lacks.
      through = Math.max(through, events.newest());
    } catch (thrown) {
      log.error({ err: thrown }, 'Events could not be told to those who are connected.');
    }
    if (performance.now() - lookedAt >= lookEveryMs) look();
  }

  function broadcast(batch: readonly ProtocolEvent[]): void {
    const texts = textsOf(batch);
    for (const client of clients) for (const text of texts) client.tell(text(client.seesAll));
  }

  /** The last event of a job carries the job. Each text is made when it is first wanted. */
  function textsOf(batch: readonly ProtocolEvent[]): ((all: boolean) => Buffer)[] {
    const last = new Map(batch.flatMap(({ jobId, seq }) => (jobId === null ? [] : [[jobId, seq] as const])));
    return batch.map((event) => {
      const jobId = event.jobId !== null && last.get(event.jobId) === event.seq ? event.jobId : null;
      const job = jobId === null ? null : jobOf(jobId);
      const told = job === null ? event : { ...event, job };
      const texts = new Map<boolean, Buffer>();
      return (all) => {
        const text = texts.get(all) ?? notification('event', all ? told : viewersEvent(told));
        texts.set(all, text);
        return text;
      };
    });
  }

  function jobOf(id: string): BoardJob | null {
    try {
      const job = source.boardJob(id);
      const checked = job === null ? null : notifications.event.shape.job.parse(job);
      return checked ?? null;
    } catch (thrown) {
      log.error({ err: thrown, job: id }, `The job ${id} could not be told to those who are connected.`);
      return null;
    }
  }

  function look(): void {
    if (clients.size === 0 || isClosed) return;
    lookedAt = performance.now();
    try {
      const now = source.boardState();
      const texts = Object.fromEntries(Object.entries(now).map(([part, value]) => [part, textOf(part, value)]));
      const changed = Object.entries(now).filter(([part]) => texts[part] !== stateTexts[part]);
      const isFirst = state === null;
      state = now;
      stateTexts = texts;
      if (changed.length === 0) return;
      if (isFirst) return;
      const text = notification('state', Object.fromEntries(changed));
      for (const client of clients) client.tell(text);
    } catch (thrown) {
      log.error({ err: thrown }, 'The state of the runner could not be told to those who are connected.');
    }
  }

  /** Of thousands of requests it takes a while; what is the same thing as before is not looked into. */
  function textOf(part: string, value: unknown): string {
    const known = state?.[part as keyof BoardState] === value ? stateTexts[part] : undefined;
    return known ?? JSON.stringify(value);
  }

  function missedSince(since: Cursor | null): ProtocolEvent[] | null {
    if (since?.epoch !== events.epoch() || since.seq > through || through - since.seq > mostMissed) return null;
    const missed = events.after(since.seq, mostMissed);
    return missed.length === through - since.seq ? [...missed] : null;
  }

  function stopLooking(): void {
    if (looking) clearInterval(looking);
    looking = null;
    state = null;
    stateTexts = {};
  }

  return {
    join(client, since) {
      if (clients.size === 0) through = events.newest();
      else pump();
      const missed = missedSince(since);
      const texts = missed && textsOf(missed).map((text) => text(client.seesAll));
      clients.add(client);
      looking ??= setInterval(look, lookEveryMs);
      if (state === null) look();
      return {
        epoch: events.epoch(),
        seq: through,
        missed: texts,
        leave() {
          clients.delete(client);
          if (clients.size === 0) stopLooking();
        },
      };
    },
    alive(at) {
      // A command beside the service records events, too, and nothing rings then.
      pump();
      return notification('alive', { seq: through, at });
    },
    announcing: (bytes) => notification('alive', { seq: through, at: Date.now(), bytes }),
    wholeState: () => notification('state', state ?? {}),
    close() {
      isClosed = true;
      clients.clear();
      stopLooking();
    },
  };
}

/** What is not promised does not leave the runner. */
export function notification(name: NotificationName, params: unknown): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: name, params: notifications[name].parse(params) }));
}

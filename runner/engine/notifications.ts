import { OpusError } from '#shared/domain/errors.ts';
import type { Policy } from '../core/configuration.ts';
import {
  firstRetryMs,
  fitted,
  foldedKey,
  foldedMessage,
  isDecided,
  keptMs,
  mostUrgent,
  notificationKey,
  notificationKindOf,
  notificationMessage,
  retryAfterMs,
  type MessageContext,
} from '../core/notifications.ts';
import type { Clock } from '../core/ports/clock.ts';
import type {
  JobRegistry,
  NewNotification,
  NotificationMessage,
  QueuedNotification,
  RegistryEvent,
} from '../core/ports/job-registry.ts';
import type { Log } from '../core/ports/log.ts';
import type { Notifier } from '../core/ports/notifier.ts';

export interface NotificationsOptions extends MessageContext {
  readonly registry: JobRegistry;
  /** By channel; a function when the configuration may change while the runner runs. */
  readonly notifiers: ReadonlyMap<string, Notifier> | (() => ReadonlyMap<string, Notifier>);
  readonly policy: () => Policy;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes out what looks like a secret. */
  readonly redact: (text: string) => string;
}

export interface Notifications {
  /** Queues what the events since the last time are to be told as, each once. The very first time nothing is. */
  collect(): void;
  /**
   * Sends what is due, in order and one at a time for each channel; returns how many messages were taken. Once `signal` is
   * aborted nothing more is begun, and what is under way is waited for: it may be taken already. May be called again before
   * it settles; a channel that is still at work is left to that call.
   */
  deliver(signal: AbortSignal): Promise<number>;
  /** When `deliver` has something to do again; null while nothing waits, or only for a `deliver` that is at work. */
  nextDueAt(): number | null;
}

const eventsAtOnce = 500;
/** Far above what seven days bring, and a bound for memory all the same. */
const waitingAtOnce = 10_000;
const minuteMs = 60_000;
/** Single messages to a channel in a minute; what is more is folded into one. */
const singlesInMinute = 20;
/** Nobody's word makes a channel rest longer. */
const longestRestMs = 24 * 60 * 60_000;

export function createNotifications(options: NotificationsOptions): Notifications {
  const { registry, policy, clock, log } = options;
  const notifiers = (): ReadonlyMap<string, Notifier> =>
    typeof options.notifiers === 'function' ? options.notifiers() : options.notifiers;
  const atWork = new Set<string>();
  /** When messages were answered within the last minute, by channel. */
  const recent = new Map<string, number[]>();
  /** Taken by the other side, while the registry could not record it: never to be sent again by this process. */
  const unrecorded = new Map<number, string>();

  function collect(): void {
    const through = registry.state('notified-through')?.value;
    if (typeof through !== 'number') {
      registry.queueNotifications([], registry.lastEventSeq());
      return;
    }
    let last = through;
    for (;;) {
      const events = registry.events({ afterSeq: last, limit: eventsAtOnce });
      const newest = events.at(-1);
      if (newest === undefined) return;
      registry.queueNotifications(events.flatMap(notificationsOf), newest.seq);
      last = newest.seq;
    }
  }

  function notificationsOf(event: RegistryEvent): NewNotification[] {
    const kind = notificationKindOf(event);
    if (kind === null || !policy().notify.includes(kind) || event.at <= clock.now() - keptMs) return [];
    const job = event.jobId === null ? null : registry.job(event.jobId);
    if (isDecided(event, job)) return [];
    const message = told(notificationMessage(event, job, options));
    return [...notifiers().keys()].map((channel) => ({
      eventSeq: event.seq,
      channel,
      kind,
      jobId: event.jobId,
      message,
    }));
  }

  /** Redacted before it is cut: half a secret is no longer known as one. */
  function told({ title, text, link }: NotificationMessage): NotificationMessage {
    const { redact } = options;
    return fitted({ title: redact(title), text: redact(text), link: link === null ? null : redact(link) });
  }

  /** By channel, oldest first. The oldest is what is tried: while it rests, its channel does. */
  function waiting(): Map<string, [QueuedNotification, ...QueuedNotification[]]> {
    const all = registry.notifications({ dueBy: Number.MAX_SAFE_INTEGER, limit: waitingAtOnce });
    const channels = new Map<string, [QueuedNotification, ...QueuedNotification[]]>();
    for (const notification of all) {
      const behind = channels.get(notification.channel);
      if (behind) behind.push(notification);
      else channels.set(notification.channel, [notification]);
    }
    return channels;
  }

  function dueAt(channel: string, oldest: QueuedNotification): number {
    const sent = sentWithinMinute(channel);
    const restsUntil = sent.length > singlesInMinute ? (sent[0] ?? 0) + minuteMs : 0;
    return Math.max(restsUntil, Math.min(oldest.nextAt, oldest.createdAt + keptMs));
  }

  function sentWithinMinute(channel: string): number[] {
    const now = clock.now();
    const sent = (recent.get(channel) ?? []).filter((at) => at > now - minuteMs && at <= now);
    recent.set(channel, sent);
    return sent;
  }

  async function deliver(signal: AbortSignal): Promise<number> {
    recordTaken();
    const channels = [...waiting().keys()].filter((channel) => !atWork.has(channel));
    const counts = await Promise.allSettled(channels.map((channel) => deliverTo(channel, signal)));
    const failed = counts.find((count) => count.status === 'rejected');
    if (failed) throw failed.reason;
    return counts.reduce((sum, count) => sum + (count.status === 'fulfilled' ? count.value : 0), 0);
  }

  async function deliverTo(channel: string, signal: AbortSignal): Promise<number> {
    atWork.add(channel);
    let taken = 0;
    try {
      for (;;) {
        const queue = freshOf(waiting().get(channel) ?? []);
        const oldest = queue[0];
        if (oldest === undefined || signal.aborted || dueAt(channel, oldest) > clock.now()) return taken;
        const notifier = notifiers().get(channel);
        if (notifier === undefined) {
          for (const notification of queue) settle(notification, 'no-channel');
          log.warn(
            { channel, count: queue.length },
            `opus.yml names no channel ${channel} any more, so it is told nothing.`,
          );
        } else if (await send(notifier, queue, oldest)) taken += 1;
      }
    } finally {
      atWork.delete(channel);
    }
  }

  /** Without those that nobody wants to hear of any more. */
  function freshOf(queue: readonly QueuedNotification[]): readonly QueuedNotification[] {
    const oldestKept = clock.now() - keptMs;
    for (const notification of queue) {
      if (notification.createdAt > oldestKept) continue;
      settle(notification, 'expired');
      const { channel, kind, jobId, tries } = notification;
      log.warn(
        { channel, kind, job: jobId, tries },
        `The channel ${channel} could not be told for seven days: ${notification.message.title}`,
      );
    }
    return queue.filter(({ createdAt }) => createdAt > oldestKept);
  }

  /** Whether it was taken. One that was not is settled, or rests with all behind it. */
  async function send(
    notifier: Notifier,
    queue: readonly QueuedNotification[],
    oldest: QueuedNotification,
  ): Promise<boolean> {
    const { channel } = oldest;
    const fold = queue.length > 1 && sentWithinMinute(channel).length >= singlesInMinute;
    const sent = fold ? queue : [oldest];
    try {
      await notifier.send(fold ? folded(queue, oldest) : single(oldest));
    } catch (thrown) {
      const error = failureOf(channel, thrown);
      if (error.code === 'notify.refused') {
        countOne(channel);
        refuse(sent, error);
      } else postpone(oldest, error);
      return false;
    }
    // Nothing may come between the answer and this: a process that is killed here sends once more, under the same key.
    for (const notification of sent) unrecorded.set(notification.seq, fold ? 'folded' : 'sent');
    countOne(channel);
    recordTaken();
    if (oldest.tries > 0) log.info({ channel, tries: oldest.tries }, `The channel ${channel} can be told again.`);
    return true;
  }

  function countOne(channel: string): void {
    recent.set(channel, [...sentWithinMinute(channel), clock.now()]);
  }

  function recordTaken(): void {
    for (const [seq, outcome] of unrecorded) {
      registry.settleNotification(seq, { outcome });
      unrecorded.delete(seq);
    }
  }

  function single(notification: QueuedNotification): Parameters<Notifier['send']>[0] {
    const { kind, jobId, createdAt, message } = notification;
    return { key: notificationKey(notification), kind, jobId, at: createdAt, message };
  }

  function folded(queue: readonly QueuedNotification[], oldest: QueuedNotification): Parameters<Notifier['send']>[0] {
    return {
      key: foldedKey(oldest, queue.at(-1) ?? oldest),
      kind: mostUrgent(queue.map(({ kind }) => kind)),
      jobId: null,
      at: oldest.createdAt,
      message: fitted(
        foldedMessage(
          queue.map(({ message }) => message),
          options,
        ),
      ),
    };
  }

  function refuse(notifications: readonly QueuedNotification[], error: OpusError): void {
    for (const notification of notifications) {
      settle(notification, 'refused');
      const { channel, kind, jobId, message } = notification;
      log.error(
        { channel, kind, job: jobId, code: error.code, hint: error.hint },
        `${error.message} It was not told of: ${message.title}`,
      );
    }
  }

  function postpone(notification: QueuedNotification, error: OpusError): void {
    const { seq, channel, kind, jobId, tries } = notification;
    const now = clock.now();
    const until = error.details['until'];
    const asked = typeof until === 'number' ? Math.min(until, now + longestRestMs) : now;
    const nextAt = Math.max(asked, now + retryAfterMs(tries + 1));
    registry.settleNotification(seq, { nextAt });
    const fields = { channel, kind, job: jobId, code: error.code, hint: error.hint, tries: tries + 1, nextAt };
    // The first failure is news; the same again every few minutes for a night is not.
    if (tries === 0) log.warn(fields, `${error.message} It is told later.`);
    else log.debug(fields, `${error.message} It is told later.`);
  }

  function settle({ seq }: QueuedNotification, outcome: string): void {
    registry.settleNotification(seq, { outcome });
  }

  return {
    collect,
    deliver,
    nextDueAt() {
      // What is taken and only not recorded yet must not make its caller run in a circle.
      if (unrecorded.size > 0) return clock.now() + firstRetryMs;
      const resting = [...waiting()].filter(([channel]) => !atWork.has(channel));
      const dues = resting.map(([channel, [oldest]]) => dueAt(channel, oldest));
      return dues.length === 0 ? null : Math.min(...dues);
    },
  };
}

/** Nothing of a thrown value that is no OpusError: what a network error says may hold the address, which may be a secret. */
function failureOf(channel: string, thrown: unknown): OpusError {
  if (thrown instanceof OpusError) return thrown;
  return new OpusError('notify.unreachable', `The channel ${channel} failed in an unexpected way.`);
}

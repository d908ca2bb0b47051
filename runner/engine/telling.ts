import { toOpusError } from '#shared/domain/errors.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Log } from '../core/ports/log.ts';
import type { Notifications } from './notifications.ts';

export interface Telling {
  /** Events were recorded. */
  ring(): void;
  /** Nothing more is sent; what is on its way is waited for. */
  stop(): Promise<void>;
}

/** Sends notifications when there is something to tell, and again when a try is due. */
export function createTelling(notifications: Notifications, clock: Clock, log: Log): Telling {
  const ended = new AbortController();
  const sending = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | null = null;
  let rung: NodeJS.Immediate | null = null;

  function tell(): void {
    rung = null;
    if (ended.signal.aborted) return;
    try {
      notifications.collect();
    } catch (thrown) {
      log.error({ err: thrown }, `Notifications could not be queued: ${toOpusError(thrown).message}`);
    }
    const delivery = deliver();
    sending.add(delivery);
    void delivery.then(() => sending.delete(delivery));
  }

  async function deliver(): Promise<void> {
    try {
      await notifications.deliver(ended.signal);
    } catch (thrown) {
      log.error({ err: thrown }, `Notifications could not be sent: ${toOpusError(thrown).message}`);
    }
    plan();
  }

  function plan(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    const at = ended.signal.aborted ? null : notifications.nextDueAt();
    if (at === null) return;
    timer = setTimeout(tell, Math.min(Math.max(at - clock.now(), 50), 60_000));
  }

  return {
    ring() {
      if (rung === null && !ended.signal.aborted) rung = setImmediate(tell);
    },
    async stop() {
      ended.abort();
      if (timer) clearTimeout(timer);
      if (rung) clearImmediate(rung);
      await Promise.all(sending);
    },
  };
}

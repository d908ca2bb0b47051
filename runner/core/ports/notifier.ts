import type { NotificationKind } from '../configuration.ts';
import type { NotificationMessage } from './job-registry.ts';

/** One way of telling people. */
export interface Notifier {
  /**
   * Settles when the other side has taken it. Rejects with `notify.unreachable` for what may work later, and with
   * `notify.refused` for what never will. `key` is the same for every try of one notification, so that a receiver can tell.
   */
  send(notification: {
    readonly key: string;
    readonly kind: NotificationKind;
    readonly jobId: string | null;
    readonly at: number;
    readonly message: NotificationMessage;
  }): Promise<void>;
}

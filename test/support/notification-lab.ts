import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { redact } from '../../runner/core/redact.ts';
import { createNotifiers } from '../../runner/adapters/notify/create-notifiers.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy, type NotifierConfig, type Policy } from '../../runner/core/configuration.ts';
import type { JobRegistry, RegistryChange } from '../../runner/core/ports/job-registry.ts';
import type { Notifier } from '../../runner/core/ports/notifier.ts';
import { createNotifications, type Notifications } from '../../runner/engine/notifications.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import { aJob } from './records.ts';

/** A registry with the job FR-1-1 and a webhook called `phone`; a test may change whatever is in it. */
export interface NotificationLab {
  readonly folder: string;
  readonly file: string;
  readonly phone: Receiver;
  readonly logged: { level: string; fields: Readonly<Record<string, unknown>>; message: string }[];
  now: number;
  registry: JobRegistry;
  policy: Policy;
  /** In force from the next `start`. */
  notify: Readonly<Record<string, NotifierConfig>>;
  notifiers: ReadonlyMap<string, Notifier>;
  notifications: Notifications;
  /** As a runner does that begins: with nothing but what the registry knows. */
  start(changed?: Partial<JobRegistry>): void;
  restart(): void;
  happen(type: string, data?: Readonly<Record<string, unknown>>, change?: RegistryChange): void;
  /** Jobs of the FRs of these numbers succeed, and that is looked at. */
  finish(...numbers: number[]): void;
  deliver(): Promise<number>;
  titles(receiver?: Receiver): unknown[];
  /** Of all notifications in order; null for what waits. */
  outcomes(): unknown[];
  dispose(): Promise<void>;
}

export const webhook = ({ origin }: Receiver): NotifierConfig => ({
  kind: 'webhook',
  url: { kind: 'plain', text: `${origin}/secret-path` },
  token: null,
});

export async function openNotificationLab(): Promise<NotificationLab> {
  const folder = mkdtempSync(join(tmpdir(), 'opus-notify-'));
  const file = join(folder, 'registry.db');
  const phone = await startReceiver();
  const clock = { now: () => lab.now };
  const logged: NotificationLab['logged'] = [];
  const say = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    logged.push({ level, fields, message });
  };

  function notificationsOn(registry: JobRegistry): Notifications {
    return createNotifications({
      registry,
      notifiers: () => lab.notifiers,
      policy: () => lab.policy,
      command: 'npx opus',
      vaultName: 'vault',
      publicUrl: null,
      clock,
      log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
      redact,
    });
  }

  const registry = openRegistry({ file, clock });
  const lab: NotificationLab = {
    folder,
    file,
    phone,
    logged,
    now: Date.parse('2026-01-02T03:04:05Z'),
    registry,
    policy: defaultPolicy,
    notify: { phone: webhook(phone) },
    notifiers: new Map(),
    notifications: notificationsOn(registry),
    start(changed = {}) {
      lab.notifiers = createNotifiers(lab.notify, () => '', { clock });
      lab.notifications = notificationsOn({ ...lab.registry, ...changed });
    },
    restart() {
      lab.registry.close();
      lab.registry = openRegistry({ file, clock });
      lab.start();
    },
    happen(type, data = {}, change = {}) {
      lab.registry.commit(null, null, { ...change, events: [{ type, jobId: 'FR-1-1', data }] });
    },
    finish(...numbers) {
      for (const number of numbers) {
        const job = aJob({ id: `FR-${number}-2`, featureRequestId: `FR-${number}`, number: 2, title: 'x' });
        const events = [{ type: 'job.succeeded', jobId: job.id, data: {} }];
        lab.registry.commit(null, null, { insertJob: job, events });
      }
      lab.notifications.collect();
    },
    deliver: () => lab.notifications.deliver(new AbortController().signal),
    titles: (receiver = phone) => receiver.received.map(({ body }) => body['title']),
    outcomes() {
      const database = new DatabaseSync(file, { readOnly: true });
      const rows = database.prepare('SELECT outcome FROM notifications ORDER BY seq').all();
      database.close();
      return rows.map((row) => row['outcome']);
    },
    async dispose() {
      lab.registry.close();
      await phone.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  registry.commit(null, null, { insertJob: aJob() });
  lab.start();
  lab.notifications.collect();
  return lab;
}

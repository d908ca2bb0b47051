import { createNotifiers } from '../../runner/adapters/notify/create-notifiers.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy } from '../../runner/core/configuration.ts';
import { createNotifications } from '../../runner/engine/notifications.ts';

/** Tells one webhook what is due, and never gets to record it: whoever kills it does so between the two. */
const [file = '', url = '', now = ''] = process.argv.slice(2);
const clock = { now: () => Number(now) };
const registry = openRegistry({ file, clock });
const ignore = (): void => undefined;
const notifications = createNotifications({
  registry: {
    ...registry,
    settleNotification: (seq) => {
      console.log(`taken ${seq}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  },
  notifiers: createNotifiers({ phone: { kind: 'webhook', url: { kind: 'plain', text: url }, token: null } }, () => ''),
  policy: () => defaultPolicy,
  command: 'opus',
  vaultName: 'vault',
  publicUrl: null,
  clock,
  log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  redact: (text) => text,
});
notifications.collect();
await notifications.deliver(new AbortController().signal);

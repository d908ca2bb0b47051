import type { NotifierConfig } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Notifier } from '../../core/ports/notifier.ts';
import type { ChannelOptions, ResolveSecret } from './channel.ts';
import { createNtfy } from './ntfy.ts';
import { createWebhook } from './webhook.ts';

const kinds: Readonly<Record<NotifierConfig['kind'], (options: ChannelOptions) => Notifier>> = {
  webhook: createWebhook,
  ntfy: createNtfy,
};

/** `notify` of opus.yml, ready to send. Secrets are read when they are used. */
export function createNotifiers(
  notify: Readonly<Record<string, NotifierConfig>>,
  resolveSecret: ResolveSecret,
  {
    clock = { now: () => Date.now() },
    timeoutMs = 10_000,
  }: { readonly clock?: Clock; readonly timeoutMs?: number } = {},
): ReadonlyMap<string, Notifier> {
  return new Map(
    Object.entries(notify).map(([name, config]) => [
      name,
      kinds[config.kind]({ name, config, resolveSecret, clock, timeoutMs }),
    ]),
  );
}

import type { Notifier } from '../../core/ports/notifier.ts';
import { resolveChannel, type ChannelOptions } from './channel.ts';
import { postJson } from './post.ts';

/** Posts each notification as JSON; `Idempotency-Key` is the same for every try of one. */
export function createWebhook(options: ChannelOptions): Notifier {
  const { name: channel, clock, timeoutMs } = options;
  return {
    async send({ key, kind, jobId, at, message }) {
      const { url, headers } = resolveChannel(options);
      await postJson({
        channel,
        url,
        headers: { ...headers, 'idempotency-key': key },
        body: { kind, job: jobId, at: new Date(at).toISOString(), ...message, key },
        timeoutMs,
        clock,
      });
    },
  };
}

import { OpusError } from '#shared/domain/errors.ts';
import type { NotificationKind } from '../../core/configuration.ts';
import type { Notifier } from '../../core/ports/notifier.ts';
import { resolveChannel, type ChannelOptions } from './channel.ts';
import { postJson } from './post.ts';

/** ntfy's own scale: 5 rings through, 3 is usual, 2 is quiet. */
const appearance: Readonly<Record<NotificationKind, { readonly priority: number; readonly tag: string }>> = {
  decision: { priority: 4, tag: 'question' },
  failure: { priority: 4, tag: 'x' },
  stuck: { priority: 3, tag: 'hourglass' },
  recovery: { priority: 3, tag: 'arrows_counterclockwise' },
  completion: { priority: 3, tag: 'white_check_mark' },
};

/**
 * Publishes as JSON, which takes any Unicode where ntfy's headers do not. From ntfy 2.16 on a repeated `sequence_id` takes the
 * earlier notification's place on the phone; an older server ignores it and shows a second one.
 */
export function createNtfy(options: ChannelOptions): Notifier {
  const { name: channel, clock, timeoutMs } = options;
  return {
    async send({ key, kind, message: { title, text, link } }) {
      const { url: topicUrl, headers } = resolveChannel(options);
      const { url, topic } = addressOf(channel, topicUrl);
      const { priority, tag } = appearance[kind];
      await postJson({
        channel,
        url,
        headers,
        body: {
          topic,
          title,
          message: text,
          priority,
          tags: [tag],
          sequence_id: key,
          ...(link === null ? {} : { click: link, actions: [{ action: 'view', label: 'Open', url: link }] }),
        },
        timeoutMs,
        clock,
      });
    },
  };
}

/** `https://ntfy.example.org/topic`: JSON is published to the server itself, with the topic in it. */
function addressOf(channel: string, topicUrl: URL): { readonly url: URL; readonly topic: string } {
  const [, folder = '/', topic = ''] = /^(.*\/)([^/]*)$/.exec(topicUrl.pathname.replace(/\/+$/, '')) ?? [];
  if (!/^[-_A-Za-z0-9]{1,64}$/.test(topic)) {
    throw new OpusError('notify.refused', `The address of the channel ${channel} does not end in an ntfy topic.`, {
      hint: `\`notify.${channel}.url\` in opus.yml is the server and the topic: https://ntfy.example.org/my-topic`,
    });
  }
  const url = new URL(topicUrl);
  url.pathname = folder;
  url.hash = '';
  return { url, topic };
}

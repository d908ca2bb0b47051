import { OpusError } from '#shared/domain/errors.ts';
import { expect, it } from 'vitest';
import { createNotifiers } from '../../runner/adapters/notify/create-notifiers.ts';
import type { NotifierConfig } from '../../runner/core/configuration.ts';
import type { Notifier } from '../../runner/core/ports/notifier.ts';
import { refusal } from '../support/git-lab.ts';
import { startReceiver } from '../support/receiver.ts';
import { aNotification, notifierContract, type NotifierUnderTest } from './notifier.contract.ts';

const connectTo =
  (kind: NotifierConfig['kind']): NotifierUnderTest['connect'] =>
  (config, { secrets, now, timeoutMs }) => {
    const notifiers = createNotifiers(
      { phone: { kind, ...config } },
      (reference, use) => {
        const value = reference.kind === 'env' ? secrets[reference.name] : undefined;
        if (value === undefined) throw new OpusError('config.secret-missing', `The secret for ${use} is missing.`);
        return value;
      },
      { clock: { now: () => now }, timeoutMs },
    );
    return notifiers.get('phone') as Notifier;
  };

notifierContract('a webhook', {
  path: '/hooks/secret-path?key=secret-path',
  connect: connectTo('webhook'),
  keyOf: ({ headers }) => headers['idempotency-key'],
  messageOf: ({ body: { title, text, link } }) => ({ title, text, link }),
});

notifierContract('ntfy', {
  path: '/secret-path',
  connect: connectTo('ntfy'),
  keyOf: ({ body }) => body['sequence_id'],
  messageOf: ({ body: { title, message, click } }) => ({ title, text: message, link: click ?? null }),
});

it('a webhook is told everything that there is to know', async () => {
  const receiver = await startReceiver();
  try {
    const url = { kind: 'plain', text: `${receiver.origin}/hooks?a=b` } as const;
    await connectTo('webhook')({ url, token: null }, { secrets: {}, now: 0, timeoutMs: 10_000 }).send(aNotification);
    expect(receiver.received).toMatchObject([{ path: '/hooks?a=b', headers: { 'content-type': 'application/json' } }]);
    expect(receiver.received[0]?.body).toEqual({
      kind: 'decision',
      job: 'FR-1-1',
      at: '2026-01-02T03:04:05.000Z',
      ...aNotification.message,
      key: 'opus-abc-1',
    });
  } finally {
    await receiver.stop();
  }
});

it.each([
  ['/topic', '/'],
  ['/topic/', '/'],
  ['/below/topic', '/below/'],
])('ntfy is published to at its server: %s', async (path, server) => {
  const receiver = await startReceiver();
  try {
    const url = { kind: 'plain', text: receiver.origin + path } as const;
    await connectTo('ntfy')({ url, token: null }, { secrets: {}, now: 0, timeoutMs: 10_000 }).send(aNotification);
    expect(receiver.received).toMatchObject([
      {
        path: server,
        body: { topic: 'topic', priority: 4, actions: [{ action: 'view', url: 'https://example.com/pull/7' }] },
      },
    ]);
  } finally {
    await receiver.stop();
  }
});

it('an address of ntfy without a topic is refused before anything is sent', async () => {
  const url = { kind: 'plain', text: 'http://127.0.0.1:9/' } as const;
  const notifier = connectTo('ntfy')({ url, token: null }, { secrets: {}, now: 0, timeoutMs: 10_000 });
  expect(await refusal(notifier.send(aNotification))).toMatchObject({ code: 'notify.refused' });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NotifierConfig } from '../../runner/core/configuration.ts';
import type { Notifier } from '../../runner/core/ports/notifier.ts';
import { refusal } from '../support/git-lab.ts';
import { startReceiver, type ReceivedPost, type Receiver } from '../support/receiver.ts';

/** One kind of channel, called `phone`, and where its messages show what. */
export interface NotifierUnderTest {
  /** The path of the address that is configured; `secret-path` in it must never be told. */
  readonly path: string;
  connect(
    config: Omit<NotifierConfig, 'kind'>,
    options: { readonly secrets: Readonly<Record<string, string>>; readonly now: number; readonly timeoutMs: number },
  ): Notifier;
  /** What a receiver knows a repeated notification by. */
  readonly keyOf: (post: ReceivedPost) => unknown;
  readonly messageOf: (post: ReceivedPost) => {
    readonly title: unknown;
    readonly text: unknown;
    readonly link: unknown;
  };
}

export const aNotification: Parameters<Notifier['send']>[0] = {
  key: 'opus-abc-1',
  kind: 'decision',
  jobId: 'FR-1-1',
  at: Date.parse('2026-01-02T03:04:05.000Z'),
  message: { title: 'Your decision: „Größe“ 🎉', text: 'First line.\nSecond.', link: 'https://example.com/pull/7' },
};

const now = 1_000_000;

export function notifierContract(name: string, under: NotifierUnderTest): void {
  describe(`${name} as a notifier`, () => {
    let receiver: Receiver;
    let secrets: Record<string, string>;
    let address: string;

    beforeEach(async () => {
      receiver = await startReceiver();
      address = receiver.origin + under.path;
      secrets = { TOKEN: 'token-value' };
    });
    afterEach(() => receiver.stop());

    const connect = (config: Partial<NotifierConfig> = {}, timeoutMs = 10_000): Notifier =>
      under.connect({ url: { kind: 'plain', text: address }, token: null, ...config }, { secrets, now, timeoutMs });

    async function failure(notifier: Notifier): Promise<{ code: string; message: string; hint: string | null }> {
      const error = await refusal(notifier.send(aNotification));
      expect(`${error.message} ${String(error.hint)}`).toContain('phone');
      expect(everythingOf(error)).not.toMatch(/secret-path|127\.0\.0\.1|token-value/);
      return error;
    }

    it('tells title, text and link in any language', async () => {
      await connect().send(aNotification);
      expect(receiver.received.map(under.messageOf)).toEqual([aNotification.message]);
    });

    it('sends a message without a link', async () => {
      await connect().send({ ...aNotification, jobId: null, message: { title: 'Back', text: 'x', link: null } });
      expect(receiver.received.map(under.messageOf)).toEqual([{ title: 'Back', text: 'x', link: null }]);
    });

    it('lets a receiver know a repeated notification by its key', async () => {
      await connect().send(aNotification);
      await connect().send(aNotification);
      await connect().send({ ...aNotification, key: 'opus-abc-2' });
      expect(receiver.received.map(under.keyOf)).toEqual(['opus-abc-1', 'opus-abc-1', 'opus-abc-2']);
    });

    it('shows its token, as it is at that moment', async () => {
      const notifier = connect({ token: { kind: 'env', name: 'TOKEN' } });
      await notifier.send(aNotification);
      secrets['TOKEN'] = 'renewed';
      await notifier.send(aNotification);
      expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer token-value',
        'Bearer renewed',
      ]);
    });

    it('reads a secret address when it sends', async () => {
      const notifier = connect({ url: { kind: 'env', name: 'ADDRESS' } });
      secrets['ADDRESS'] = address;
      await notifier.send(aNotification);
      expect(receiver.received).toHaveLength(1);
    });

    it('shows the user and password of an address that has them', async () => {
      address = address.replace('://', '://me:p%40ss@');
      await connect().send(aNotification);
      const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual([expected]);
    });

    it('may be tried later while a secret is missing', async () => {
      const error = await failure(connect({ token: { kind: 'env', name: 'NOT_THERE' } }));
      expect(error.code).toBe('notify.unreachable');
      expect(receiver.received).toEqual([]);
    });

    it('may be tried later while nothing listens', async () => {
      await receiver.stop();
      const error = await failure(connect());
      expect(error.code).toBe('notify.unreachable');
      expect(error.message).toContain('ECONNREFUSED');
      await receiver.start();
      await connect().send(aNotification);
      expect(receiver.received).toHaveLength(1);
    });

    it('does not wait for ever for an answer', async () => {
      receiver.answer('never');
      const error = await failure(connect({}, 50));
      expect(error).toMatchObject({ code: 'notify.unreachable', message: expect.stringContaining('0.05 s') as string });
    });

    it.each([408, 425, 429, 500, 502, 503])('may be tried later after a %i', async (status) => {
      receiver.answer(status);
      expect((await failure(connect())).code).toBe('notify.unreachable');
    });

    it.each([
      ['120', now + 120_000],
      ['Thu, 01 Jan 1970 01:00:00 GMT', 3_600_000],
    ])('says when a receiver asks to be tried again: Retry-After %s', async (value, until) => {
      receiver.answer(429, { 'retry-after': value });
      expect(await failure(connect())).toMatchObject({ details: { until } });
    });

    it.each([400, 401, 403, 404, 413, 303])('is refused for good by a %i', async (status) => {
      receiver.answer(status);
      const error = await failure(connect());
      expect(error.code).toBe('notify.refused');
      expect(error.hint).toContain(status === 401 || status === 403 ? 'notify.phone.token' : 'notify.phone.url');
    });

    it('is refused where the address is none', async () => {
      secrets['ADDRESS'] = 'secret-path is no address';
      expect((await failure(connect({ url: { kind: 'env', name: 'ADDRESS' } }))).code).toBe('notify.refused');
    });

    it('is refused where the token cannot stand in a header', async () => {
      secrets['TOKEN'] = 'token-value\r\nx-injected: 1';
      expect((await failure(connect({ token: { kind: 'env', name: 'TOKEN' } }))).code).toBe('notify.refused');
      expect(receiver.received).toEqual([]);
    });

    it('follows a redirect on its host with the same post, and not for ever', async () => {
      receiver.answer(308, { location: '/moved' });
      expect((await failure(connect())).code).toBe('notify.refused');
      expect(receiver.received.slice(1).map(({ path }) => path)).toEqual(['/moved', '/moved', '/moved']);
      expect(receiver.received.at(-1)?.body).toEqual(receiver.received[0]?.body);
    });

    it('gives message and token to no other host', async () => {
      const elsewhere = await startReceiver();
      try {
        receiver.answer(307, { location: `${elsewhere.origin}/x` });
        expect((await failure(connect({ token: { kind: 'env', name: 'TOKEN' } }))).code).toBe('notify.refused');
        expect(elsewhere.received).toEqual([]);
      } finally {
        await elsewhere.stop();
      }
    });
  });
}

/** All that a log could print of an error, with what it hides. */
function everythingOf(error: unknown): string {
  const seen: string[] = [];
  let current: unknown = error;
  while (current instanceof Error) {
    seen.push(String(current), current.stack ?? '', JSON.stringify(current));
    current = current.cause;
  }
  return seen.join('\n').replaceAll(/^\s+at .*$/gm, '');
}

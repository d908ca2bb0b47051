import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notifier } from '../../runner/core/ports/notifier.ts';
import { startScript } from '../support/child-process.ts';
import { openNotificationLab, webhook, type NotificationLab } from '../support/notification-lab.ts';
import { startReceiver } from '../support/receiver.ts';

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;

describe('telling people', () => {
  let lab: NotificationLab;

  beforeEach(async () => {
    lab = await openNotificationLab();
  });
  afterEach(() => lab.dispose());

  it('keeps what cannot be told while the net is down, through a restart, and tells it in order', async () => {
    await lab.phone.stop();
    lab.finish(1, 2, 3);
    expect(await lab.deliver()).toBe(0);
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 5 * second);
    lab.now += 4 * second;
    expect(await lab.deliver()).toBe(0);
    for (const wait of [1, 10, 20, 40, 80, 160, 320, 640, 900, 900]) {
      lab.now += wait * second;
      expect(await lab.deliver()).toBe(0);
      lab.restart();
    }
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 15 * minute);
    lab.finish(4);
    await lab.phone.start();
    expect(await lab.deliver()).toBe(0);
    lab.now += 15 * minute;
    expect(await lab.deliver()).toBe(4);
    expect(lab.titles()).toEqual(['Done: FR-1 x', 'Done: FR-2 x', 'Done: FR-3 x', 'Done: FR-4 x']);
    expect(lab.logged.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(lab.logged.at(-1)).toMatchObject({ level: 'info', message: 'The channel phone can be told again.' });
    expect(JSON.stringify(lab.logged)).not.toMatch(/secret-path|127\.0\.0\.1/);
  });

  it('gives up after seven days, and says so', async () => {
    lab.phone.answer(500);
    lab.finish(1);
    await lab.deliver();
    lab.now += 7 * day - 5 * second;
    await lab.deliver();
    lab.finish(2);
    // What is kept no longer is due then, whenever the channel would be tried again.
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 5 * second);
    lab.now += 5 * second;
    lab.phone.answer(200);
    await lab.deliver();
    expect(lab.outcomes()).toEqual(['expired', 'sent']);
    expect(lab.titles().at(-1)).toBe('Done: FR-2 x');
    expect(lab.logged.map(({ message }) => message)).toContain(
      'The channel phone could not be told for seven days: Done: FR-1 x',
    );
  });

  it('waits as long as a receiver asks for, but not for ever', async () => {
    lab.phone.answer(429, { 'retry-after': '3600' });
    lab.finish(1);
    await lab.deliver();
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 3600 * second);
    lab.now += 3600 * second;
    lab.phone.answer(503, { 'retry-after': '9999999' });
    await lab.deliver();
    expect(lab.notifications.nextDueAt()).toBe(lab.now + day);
  });

  it('lets go of what is refused, with what to do in the log, and tells the next', async () => {
    lab.phone.answer(401);
    lab.finish(1);
    await lab.deliver();
    lab.phone.answer(200);
    lab.finish(2);
    await lab.deliver();
    expect(lab.outcomes()).toEqual(['refused', 'sent']);
    expect(lab.logged).toMatchObject([
      {
        level: 'error',
        fields: {
          channel: 'phone',
          code: 'notify.refused',
          hint: expect.stringContaining('notify.phone.token') as string,
        },
        message: expect.stringContaining('It answered 401. It was not told of: Done: FR-1 x') as string,
      },
    ]);
  });

  it('is not held up by a channel that does not answer', async () => {
    const silent = await startReceiver();
    try {
      silent.answer('never');
      lab.notify = { silent: webhook(silent), phone: webhook(lab.phone) };
      lab.start();
      lab.finish(1, 2);
      const delivering = lab.deliver();
      await vi.waitFor(() => {
        expect([lab.titles().length, silent.received.length]).toEqual([2, 1]);
      });
      // A second call neither sends again what is under way nor waits for it.
      lab.finish(3);
      expect(await lab.deliver()).toBe(1);
      expect([lab.titles().length, silent.received.length]).toEqual([3, 1]);
      expect(lab.notifications.nextDueAt()).toBeNull();
      await silent.stop();
      expect(await delivering).toBe(2);
      expect(lab.notifications.nextDueAt()).toBe(lab.now + 5 * second);
    } finally {
      await silent.stop();
    }
  });

  it('begins nothing more once it is stopped, and waits for what is under way', async () => {
    const stopping = new AbortController();
    const release = Promise.withResolvers<undefined>();
    const sent: string[] = [];
    const slow: Notifier = {
      send: async ({ message }) => {
        sent.push(message.title);
        await release.promise;
      },
    };
    lab.notifiers = new Map([['phone', slow]]);
    lab.finish(1, 2);
    const delivering = lab.notifications.deliver(stopping.signal);
    await vi.waitFor(() => {
      expect(sent).toEqual(['Done: FR-1 x']);
    });
    stopping.abort();
    release.resolve(undefined);
    expect(await delivering).toBe(1);
    expect(sent).toEqual(['Done: FR-1 x']);
    expect(lab.outcomes()).toEqual(['sent', null]);
  });

  it('folds what would be more than twenty messages in a minute into one', async () => {
    lab.finish(...Array.from({ length: 25 }, (_, index) => index));
    expect(await lab.deliver()).toBe(21);
    expect(lab.titles().slice(19)).toEqual(['Done: FR-19 x', '… and 5 more']);
    expect(lab.phone.received.at(-1)?.body).toMatchObject({
      kind: 'completion',
      job: null,
      text: expect.stringContaining('- Done: FR-20 x') as string,
    });
    expect(lab.outcomes().slice(19)).toEqual(['sent', 'folded', 'folded', 'folded', 'folded', 'folded']);

    // Whatever else comes in that minute waits for its end.
    lab.now += 10 * second;
    lab.finish(30, 31);
    expect(await lab.deliver()).toBe(0);
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 50 * second);
    lab.now += 50 * second;
    expect(await lab.deliver()).toBe(2);
    expect(lab.titles().slice(21)).toEqual(['Done: FR-30 x', 'Done: FR-31 x']);
  });

  it('folds nothing away that could not be told', async () => {
    lab.finish(...Array.from({ length: 20 }, (_, index) => index));
    await lab.deliver();
    lab.phone.answer(500);
    lab.finish(20, 21);
    await lab.deliver();
    expect(lab.outcomes().slice(20)).toEqual([null, null]);
    lab.phone.answer(200);
    lab.now += 5 * second;
    expect(await lab.deliver()).toBe(1);
    expect(lab.titles().slice(20)).toEqual(['… and 2 more', '… and 2 more']);
    const [first, again] = lab.phone.received.slice(20).map(({ headers }) => headers['idempotency-key']);
    expect(again).toBe(first);
    expect(lab.outcomes().slice(20)).toEqual(['folded', 'folded']);
  });

  it('tells nothing on a channel that is configured no more', async () => {
    await lab.phone.stop();
    lab.finish(1, 2);
    await lab.deliver();
    lab.notifiers = new Map();
    lab.now += 5 * second;
    await lab.deliver();
    expect(lab.outcomes()).toEqual(['no-channel', 'no-channel']);
    expect(lab.logged.at(-1)).toMatchObject({ level: 'warn', fields: { channel: 'phone', count: 2 } });
  });

  it('tries a channel that fails in an unexpected way again, and does not repeat what it said', async () => {
    lab.notifiers = new Map([['phone', { send: () => Promise.reject(new Error('at https://secret-path')) }]]);
    lab.finish(1);
    await lab.deliver();
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 5 * second);
    expect(JSON.stringify(lab.logged)).not.toContain('secret-path');
  });

  it('does not tell twice what the registry could not record', async () => {
    let isFull = true;
    lab.start({
      settleNotification: (seq, result) => {
        if (isFull) throw new Error('disk full');
        lab.registry.settleNotification(seq, result);
      },
    });
    lab.finish(1);
    await expect(lab.deliver()).rejects.toThrow('disk full');
    await expect(lab.deliver()).rejects.toThrow('disk full');
    expect(lab.notifications.nextDueAt()).toBe(lab.now + 5 * second);
    isFull = false;
    expect(await lab.deliver()).toBe(0);
    expect(lab.titles()).toEqual(['Done: FR-1 x']);
    expect(lab.outcomes()).toEqual(['sent']);
  });

  it('repeats under the same key what a killed runner sent and could not record', async () => {
    lab.happen('job.succeeded');
    const killed = startScript('tell-people.ts', lab.file, lab.phone.origin, String(lab.now));
    await killed.line((line) => line.startsWith('taken'));
    await killed.kill();
    expect(lab.outcomes()).toEqual([null]);
    lab.restart();
    lab.notifications.collect();
    expect(await lab.deliver()).toBe(1);
    const keys = lab.phone.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(lab.phone.received[1]?.body).toEqual(lab.phone.received[0]?.body);
  });
});

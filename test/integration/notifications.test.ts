import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { defaultPolicy } from '../../runner/core/configuration.ts';
import type { RegistryChange } from '../../runner/core/ports/job-registry.ts';
import { openNotificationLab, webhook, type NotificationLab } from '../support/notification-lab.ts';
import { startReceiver } from '../support/receiver.ts';
import { aJob } from '../support/records.ts';

const day = 24 * 60 * 60_000;

describe('what people are told', () => {
  let lab: NotificationLab;

  beforeEach(async () => {
    lab = await openNotificationLab();
  });
  afterEach(() => lab.dispose());

  it('tells each event once, however often it is looked for and delivered', async () => {
    lab.happen('job.failed', { error: { code: 'agent.failed', message: 'It failed.', hint: null } });
    lab.notifications.collect();
    lab.notifications.collect();
    expect(await lab.deliver()).toBe(1);
    lab.restart();
    lab.notifications.collect();
    expect(await lab.deliver()).toBe(0);
    expect(lab.phone.received.map(({ body }) => body)).toMatchObject([
      { kind: 'failure', job: 'FR-1-1', at: '2026-01-02T03:04:05.000Z', title: 'Failed: FR-1 Dispatch: one click' },
    ]);
    expect(lab.outcomes()).toEqual(['sent']);
    expect(lab.notifications.nextDueAt()).toBeNull();
  });

  it('says nothing of what happened before it was there', async () => {
    const empty = openRegistry({ file: join(lab.folder, 'other.db'), clock: { now: () => lab.now } });
    try {
      empty.commit(null, null, { insertJob: aJob(), events: [{ type: 'job.failed', jobId: 'FR-1-1', data: {} }] });
      lab.start(empty);
      lab.notifications.collect();
      empty.commit(null, null, { events: [{ type: 'job.succeeded', jobId: 'FR-1-1', data: {} }] });
      lab.notifications.collect();
      await lab.deliver();
      expect(lab.titles()).toEqual(['Done: FR-1 Dispatch: one click']);
    } finally {
      empty.close();
    }
  });

  it('tells what happened while it was away, unless that is long ago', async () => {
    lab.happen('job.failed');
    lab.now += 6 * day;
    lab.happen('job.succeeded');
    lab.now += 2 * day;
    lab.restart();
    lab.notifications.collect();
    await lab.deliver();
    expect(lab.titles()).toEqual(['Done: FR-1 Dispatch: one click']);
  });

  it('tells the kinds that policy names, on every channel', async () => {
    const tablet = await startReceiver();
    try {
      lab.notify = { phone: webhook(lab.phone), tablet: webhook(tablet) };
      lab.start();
      lab.policy = { ...defaultPolicy, notify: ['completion'] };
      lab.happen('job.failed');
      lab.happen('job.succeeded');
      lab.notifications.collect();
      lab.policy = defaultPolicy;
      lab.notifications.collect();
      expect(await lab.deliver()).toBe(2);
      expect([lab.titles(), lab.titles(tablet)]).toEqual([
        ['Done: FR-1 Dispatch: one click'],
        ['Done: FR-1 Dispatch: one click'],
      ]);
    } finally {
      await tablet.stop();
    }
  });

  it('does not ask for a decision that was made before anybody was told', async () => {
    const gate = { kind: 'merge', hash: 'abcdef0123' } as const;
    const at = (fields: { gate: typeof gate | null }): RegistryChange => ({ updateJob: { id: 'FR-1-1', fields } });
    lab.happen('approval.requested', { gate: 'merge', hash: gate.hash }, at({ gate }));
    lab.happen('approval.decided', {}, at({ gate: null }));
    lab.notifications.collect();
    lab.happen('approval.requested', { gate: 'merge', hash: gate.hash }, at({ gate }));
    lab.notifications.collect();
    await lab.deliver();
    expect(lab.titles()).toEqual(['Your decision: FR-1 Dispatch: one click']);
  });

  it('goes on where it stood after a great many events', async () => {
    lab.registry.commit(null, null, {
      events: Array.from({ length: 1_100 }, () => ({ type: 'stage.started', jobId: 'FR-1-1', data: {} })),
    });
    lab.happen('job.succeeded');
    lab.notifications.collect();
    expect(lab.registry.state('notified-through')?.value).toBe(lab.registry.lastEventSeq());
    await lab.deliver();
    expect(lab.titles()).toEqual(['Done: FR-1 Dispatch: one click']);
  });

  it('hides secrets, also one that the length would cut in two', async () => {
    const token = `ghp_${'a1'.repeat(20)}`;
    const message = `${'x'.repeat(1_185)} ${token} and more`;
    lab.happen('job.failed', { error: { code: 'agent.failed', message, hint: null } });
    lab.notifications.collect();
    await lab.deliver();
    expect(JSON.stringify(lab.phone.received)).toContain('[redacted]');
    expect(JSON.stringify(lab.phone.received)).not.toContain('ghp_');
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { aJob, anAttempt, aResponse } from '../support/records.ts';

let folder: string;
let registry: JobRegistry;
let now = 1_000;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-service-'));
  now = 1_000;
  registry = openRegistry({ file: join(folder, 'registry.db'), clock: { now: () => now } });
  registry.commit(null, null, { insertJob: aJob() });
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

const statusOf = (id: string) => registry.attempts('FR-1-1').find((attempt) => attempt.id === id)?.status;

describe('a lease', () => {
  it('that is prolonged in time stays with its worker', () => {
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'a', owner: 'me', leaseUntil: 1_010 }) });
    expect(registry.heartbeat('me', 1_100)).toEqual(['a']);
    expect(registry.interruptExpired(1_050, 'other')).toEqual([]);
    expect(statusOf('a')).toBe('running');
  });

  it('that has run out is claimable by another worker, and its worker cannot record what it did', () => {
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'a', owner: 'asleep', leaseUntil: 1_010 }) });
    expect(registry.interruptExpired(1_011, 'awake')).toEqual(['a']);
    expect(statusOf('a')).toBe('interrupted');
    expect(registry.heartbeat('asleep', 2_000)).toEqual([]);
    expect(() =>
      registry.commit(null, null, {
        updateAttempt: { id: 'a', owner: 'asleep', fields: { status: 'passed' } },
        updateJob: { id: 'FR-1-1', fields: { headCommit: 'abc' } },
      }),
    ).toThrow(expect.objectContaining({ code: 'registry.lost' }));
    expect(registry.job('FR-1-1')?.headCommit).toBeNull();
  });

  it('that ran out unnoticed is not taken from the worker who looks for others', () => {
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'a', owner: 'me', leaseUntil: 1_010 }) });
    expect(registry.interruptExpired(2_000, 'me')).toEqual([]);
    expect(statusOf('a')).toBe('running');
  });

  it('is prolonged for its own worker alone, and for what runs', () => {
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'a', owner: 'me', leaseUntil: 1_010 }) });
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'b', owner: 'other', leaseUntil: 1_010 }) });
    registry.commit(null, null, {
      insertAttempt: anAttempt({ id: 'c', owner: 'me', status: 'passed', leaseUntil: 1_010 }),
    });
    expect(registry.heartbeat('me', 1_100)).toEqual(['a']);
    expect(registry.interruptExpired(1_050, 'third')).toEqual(['b']);
    expect(statusOf('c')).toBe('passed');
  });
});

describe('what the runner keeps of itself', () => {
  it('is what was written last, with its time', () => {
    expect(registry.state('paused')).toBeNull();
    registry.setState('paused', 'paused');
    now = 2_000;
    registry.setState('paused', { mode: 'no' });
    expect(registry.state('paused')).toEqual({ value: { mode: 'no' }, at: 2_000 });
  });
});

describe('a notification', () => {
  const message = { title: 'FR-1 is done', text: 'It was merged.', link: null };
  const about = { eventSeq: 7, channel: 'phone', kind: 'completion', jobId: 'FR-1-1', message } as const;

  it('is queued once for an event, a channel and a kind', () => {
    registry.queueNotifications([about, about, { ...about, channel: 'desk' }], 7);
    registry.queueNotifications([about], 8);
    const queued = registry.notifications({ dueBy: now, limit: 10 });
    expect(queued.map(({ channel }) => channel)).toEqual(['phone', 'desk']);
    expect(queued[0]).toMatchObject({ ...about, tries: 0 });
    expect(registry.state('notified-through')?.value).toBe(8);
  });

  it('is due again when its next try is, and never after it was settled', () => {
    registry.queueNotifications([about], 7);
    const seq = registry.notifications({ dueBy: now, limit: 10 })[0]?.seq ?? 0;
    registry.settleNotification(seq, { nextAt: 5_000 });
    expect(registry.notifications({ dueBy: 4_999, limit: 10 })).toEqual([]);
    expect(registry.notifications({ dueBy: 5_000, limit: 10 })).toMatchObject([{ tries: 1 }]);
    registry.settleNotification(seq, { outcome: 'sent' });
    registry.settleNotification(seq, { nextAt: 0 });
    expect(registry.notifications({ dueBy: 9_000, limit: 10 })).toEqual([]);
  });
});

describe('a job that is forgotten', () => {
  it('leaves nothing but its number, and its neighbours whole', () => {
    registry.commit(null, null, { insertJob: aJob({ id: 'FR-1-10', number: 10 }) });
    for (const id of ['FR-1-1', 'FR-1-10']) {
      registry.commit(`${id}/dispatch`, 'done', {
        insertAttempt: anAttempt({ id: `${id}.code`, jobId: id }),
        events: [{ type: 'job.queued', jobId: id, data: {} }],
        outbox: [{ jobId: id, payload: { kind: 'report', jobId: id } }],
      });
      registry.commit(`${id}.code.0/end`, 'done', {});
    }
    registry.forgetJob('FR-1-10');
    expect(registry.job('FR-1-10')).toBeNull();
    expect(registry.attempts('FR-1-10')).toEqual([]);
    expect(registry.effect('FR-1-10/dispatch')).toBeUndefined();
    expect(registry.effect('FR-1-10.code.0/end')).toBeUndefined();
    expect(registry.highestNumber('FR-1')).toBe(10);
    expect(registry.effect('FR-1-1/dispatch')).toBeDefined();
    expect(registry.attempts('FR-1-1')).toHaveLength(1);
    expect(registry.events({ afterSeq: 0, limit: 10 })).toHaveLength(1);
    expect(registry.outbox()).toHaveLength(1);
  });
});

describe('pruning', () => {
  it('takes what was acknowledged long ago and leaves what still waits', () => {
    const entry = { jobId: 'FR-1-1', payload: { kind: 'report', jobId: 'FR-1-1' } } as const;
    registry.commit(null, null, { outbox: [entry, entry] });
    const [first] = registry.outbox();
    registry.acknowledge(first?.seq ?? 0, 'written');
    registry.prune(now + 1);
    expect(registry.outbox()).toHaveLength(1);
    registry.acknowledge(first?.seq ?? 0, 'written');
    expect(registry.outbox()).toHaveLength(1);
  });
});

describe('what models took', () => {
  const usage = { input: 100, cacheRead: 30, cacheWrite: 0, output: 10 };
  const sums = { responses: 1, estimated: 0, usage, cost: 0.5, unpriced: 0, subscription: 0, shares: [] };

  it('is summed by agent and model, for a job and for a time, with what has no known price apart', () => {
    registry.recordUsage(aResponse());
    registry.recordUsage(aResponse({ id: '2', at: 2_000, cost: null }));
    registry.recordUsage(aResponse({ id: '3', jobId: null, attemptId: null, agent: 'ask', cost: 2 }));
    expect(registry.usage({ jobId: 'FR-1-1' })).toEqual([
      {
        ...{ ...sums, agent: 'coder', model: 'm-1', responses: 2, unpriced: 110 },
        usage: { input: 200, cacheRead: 60, cacheWrite: 0, output: 20 },
      },
    ]);
    expect(registry.usage({ since: 2_000 }).map(({ responses }) => responses)).toEqual([1]);
    expect(registry.usage({}).map(({ agent }) => agent)).toEqual(['ask', 'coder']);
  });

  it('is summed by day, agent, model or job', () => {
    const day = (number: number) => new Date(2026, 0, number, 12).getTime();
    registry.recordUsage(aResponse({ at: day(2) }));
    registry.recordUsage(aResponse({ id: '2', at: day(1), cost: 3, model: 'm-2' }));
    registry.recordUsage(aResponse({ id: '3', at: day(2), jobId: null, agent: 'ask' }));
    const keys = (by: 'day' | 'agent' | 'model' | 'job') =>
      registry.usageBy(by, {}).map(({ key, responses, cost }) => [key, responses, cost]);
    expect(keys('day')).toEqual([
      ['2026-01-01', 1, 3],
      ['2026-01-02', 2, 1],
    ]);
    expect(keys('agent')).toEqual([
      ['coder', 2, 3.5],
      ['ask', 1, 0.5],
    ]);
    expect(keys('model')).toEqual([
      ['m-2', 1, 3],
      ['m-1', 2, 1],
    ]);
    expect(keys('job')).toEqual([
      ['FR-1-1', 2, 3.5],
      [null, 1, 0.5],
    ]);
    expect(registry.usageBy('day', { since: day(2) })).toEqual([
      { ...sums, key: '2026-01-02', responses: 2, cost: 1, usage: { ...usage, input: 200, cacheRead: 60, output: 20 } },
    ]);
  });

  it('counts while it goes on, and is put right at its end', () => {
    const open = aResponse({ open: true, estimated: true, cost: null, usage: { ...usage, output: 0 } });
    registry.recordUsage(open);
    expect(registry.usage({})).toMatchObject([{ responses: 1, estimated: 1, usage: { output: 0 }, unpriced: 100 }]);
    registry.recordUsage(aResponse({ model: 'm-1-of-june' }));
    expect(registry.usage({})).toEqual([{ ...sums, agent: 'coder', model: 'm-1-of-june' }]);
    expect(registry.closeUsage()).toBe(0);
  });

  it('is no more known than as estimated when a dead runner left it open, until somebody knows better', () => {
    registry.recordUsage(aResponse({ open: true, estimated: false }));
    expect(registry.closeUsage()).toBe(1);
    expect(registry.usage({})).toMatchObject([{ responses: 1, estimated: 1, usage }]);
    registry.recordUsage(aResponse({ usage: { ...usage, output: 99 } }));
    expect(registry.usage({})).toMatchObject([{ responses: 1, estimated: 0, usage: { output: 99 } }]);
  });

  it('is nothing where the provider did not take the call', () => {
    registry.recordUsage(aResponse({ open: true }));
    registry.dropUsage('response-1');
    expect(registry.usage({})).toEqual([]);
  });

  it('of a subscription costs no dollars, and takes parts of its windows', () => {
    const shares = [
      { lengthMs: 18_000_000, share: 0.25 },
      { lengthMs: 604_800_000, share: 0.125 },
    ];
    registry.recordUsage(aResponse({ subscription: true, shares }));
    registry.recordUsage(aResponse({ id: '2', subscription: true, shares: shares.slice(0, 1), cost: null }));
    registry.recordUsage(aResponse({ id: '3' }));
    expect(registry.usage({ jobId: 'FR-1-1' })).toMatchObject([
      {
        ...{ responses: 3, cost: 0.5, unpriced: 0, subscription: 220 },
        shares: [
          { endpoint: 'anthropic', lengthMs: 18_000_000, share: 0.5 },
          { endpoint: 'anthropic', lengthMs: 604_800_000, share: 0.125 },
        ],
      },
    ]);
  });

  it('belongs to a conversation that only the attempt’s own worker may name', () => {
    registry.commit(null, null, { insertAttempt: anAttempt({ id: 'a', owner: 'me' }) });
    registry.setSession('a', 'other', 'theirs');
    expect(registry.attempts('FR-1-1')[0]?.session).toBeNull();
    registry.setSession('a', 'me', 'mine');
    expect(registry.attempts('FR-1-1')[0]?.session).toBe('mine');
  });
});

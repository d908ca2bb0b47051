import { describe, expect, it } from 'vitest';
import { createAllowance } from '../../runner/server/allowance.ts';
import { createLockOut, networkOf } from '../../runner/server/lock-out.ts';
import { negotiate } from '../../runner/server/negotiate.ts';
import { viewersEvent, viewersResult } from '../../runner/server/redaction.ts';

describe('the version of the protocol', () => {
  it.each([
    { asked: 5, own: 5, protocol: 5 },
    { asked: 4, own: 5, protocol: 4 },
    { asked: 6, own: 5, protocol: 5 },
    { asked: 1, own: 1, protocol: 1 },
  ])('is $protocol between $asked and $own', ({ asked, own, protocol }) => {
    expect(negotiate(asked, own)).toEqual({ kind: 'agreed', protocol });
  });

  it.each([
    [7, 5, 'runner'],
    [3, 5, 'plugin'],
    [0, 1, 'plugin'],
    [-1, 1, 'plugin'],
  ])('is none between %i and %i: update the %s', (asked, own, side) => {
    expect(negotiate(asked, own)).toEqual({
      kind: 'refused',
      sentence: expect.stringContaining(`update the ${side}.`) as string,
    });
  });
});

describe('wrong codes and tokens', () => {
  const lab = () => {
    const clock = { at: 0 };
    return { clock, lockOut: createLockOut(() => clock.at) };
  };
  const fail = (lockOut: ReturnType<typeof createLockOut>, address: string, times: number): void => {
    for (let time = 0; time < times; time += 1) lockOut.failed(address);
  };

  it('lock their address out from the fifth on, each time for longer, up to an hour', () => {
    const { lockOut } = lab();
    fail(lockOut, '192.0.2.1', 4);
    expect(lockOut.wait('192.0.2.1')).toBe(0);
    const waits = Array.from({ length: 14 }, () => {
      lockOut.failed('192.0.2.1');
      return lockOut.wait('192.0.2.1');
    });
    expect(waits.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000]);
    expect(waits.at(-1)).toBe(3_600_000);
    expect(lockOut.wait('192.0.2.2')).toBe(0);
  });

  it('are forgotten in time', () => {
    const { lockOut, clock } = lab();
    fail(lockOut, '192.0.2.1', 5);
    clock.at = 2_000;
    expect(lockOut.wait('192.0.2.1')).toBe(0);
    lockOut.failed('192.0.2.1');
    expect(lockOut.wait('192.0.2.1')).toBe(4_000);
    clock.at += 7_200_000;
    lockOut.failed('192.0.2.1');
    expect(lockOut.wait('192.0.2.1')).toBe(0);
  });

  it('from everywhere together lock everybody out for ten minutes', () => {
    const { lockOut, clock } = lab();
    for (let host = 0; host < 200; host += 1) lockOut.failed(`192.0.2.${host}`);
    expect(lockOut.wait('198.51.100.1')).toBe(600_000);
    clock.at = 600_000;
    expect(lockOut.wait('198.51.100.1')).toBe(0);
  });

  it('are counted by the network that one customer has', () => {
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(networkOf('2001:0DB8:1:2::9')).toBe('2001:db8:1:2::/64');
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(networkOf('::1')).toBe('0:0:0:0::/64');
    expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('an allowance', () => {
  it('is so many at once, and so many more each second, and never more than that', () => {
    let now = 0;
    const allowance = createAllowance({ burst: 3, perSecond: 2 }, () => now);
    const taken = (tries: number): boolean[] => Array.from({ length: tries }, () => allowance.take());
    expect(taken(4)).toEqual([true, true, true, false]);
    now = 499;
    expect(taken(1)).toEqual([false]);
    now = 500;
    expect(taken(2)).toEqual([true, false]);
    now = 60_000;
    expect(taken(4)).toEqual([true, true, true, false]);
  });
});

describe('a viewer', () => {
  it('sees that something happened, and not what people wrote or who they are', () => {
    const event = {
      seq: 7,
      at: 1,
      type: 'approval.decided',
      jobId: 'FR-1-1',
      data: {
        gate: 'merge@12345678',
        kind: 'changes',
        comment: 'no',
        person: 'ada',
        inner: [{ device: 'phone', n: 1 }],
      },
      job: { job: 'FR-1-1', decisions: [{ person: 'ada' }] },
    };
    expect(viewersEvent(event)).toEqual({
      ...event,
      data: { gate: 'merge@12345678', kind: 'changes', inner: [{ n: 1 }] },
      job: { job: 'FR-1-1', decisions: [] },
    });
  });

  it('is answered in the same way', () => {
    const data = { person: 'ada', channel: 'cli' };
    const answer = { events: [{ seq: 1, type: 'x', data }], jobs: [{ decisions: [data], title: 'text' }], person: 1 };
    expect(viewersResult(answer)).toEqual({
      events: [{ seq: 1, type: 'x', data: { channel: 'cli' } }],
      jobs: [{ decisions: [], title: 'text' }],
      person: 1,
    });
  });

  it('is not told who has approved by why another one is waited for, neither with an event nor when it asks', () => {
    const error = { code: 'registry.approval-missing', message: '1 of 2 approvals: ada approved FR-1-1.', hint: null };
    const job = { job: 'FR-1-1', sentence: error.message, error };
    const event = { seq: 7, at: 1, type: 'approval.requested', jobId: 'FR-1-1', data: {}, job };
    const seen = [viewersEvent(event).job, viewersResult({ jobs: [job] }), viewersResult({ ...job, error: null })];
    expect(JSON.stringify(seen.slice(0, 2))).not.toContain('ada');
    expect(seen[0]).toEqual((seen[1] as { jobs: unknown[] }).jobs[0]);
    expect(seen[2]).toMatchObject({ sentence: error.message });
  });
});

import { describe, expect, it } from 'vitest';
import type { OutputBatch } from '../../runner/core/live-output.ts';
import { createLiveOutput, type LiveOutput } from '../../runner/engine/live-output.ts';
import type { LiveEvent } from '../../shared/domain/live-output.ts';
import { collectLog } from '../support/server-stand-in.ts';

const about = (job: string) => ({ job, attempt: `${job}.code`, stage: 'code' as const });
const said = (text: string): LiveEvent => ({ kind: 'text', text });
const ended: LiveEvent = { kind: 'ended', status: 'passed', sentence: 'done' };

function hub(limits: { readonly keptBytes?: number; readonly waitingBytes?: number } = {}, jobs = ['A-1']): LiveOutput {
  const live = createLiveOutput({ clock: { now: () => 7 }, log: collectLog(), ...limits });
  for (const job of jobs) live.tell(about(job), { kind: 'started', round: 0, try: 1, agent: 'coder' });
  return live;
}

/** Takes everything at once, and keeps it. */
function listenTo(live: LiveOutput, job: string | null) {
  const batches: OutputBatch[] = [];
  const subscription = live.subscribe(job, (batch) => {
    batches.push(batch);
  });
  return {
    ...subscription,
    entries: () => batches.flatMap(({ entries }) => entries),
    texts: () =>
      batches.flatMap(({ entries }) => entries).flatMap(({ event }) => (event.kind === 'text' ? event.text : [])),
    dropped: () => batches.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}

/** At work on its first batch until it is let go. */
function slowListener(live: LiveOutput) {
  const go = Promise.withResolvers<undefined>();
  const batches: OutputBatch[] = [];
  const subscription = live.subscribe('A-1', async (batch) => {
    batches.push(batch);
    await go.promise;
  });
  return { ...subscription, batches, go: go.resolve.bind(null, undefined) };
}

const heap = (batch: OutputBatch | undefined): number => JSON.stringify(batch?.entries).length;

describe('what happens in attempts', () => {
  it('reaches whoever listens, in order, each with where and when it happened', async () => {
    const live = hub();
    const listener = listenTo(live, 'A-1');
    live.tell(about('A-1'), { kind: 'tool-call', id: '1', name: 'read', input: '{}' });
    live.tell(about('A-1'), said('Read.'));
    await listener.taken();
    expect(listener.entries().map(({ event }) => event.kind)).toEqual(['started', 'tool-call', 'text']);
    expect(listener.entries()[2]).toMatchObject({ number: 3, at: 7, job: 'A-1', attempt: 'A-1.code', stage: 'code' });
  });

  it('stays within its job, but for who listens to all of them', async () => {
    const live = hub({}, ['A-1', 'B-1']);
    const [one, other, all] = [listenTo(live, 'A-1'), listenTo(live, 'B-1'), listenTo(live, null)];
    live.tell(about('A-1'), said('of A'));
    live.tell(about('B-1'), said('of B'));
    await all.taken();
    expect([one.texts(), other.texts(), all.texts()]).toEqual([['of A'], ['of B'], ['of A', 'of B']]);
  });

  it('is told in its last part to who comes later, until the job rests', async () => {
    const live = hub({ keptBytes: 10_000 });
    for (let count = 1; count <= 500; count += 1) live.tell(about('A-1'), said(`line ${count}`));
    const late = listenTo(live, 'A-1');
    await late.taken();
    expect(late.texts().length).toBeLessThan(50);
    expect(late.texts().at(-1)).toBe('line 500');
    expect(late.dropped()).toBe(0);
    live.release('A-1');
    const tooLate = listenTo(live, 'A-1');
    live.tell(about('A-1'), said('line 501'));
    await tooLate.taken();
    expect(tooLate.texts()).toEqual(['line 501']);
    expect(late.texts().at(-1)).toBe('line 501');
  });

  it('ends with the attempt', async () => {
    const live = hub();
    const listener = listenTo(live, 'A-1');
    live.print(about('A-1'), 'no line end');
    live.tell(about('A-1'), ended);
    live.tell(about('A-1'), said('of a process that outlived it'));
    live.print(about('A-1'), 'and printed\n');
    await listener.taken();
    expect(listener.entries().map(({ event }) => event.kind)).toEqual(['started', 'text', 'ended']);
  });

  it('bears no credential and no more of a text than is read', async () => {
    const live = hub();
    const listener = listenTo(live, 'A-1');
    live.tell(about('A-1'), { kind: 'tool-result', id: '1', ok: true, output: 'key sk-abcdefghijklmnopqrstuv' });
    live.print(about('A-1'), 'key sk-abcdefghij');
    live.print(about('A-1'), 'klmnopqrstuv\n');
    live.tell(about('A-1'), said('x'.repeat(1_000_000)));
    await listener.taken();
    const told = JSON.stringify(listener.entries());
    expect(told.match(/\[redacted\]/g)).toHaveLength(2);
    expect(told).not.toContain('klmnop');
    expect(told.length).toBeLessThan(10_000);
  });

  it('is of printed pieces whole lines, each as it was shown last', async () => {
    const live = hub();
    const listener = listenTo(live, 'A-1');
    for (const piece of ['one\nt', 'wo\r\n10 %\r55 %\r', '100 %\nthr', 'ee']) live.print(about('A-1'), piece);
    live.tell(about('A-1'), ended);
    await listener.taken();
    expect(listener.texts().join('\n').split('\n')).toEqual(['one', 'two', '100 %', 'three']);
  });
});

describe('a listener that is slow', () => {
  it('holds up nobody, and is told how much it missed', async () => {
    const live = hub({ waitingBytes: 20_000 });
    const slow = slowListener(live);
    const quick = listenTo(live, 'A-1');
    await quick.taken();
    for (let count = 1; count <= 1_000; count += 1) {
      live.tell(about('A-1'), said(`line ${count}`));
      await quick.taken();
    }
    expect(quick.texts()).toHaveLength(1_000);
    expect(slow.batches).toHaveLength(1);
    slow.go();
    await slow.taken();
    const [, missed] = slow.batches;
    expect(missed?.dropped).toBeGreaterThan(800);
    expect((missed?.dropped ?? 0) + (missed?.entries.length ?? 0)).toBe(1_000);
    expect(missed?.entries.at(-1)?.event).toEqual(said('line 1000'));
    expect(heap(missed)).toBeLessThan(20_000);
  });

  it('misses an entry that is larger than all that may wait', async () => {
    const live = hub({ waitingBytes: 2_000 });
    const slow = slowListener(live);
    live.tell(about('A-1'), said('x'.repeat(3_000)));
    slow.go();
    await slow.taken();
    expect(slow.batches.map(({ entries, dropped }) => [entries.length, dropped])).toEqual([[0, 2]]);
  });
});

it('a listener that breaks, or has unsubscribed, is not called again', async () => {
  const live = hub();
  let calls = 0;
  const broken = live.subscribe('A-1', () => {
    calls += 1;
    throw new Error('gone');
  });
  const left = listenTo(live, 'A-1');
  await broken.taken();
  await left.taken();
  left.unsubscribe();
  live.tell(about('A-1'), said('more'));
  await Promise.all([broken.taken(), left.taken()]);
  expect(calls).toBe(1);
  expect(left.texts()).toEqual([]);
});

import type * as obsidian from 'obsidian';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tellOfEvents } from '../../plugin/notices.ts';
import { defaultSettings, type Settings } from '../../plugin/stored-settings.ts';
import type { WireEvent } from '../../shared/protocol/wire.ts';
import { emptyState, type RunnerState } from '../../shared/view-model/runner-state.ts';
import type { ViewHost } from '../../shared/view/host.ts';
import { FakeElement } from '../support/fake-element.ts';
import { boardJob } from '../support/wire-lab.ts';

const hash = '1234e567'.repeat(8);
const asking = { status: 'waiting', waitingFor: 'approval', gate: 'merge@1234e567', gateHash: hash } as const;
const broken = { status: 'waiting', waitingFor: 'human' } as const;
const lost: RunnerState['connection'] = { kind: 'lost', since: 0, nextTryAt: 0, tries: 1, lastHeardAt: null };

const decision = (job: string): WireEvent => ({
  ...{ seq: 1, at: 0, type: 'approval.requested', jobId: job, data: { hash } },
  job: boardJob(job, asking),
});
const failure: WireEvent = {
  ...{ seq: 2, at: 0, type: 'job.waiting', jobId: 'FR-2-1', data: { waitingFor: 'human' } },
  job: boardJob('FR-2-1', broken),
};
const finished: WireEvent = {
  ...{ seq: 3, at: 0, type: 'job.succeeded', jobId: 'FR-3-1', data: {} },
  job: boardJob('FR-3-1'),
};
const others = ['job.created', 'job.queued', 'stage.started', 'stage.finished', 'approval.decided', 'job.canceled'].map(
  (type): WireEvent => ({ ...finished, type }),
);

let told: string[];

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  // Whatever a notice says is set as the text of an element.
  vi.stubGlobal('createDiv', () => new NoticeElement());
  vi.stubGlobal('window', globalThis);
});
afterEach(() => {
  vi.useRealTimers();
});

class NoticeElement extends FakeElement {
  override createDiv(): FakeElement {
    const element = new FakeElement();
    Object.defineProperty(element, 'textContent', { set: (text: string) => told.push(text) });
    return element;
  }
}

function start(settings: Partial<Settings> = {}) {
  let state = emptyState;
  const onEvent: ((event: WireEvent) => void)[] = [];
  const onChange: ((now: RunnerState) => void)[] = [];
  const ends: (() => void)[] = [];
  tellOfEvents({
    plugin: { register: (end: () => void) => ends.push(end) } as unknown as obsidian.Plugin,
    connection: {
      state: () => state,
      onEvent: (listener) => {
        onEvent.push(listener);
        return () => undefined;
      },
      onChange: (listener) => {
        onChange.push(listener);
        return () => undefined;
      },
    },
    host: {} as ViewHost,
    settings: () => ({ ...defaultSettings, ...settings }),
  });
  return {
    happens(...events: WireEvent[]) {
      for (const event of events) for (const listener of onEvent) listener(event);
      vi.advanceTimersByTime(1_000);
    },
    is(connection: RunnerState['connection']) {
      state = { ...state, connection };
      for (const listener of onChange) listener(state);
    },
    unload() {
      for (const end of ends) end();
    },
  };
}

it('tells of decisions, failures and finished jobs, and of nothing else that happens', () => {
  const runner = start();
  runner.happens(...others);
  expect(told).toEqual([]);
  runner.happens(decision('FR-1-1'), failure, finished);
  expect(told).toEqual([
    expect.stringContaining('asks for a decision about the commit 1234e567'),
    expect.stringContaining('needs a person'),
    expect.stringContaining('is done'),
  ]);
});

it('tells in one notice of what comes together', () => {
  const runner = start();
  runner.happens(decision('FR-1-1'), decision('FR-2-1'), decision('FR-2-1'));
  expect(told).toEqual(['2 jobs ask for a decision: FR-1, FR-2.']);
});

it.each([
  ['noticeDecisions', 'asks for a decision'],
  ['noticeFailures', 'needs a person'],
  ['noticeFinished', 'is done'],
  ['noticeDeadRunner', 'has not been reached'],
] as const)('is silent about one kind alone where %s is off', (key, words) => {
  const runner = start({ [key]: false });
  runner.happens(decision('FR-1-1'), failure, finished);
  runner.is(lost);
  vi.advanceTimersByTime(15_000);
  expect(told).toHaveLength(3);
  expect(told.join('\n')).not.toContain(words);
});

it('tells once of a runner that is not reached for 15 seconds, again only after it was there', () => {
  const runner = start();
  const isThere: RunnerState['connection'] = { kind: 'connected', since: 0 };
  runner.is(lost);
  vi.advanceTimersByTime(14_000);
  runner.is(isThere);
  vi.advanceTimersByTime(15_000);
  expect(told).toEqual([]);
  runner.is(lost);
  vi.advanceTimersByTime(15_000);
  runner.is({ ...lost });
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([expect.stringContaining('The runner has not been reached for 15 seconds.')]);
  runner.is(isThere);
  runner.is(lost);
  vi.advanceTimersByTime(15_000);
  expect(told).toHaveLength(2);
});

it('says nothing after it was unloaded', () => {
  const runner = start();
  runner.is(lost);
  runner.unload();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([]);
});

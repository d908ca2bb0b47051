import type { RunnerState } from '../../view-model/runner-state.ts';
import { withEvent, withHello, withParts, withSnapshot } from '../../view-model/runner-state-changes.ts';
import type { MethodResult } from '../methods.ts';
import type { HelloResult, WireEvent, WireState } from '../wire.ts';
import type { ClientPlatform } from './runner-client.ts';

/** So long an event that is known to exist may be on its way. */
const patienceMs = 2_000;
/** Between two snapshots of which the first left a gap. */
const snapshotPauseMs = 1_000;
const mostHeld = 10_000;

/** Keeps a state equal to the runner's by snapshots and gapless events. */
export interface Synchronizer {
  greeted(hello: HelloResult): void;
  event(event: WireEvent): void;
  parts(parts: WireState): void;
  /** The runner's newest event is this one. */
  newest(seq: number): void;
  /** The connection ended; what was asked for does not come. */
  stop(): void;
}

export interface SynchronizerOptions {
  readonly platform: Pick<ClientPlatform, 'after'>;
  readonly state: () => RunnerState;
  readonly change: (state: RunnerState) => void;
  /** Each once and in order, after the state has taken it. */
  readonly deliver: (event: WireEvent) => void;
  readonly fetchSnapshot: () => Promise<MethodResult<'board.get'>>;
  /** The state is the runner's, for the first time on this connection. */
  readonly onCurrent: () => void;
  /** No snapshot can be had on this connection. */
  readonly onFailure: (thrown: unknown) => void;
}

export function createSynchronizer(options: SynchronizerOptions): Synchronizer {
  const { platform, state, change, deliver, fetchSnapshot, onCurrent, onFailure } = options;
  /** While a snapshot is asked for, which only its own answer may end. */
  let request: object | null = null;
  let epoch = '';
  let delivered = 0;
  let isCurrent = false;
  const held = new Map<number, WireEvent>();
  let heldParts: WireState[] = [];
  let cancelPatience: (() => void) | null = null;
  let cancelPause: (() => void) | null = null;

  const known = (): number => state().cursor?.seq ?? -1;

  function stop(): void {
    cancelPatience?.();
    cancelPause?.();
    cancelPatience = null;
    cancelPause = null;
    request = null;
    held.clear();
    heldParts = [];
  }

  function current(): void {
    if (isCurrent) return;
    isCurrent = true;
    onCurrent();
  }

  function ask(): void {
    const mine = {};
    request = mine;
    fetchSnapshot().then(
      (snapshot) => {
        if (request === mine) taken(snapshot);
      },
      (thrown: unknown) => {
        if (request === mine) onFailure(thrown);
      },
    );
  }

  function taken(snapshot: MethodResult<'board.get'>): void {
    if (snapshot.epoch !== epoch) {
      onFailure(new Error('the snapshot counts by another epoch than the connection'));
      return;
    }
    request = null;
    change(withSnapshot(state(), snapshot));
    const events = [...held.values()].sort((one, other) => one.seq - other.seq);
    held.clear();
    const parts = heldParts;
    heldParts = [];
    let left = false;
    for (const event of events) {
      // What comes behind a gap waits for the next snapshot.
      if (left || !apply(event)) {
        held.set(event.seq, event);
        left = true;
      }
    }
    change(parts.reduce(withParts, state()));
    if (left) {
      request = {};
      cancelPause = platform.after(snapshotPauseMs, ask);
      return;
    }
    current();
  }

  /** False when something between the state and the event is missing. */
  function apply(event: WireEvent): boolean {
    if (event.seq > known() + 1) return false;
    if (event.seq === known() + 1) change(withEvent(state(), event));
    if (event.seq > delivered) {
      delivered = event.seq;
      deliver(event);
    }
    return true;
  }

  function newest(seq: number): void {
    if (seq <= known() || cancelPatience !== null) return;
    cancelPatience = platform.after(patienceMs, () => {
      cancelPatience = null;
      if (known() < seq && request === null) ask();
    });
  }

  return {
    greeted(hello) {
      stop();
      isCurrent = false;
      epoch = hello.epoch;
      const before = state().cursor;
      const isSameCount = before !== null && before.epoch === hello.epoch && before.seq <= hello.seq;
      delivered = isSameCount ? before.seq : 0;
      change(withHello(state(), hello));
      if (!hello.resumed || !isSameCount || state().runner === null) {
        ask();
        return;
      }
      newest(hello.seq);
      current();
    },
    event(event) {
      if (request === null && apply(event)) return;
      if (held.size < mostHeld) held.set(event.seq, event);
      if (request === null) ask();
    },
    parts(parts) {
      if (request === null) change(withParts(state(), parts));
      else if (heldParts.length < mostHeld) heldParts.push(parts);
      else heldParts = [...heldParts.slice(1), parts];
    },
    newest,
    stop,
  };
}

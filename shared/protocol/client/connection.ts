import { toOpusError } from '../../domain/errors.ts';
import type { ConnectionState } from '../../view-model/runner-state.ts';
import { aliveEveryMs, closeCodes, deadAfterMs } from '../wire.ts';
import type { ClientPlatform, ClientSocket } from './runner-client.ts';

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** So long a probe may stay without an answer, where the socket may be dead since the machine slept. */
const probeMs = 3_000;
/** While a large message arrives nothing else is heard; a line that is slower than this does not count as one. */
const slowestBytesPerMs = 40;
/** Whoever was heard since then needs no probe. */
const freshMs = aliveEveryMs + 1_000;

/** Keeps one socket to the runner up, until it is closed. */
export interface Connection {
  /** False where there is none. */
  send(text: string): boolean;
  /** The runner said who it is: from now on anything heard means that it is there. */
  greeted(): void;
  /** The next message is that large. */
  announced(bytes: number): void;
  /** What is known is as the runner says. */
  current(): void;
  /** The socket is of no use any more; another one is tried. */
  drop(): void;
  refuse(reason: 'unauthorized' | 'version' | 'address', sentence: string): void;
  start(): void;
  wake(): void;
  close(): void;
}

export interface ConnectionOptions {
  /** Throws for an address that cannot be one. */
  readonly address: () => string;
  readonly platform: ClientPlatform;
  readonly change: (state: ConnectionState) => void;
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onEnd: () => void;
  /** Sends something that is answered at once. */
  readonly probe: () => void;
}

export function createConnection(options: ConnectionOptions): Connection {
  const { address, platform, change, onOpen, onText, onEnd, probe } = options;
  let socket: ClientSocket | null = null;
  let isOpen = false;
  let isGreeted = false;
  /** Of the newest try; what an older socket still says is passed over. */
  let attempt = 0;
  let tries = 0;
  let lostSince: number | null = null;
  let lastHeardAt: number | null = null;
  let isHeldOff = false;
  let state: ConnectionState = { kind: 'unpaired' };
  const timers: { silence: (() => void) | null; retry: (() => void) | null; steady: (() => void) | null } = {
    silence: null,
    retry: null,
    steady: null,
  };

  function become(next: ConnectionState): void {
    state = next;
    change(next);
  }

  function stopTimers(): void {
    for (const name of ['silence', 'retry', 'steady'] as const) {
      timers[name]?.();
      timers[name] = null;
    }
  }

  function expectWithin(milliseconds: number): void {
    timers.silence?.();
    const mine = attempt;
    timers.silence = platform.after(milliseconds, () => {
      if (mine === attempt) lost(null);
    });
  }

  function connect(): void {
    stopTimers();
    const mine = ++attempt;
    isHeldOff = false;
    if (lostSince === null) become({ kind: 'connecting', since: platform.now() });
    // One time for opening and greeting: a runner that accepts and says nothing is as dead as one that does not accept.
    expectWithin(deadAfterMs);
    try {
      const opened = platform.openSocket(address(), {
        opened() {
          if (mine !== attempt) return;
          isOpen = true;
          onOpen();
        },
        received(text) {
          if (mine !== attempt) return;
          lastHeardAt = platform.now();
          if (isGreeted) expectWithin(deadAfterMs);
          onText(text);
        },
        closed(code, reason) {
          if (mine !== attempt) return;
          socket = null;
          ended(code, reason);
        },
      });
      if (mine === attempt) socket = opened;
      else opened.close();
    } catch (thrown) {
      const { message, hint } = toOpusError(thrown);
      refuse('address', hint === null ? message : `${message} ${hint}`);
    }
  }

  function ended(code: number, reason: string): void {
    switch (code) {
      case closeCodes.unauthorized:
        refuse('unauthorized', 'The runner does not know this device any more. Pair it again.');
        return;
      case closeCodes.version:
        refuse('version', reason === '' ? 'The plugin and the runner do not speak a common version.' : reason);
        return;
      case closeCodes.tooMany:
        // Whoever is locked out for trying too often must not try at once.
        isHeldOff = true;
        lost(longestDelayMs * (1 + platform.random()));
        return;
      default:
        lost(null);
    }
  }

  function leave(): void {
    attempt += 1;
    stopTimers();
    const before = socket;
    socket = null;
    isOpen = false;
    isGreeted = false;
    before?.close();
    onEnd();
  }

  function lost(waitMs: number | null): void {
    leave();
    tries += 1;
    const longest = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(tries - 1, 10));
    const delay = waitMs ?? platform.random() * longest;
    lostSince ??= platform.now();
    become({ kind: 'lost', since: lostSince, nextTryAt: platform.now() + delay, tries, lastHeardAt });
    timers.retry = platform.after(delay, connect);
  }

  function refuse(reason: 'unauthorized' | 'version' | 'address', sentence: string): void {
    leave();
    lostSince = null;
    become({ kind: 'refused', reason, sentence });
  }

  function wasJustHeard(): boolean {
    const silence = platform.now() - (lastHeardAt ?? -Infinity);
    // The clock may have been set back.
    return isGreeted && silence >= 0 && silence <= freshMs;
  }

  return {
    send(text) {
      if (socket === null || !isOpen) return false;
      try {
        socket.send(text);
        return true;
      } catch {
        // A socket that is closing says so by itself.
        return false;
      }
    },
    greeted() {
      isGreeted = true;
      expectWithin(deadAfterMs);
    },
    announced(bytes) {
      if (isGreeted) expectWithin(deadAfterMs + bytes / slowestBytesPerMs);
    },
    current() {
      lostSince = null;
      become({ kind: 'connected', since: platform.now() });
      // A runner that takes everybody and ends at once is not to be asked twice a second.
      timers.steady = platform.after(deadAfterMs, () => {
        tries = 0;
      });
    },
    drop() {
      lost(null);
    },
    refuse,
    start: connect,
    wake() {
      switch (state.kind) {
        case 'refused':
          connect();
          return;
        case 'lost':
          if (socket === null && !isHeldOff) {
            become({ ...state, nextTryAt: platform.now() });
            connect();
          } else if (socket !== null) {
            expectWithin(probeMs);
            if (isGreeted) probe();
          }
          return;
        case 'connecting':
        case 'connected':
          if (wasJustHeard()) return;
          expectWithin(probeMs);
          if (isGreeted) probe();
          return;
        case 'unpaired':
          return;
      }
    },
    close() {
      leave();
      state = { kind: 'unpaired' };
    },
  };
}

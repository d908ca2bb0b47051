import { isIPv6 } from 'node:net';
import { OpusError } from '#shared/domain/errors.ts';

/** Counts wrong secrets by where they come from. Nothing is counted against whoever has a right one. */
export interface LockOut {
  /** Milliseconds until that address may try again; 0 when it may now. */
  wait(address: string): number;
  failed(address: string): void;
}

const freeTries = 5;
const firstMs = 2_000;
const longestMs = 3_600_000;
/** Without a wrong secret for so long an address begins anew. */
const forgottenMs = 2 * longestMs;
const mostAddresses = 10_000;
/** Of all addresses together, in ten minutes: many may be one. */
const mostOfAll = 200;
const windowMs = 600_000;

interface Tries {
  readonly count: number;
  readonly at: number;
  readonly until: number;
}

export function createLockOut(now: () => number): LockOut {
  const tried = new Map<string, Tries>();
  let window = { from: now(), count: 0 };

  function known(address: string): Tries | null {
    const tries = tried.get(address);
    if (tries === undefined || now() - tries.at < forgottenMs) return tries ?? null;
    tried.delete(address);
    return null;
  }

  function failures(): number {
    if (now() - window.from >= windowMs) window = { from: now(), count: 0 };
    return window.count;
  }

  return {
    wait(address) {
      const ofAll = failures() >= mostOfAll ? window.from + windowMs - now() : 0;
      return Math.max(0, ofAll, (known(networkOf(address))?.until ?? 0) - now());
    },
    failed(address) {
      const network = networkOf(address);
      const count = (known(network)?.count ?? 0) + 1;
      window = { ...window, count: failures() + 1 };
      const locked = count < freeTries ? 0 : Math.min(longestMs, firstMs * 2 ** (count - freeTries));
      // The newest last, so that the first is the one to give way.
      tried.delete(network);
      tried.set(network, { count, at: now(), until: now() + locked });
      const [oldest] = tried.keys();
      if (tried.size > mostAddresses && oldest !== undefined) tried.delete(oldest);
    },
  };
}

/** Of IPv6 the half that is given to one customer: the rest of it is theirs to choose. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

export function lockedOut(waitMs: number): OpusError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new OpusError('protocol.too-many', `Too many wrong codes or tokens came from there; wait ${seconds} s.`, {
    until: Date.now() + waitMs,
  });
}

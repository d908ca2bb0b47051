import type { WindowReading } from './ports/gateway.ts';
import type { UsedShare } from './ports/job-registry.ts';

/** How a window of a subscription was when it was last heard of, or counted. */
export interface WindowState {
  /** 1 is all of it. */
  readonly share: number;
  /** Milliseconds since the epoch; null where the provider does not say. */
  readonly resetsAt: number | null;
  readonly at: number;
}

/** By endpoint, then by length in milliseconds. */
export type WindowStates = Readonly<Record<string, Readonly<Record<string, WindowState>>>>;

/** What a response took of its subscription. */
export interface WindowUse {
  readonly endpoint: string;
  /** When the provider was asked. */
  readonly at: number;
  readonly tokens: number;
  readonly windows: readonly WindowReading[];
}

/**
 * A provider tells how full a window is and not what a response took of it: that is the difference to what it told before.
 * After so long, others that use the subscription may have made it, and it is nobody's.
 */
const oneWorkerMs = 15 * 60_000;

/** `given` is what the subscription gives, for providers that tell nothing. */
export function useWindows(
  states: WindowStates,
  use: WindowUse,
  given: { readonly tokens: number; readonly every: number } | null,
): { readonly states: WindowStates; readonly shares: readonly Omit<UsedShare, 'endpoint'>[] } {
  const before = Object.hasOwn(states, use.endpoint) ? (states[use.endpoint] ?? {}) : {};
  const after: Record<string, WindowState> = { ...before };
  const shares: Omit<UsedShare, 'endpoint'>[] = [];
  for (const { lengthMs, share, resetsAt } of use.windows) {
    const last = before[String(lengthMs)];
    if (last === undefined || use.at >= last.at) after[String(lengthMs)] = { share, resetsAt, at: use.at };
    if (last === undefined || use.at - last.at > oneWorkerMs) continue;
    const isAnew = last.resetsAt !== null && (use.at >= last.resetsAt || later(resetsAt, last.resetsAt, lengthMs));
    shares.push({ lengthMs, share: Math.max(0, isAnew ? share : share - last.share) });
  }
  if (use.windows.length === 0 && given !== null) {
    const last = before[String(given.every)];
    const share = use.tokens / given.tokens;
    const isOpen = last !== undefined && last.resetsAt !== null && use.at < last.resetsAt;
    after[String(given.every)] = isOpen
      ? { share: last.share + share, resetsAt: last.resetsAt, at: use.at }
      : { share, resetsAt: use.at + given.every, at: use.at };
    shares.push({ lengthMs: given.every, share });
  }
  return { states: { ...states, [use.endpoint]: after }, shares };
}

/** Whether it ends with the next window; times that are told in seconds from now waver. */
function later(resetsAt: number | null, before: number, lengthMs: number): boolean {
  return resetsAt !== null && resetsAt - before > lengthMs / 2;
}

export interface WindowNow {
  readonly endpoint: string;
  readonly lengthMs: number;
  readonly share: number;
  /** Null where it is not known, and for a window that has not begun. */
  readonly resetsAt: number | null;
  /** When that was heard, or counted. */
  readonly at: number;
}

/** The windows as they are now, as far as that is known; the shortest of each endpoint first. */
export function windowsNow(states: WindowStates, now: number): readonly WindowNow[] {
  return Object.entries(states).flatMap(([endpoint, windows]) =>
    Object.entries(windows)
      .map(([length, { share, resetsAt, at }]): WindowNow => {
        const isOver = resetsAt !== null && resetsAt <= now;
        return {
          endpoint,
          lengthMs: Number(length),
          share: isOver ? 0 : share,
          resetsAt: isOver ? null : resetsAt,
          at,
        };
      })
      .filter(({ resetsAt, share, lengthMs, at }) => resetsAt !== null || share === 0 || at + lengthMs > now)
      .sort((left, right) => left.lengthMs - right.lengthMs),
  );
}

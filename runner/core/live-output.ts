import type { LiveEntry, LiveEvent } from '#shared/domain/live-output.ts';
import { redact } from './redact.ts';

export interface OutputBatch {
  readonly entries: readonly LiveEntry[];
  /** How many before these were left out, since the listener was at work for too long. */
  readonly dropped: number;
}

/** Is given the next batch when it has settled; meanwhile entries wait, the oldest giving way. One that rejects is unsubscribed. */
export type OutputListener = (batch: OutputBatch) => Promise<void> | void;

export interface OutputSubscription {
  /** The listener is not called again. May be called twice. */
  unsubscribe(): void;
  /** Settles when the listener has taken what was told until now, or is unsubscribed. */
  taken(): Promise<void>;
}

/** Of one text of an event; the log file has all of it. */
const longestText = 8_000;
/** Looking for credentials takes time; nothing behind this is shown. */
const longestLookedAt = 4 * longestText;

/** The event as others may see it: without credentials, and no longer than anybody reads. */
export function shownEvent(event: LiveEvent): LiveEvent {
  const shown = Object.entries(event).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === 'string' && key !== 'kind' ? shownText(value) : value,
  ]);
  return Object.fromEntries(shown) as LiveEvent;
}

function shownText(text: string): string {
  const safe = redact(text.slice(0, longestLookedAt));
  if (safe.length <= longestText && text.length <= longestLookedAt) return safe;
  // Not through the middle of a character.
  const end = /[\uD800-\uDBFF]/.test(safe[longestText - 1] ?? '') ? longestText - 1 : longestText;
  return `${safe.slice(0, end)}…`;
}

/** About what an entry takes in memory. */
function sizeOf(entry: LiveEntry): number {
  return Object.values(entry.event as unknown as Record<string, unknown>).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? 2 * value.length : 8),
    200,
  );
}

/** Entries in order, within so many bytes: the oldest give way. */
export class EntryQueue {
  readonly #most: number;
  #entries: { readonly entry: LiveEntry; readonly size: number }[] = [];
  /** Those before it have given way; moving the others each time would take longer than keeping their places. */
  #first = 0;
  #size = 0;
  #dropped = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  push(entry: LiveEntry): void {
    const size = sizeOf(entry);
    this.#entries.push({ entry, size });
    this.#size += size;
    while (this.#size > this.#most && this.#first < this.#entries.length) {
      this.#size -= this.#entries[this.#first]?.size ?? 0;
      this.#first += 1;
      this.#dropped += 1;
    }
    if (this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }

  get entries(): readonly LiveEntry[] {
    return this.#entries.slice(this.#first).map(({ entry }) => entry);
  }

  get isEmpty(): boolean {
    return this.#first === this.#entries.length && this.#dropped === 0;
  }

  take(): OutputBatch {
    const batch = { entries: this.entries, dropped: this.#dropped };
    this.#entries = [];
    this.#first = 0;
    this.#size = 0;
    this.#dropped = 0;
    return batch;
  }
}

/** Output that comes in pieces, as the lines that a terminal would show in the end. */
export class PrintedLines {
  #pending = '';

  /** The lines that are whole now, joined; empty when there is none. */
  take(text: string): string {
    const whole = this.#pending + text;
    const end = whole.length > longestText ? whole.length : whole.lastIndexOf('\n') + 1;
    this.#pending = whole.slice(end);
    return asShown(whole.slice(0, end));
  }

  /** What came without a line end. */
  finish(): string {
    const rest = this.#pending;
    this.#pending = '';
    return asShown(rest);
  }
}

/** A bar that is drawn again and again counts as what it showed last. */
function asShown(lines: string): string {
  return lines
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').split('\r').at(-1) ?? '')
    .join('\n');
}

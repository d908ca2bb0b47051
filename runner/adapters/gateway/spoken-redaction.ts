import type { Redaction } from '../../core/blank-out.ts';
import { parsedJson } from './json-fields.ts';

type RedactedStream = ReturnType<Redaction['stream']>;

/** One event of a stream. */
interface StreamEvent {
  readonly bytes: Buffer;
  readonly data: unknown;
  isChanged: boolean;
}

/** A text in an event's data, which later events may go on with at the same place. */
interface Leaf {
  readonly event: StreamEvent;
  readonly path: string;
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** A part of what was said at one place: `length` characters of a leaf. */
interface Part {
  readonly leaf: Leaf;
  readonly start: number;
  readonly length: number;
}

const mostPending = 1024 ** 2;
const mostHeld = 1_000;
const deepest = 12;
/** So few characters of a secret's beginning tell nothing, and end too many words to wait for the next one. */
const mostTold = 3;

/** For the answer of a provider that was called with this secret: neither its bytes nor what they say together hold it. */
export function answerRedaction(redaction: Redaction, secret: string | null, contentType: string): RedactedStream {
  const bytes = redaction.stream();
  if (secret === null || !contentType.startsWith('text/event-stream')) return bytes;
  const spoken = createSpokenRedaction(secret);
  return {
    push: (chunk) => spoken.push(bytes.push(chunk)),
    end: () => Buffer.concat([spoken.push(bytes.end()), spoken.end()]),
  };
}

/**
 * Models speak in small pieces, so that a secret in what they say stands in no event as a whole. What ends like the
 * beginning of one is held back until the event that goes on with it, or does not.
 */
function createSpokenRedaction(secret: string): RedactedStream {
  const ending = endingLike(secret);
  let pending: Buffer = Buffer.alloc(0);
  let held: StreamEvent[] = [];
  /** By the place in an event: what ends there like the beginning of a secret. */
  const open = new Map<string, readonly Part[]>();

  const release = (): Buffer[] => {
    const released = held.map(bytesOf);
    held = [];
    return released;
  };

  const say = (leaf: Leaf): void => {
    const value = String(leaf.holder[leaf.key]);
    const parts = [...(open.get(leaf.path) ?? []), { leaf, start: 0, length: value.length }];
    const text = parts.map(textOf).join('');
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + secret.length)) {
      for (const part of within(parts, at, at + secret.length)) blank(part);
    }
    // Read anew: what was blanked begins nothing.
    const said = parts.map(textOf).join('');
    const kept = beginningAtEnd(said, secret);
    if (kept === 0) open.delete(leaf.path);
    else open.set(leaf.path, within(parts, said.length - kept, said.length));
  };

  const take = (bytes: Buffer): Buffer[] => {
    // Nearly every event is of this kind, and is not worth reading.
    if (open.size === 0 && !ending.test(bytes.toString('latin1'))) return [bytes];
    const data = dataOf(bytes);
    const event: StreamEvent = { bytes, data, isChanged: false };
    const leaves = leavesOf(event, data);
    const isBetween = leaves.length === 0 || isPing(data);
    const goesOn = isBetween || leaves.some(({ path }) => open.has(path));
    if (!goesOn) open.clear();
    const released = goesOn && held.length < mostHeld ? [] : release();
    held.push(event);
    if (!isBetween) for (const leaf of leaves) say(leaf);
    const waits = [...open.values()].some((parts) => parts.map(textOf).join('').length > mostTold);
    return waits ? released : [...released, ...release()];
  };

  return {
    push: (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const passed: Buffer[] = [];
      const whole = open.size === 0 ? lastEndOfEvent(pending) : 0;
      if (whole > 0 && !ending.test(pending.toString('latin1', 0, whole))) {
        passed.push(pending.subarray(0, whole));
        pending = pending.subarray(whole);
      }
      for (let end = endOfEvent(pending); end > 0; end = endOfEvent(pending)) {
        passed.push(...take(pending.subarray(0, end)));
        pending = pending.subarray(end);
      }
      if (pending.length > mostPending) {
        passed.push(...release(), pending);
        pending = Buffer.alloc(0);
      }
      return passed.length === 1 ? (passed[0] ?? pending) : Buffer.concat(passed);
    },
    end: () => {
      const passed = pending.length === 0 ? [] : take(pending);
      pending = Buffer.alloc(0);
      return Buffer.concat([...passed, ...release()]);
    },
  };
}

/** Behind the last empty line; 0 when there is none yet. */
function lastEndOfEvent(bytes: Buffer): number {
  const plain = bytes.lastIndexOf('\n\n');
  const returned = bytes.lastIndexOf('\n\r\n');
  return Math.max(plain < 0 ? 0 : plain + 2, returned < 0 ? 0 : returned + 3);
}

/** Behind the empty line; 0 when there is none yet. */
function endOfEvent(bytes: Buffer): number {
  const plain = bytes.indexOf('\n\n');
  const returned = (plain < 0 ? bytes : bytes.subarray(0, plain)).indexOf('\n\r\n');
  if (returned >= 0) return returned + 3;
  return plain < 0 ? 0 : plain + 2;
}

/** The end of a text in JSON, not of a key, that is the beginning of the secret. */
function endingLike(secret: string): RegExp {
  const [first = '', ...rest] = secret
    .slice(0, -1)
    .split('')
    .map((character) => character.replace(/\W/, '\\$&'));
  return new RegExp(`${first}${rest.reduceRight((after, character) => `(?:${character}${after})?`, '')}"(?!:)`);
}

const dataLine = /^data: ?(.*?)\r?$/;

function dataOf(bytes: Buffer): unknown {
  const lines = bytes.toString('utf8').split('\n');
  const data = lines.flatMap((line) => dataLine.exec(line)?.[1] ?? []);
  return data.length === 0 ? undefined : parsedJson(data.join('\n'));
}

function bytesOf({ bytes, data, isChanged }: StreamEvent): Buffer {
  if (!isChanged) return bytes;
  const others = bytes
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '' && !dataLine.test(line));
  return Buffer.from([...others, `data: ${JSON.stringify(data)}`, '', ''].join('\n'));
}

/** Comes between, whenever it likes. */
function isPing(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === 'ping';
}

function leavesOf(event: StreamEvent, value: unknown, path = '', depth = 0): Leaf[] {
  if (typeof value !== 'object' || value === null || depth > deepest) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key): Leaf[] => {
    const inner = `${path}/${key}`;
    if (typeof holder[key] !== 'string') return leavesOf(event, holder[key], inner, depth + 1);
    return [{ event, path: inner, holder, key }];
  });
}

function textOf({ leaf, start, length }: Part): string {
  return String(leaf.holder[leaf.key]).slice(start, start + length);
}

function blank({ leaf, start, length }: Part): void {
  const text = String(leaf.holder[leaf.key]);
  leaf.holder[leaf.key] = `${text.slice(0, start)}${'*'.repeat(length)}${text.slice(start + length)}`;
  leaf.event.isChanged = true;
}

/** The parts of the characters from `from` to `to` of what the parts say together. */
function within(parts: readonly Part[], from: number, to: number): Part[] {
  let at = 0;
  return parts.flatMap(({ leaf, start, length }) => {
    const first = Math.max(from - at, 0);
    const last = Math.min(to - at, length);
    at += length;
    return last > first ? [{ leaf, start: start + first, length: last - first }] : [];
  });
}

/** How many characters at the end are the beginning of the secret. */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}

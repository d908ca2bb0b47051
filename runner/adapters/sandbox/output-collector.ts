import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { createRedaction } from '../../core/blank-out.ts';

const nothing = Buffer.alloc(0);
const tailBytes = 16 * 1024;
/** Colours and cursor moves take room before they are removed, so more than the tail is kept. */
const rawTailBytes = 4 * tailBytes;

export interface OutputOptions {
  readonly logFile: string | undefined;
  /** Bytes of one run that reach the log file: the first half, and the last half of what follows. */
  readonly logBytes: number;
  readonly captureStdout: number;
  readonly withheld: readonly string[];
  readonly onOutput: ((text: string, stream: 'stdout' | 'stderr') => void) | undefined;
  /** Called once, when more standard output came than may be captured. */
  readonly onCaptureFull: () => void;
}

/** Takes any amount of output in flat memory: counts it, logs a bounded part, keeps the tail. */
export class OutputCollector {
  readonly #options: OutputOptions;
  readonly #log: BoundedLog | null;
  readonly #tail = new ByteRing(rawTailBytes);
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  readonly #clean: Readonly<Record<'stdout' | 'stderr', { push(chunk: Buffer): Buffer; end(): Buffer }>> | null;
  readonly #captured: Buffer[] = [];
  #capturedBytes = 0;
  #captureFull = false;
  #bytes = 0;
  #finished = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    const redaction = options.withheld.length === 0 ? null : createRedaction(options.withheld);
    this.#clean = redaction && { stdout: redaction.stream(), stderr: redaction.stream() };
    this.#log = options.logFile === undefined ? null : new BoundedLog(options.logFile, options.logBytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get stdout(): Uint8Array {
    return Buffer.concat(this.#captured);
  }

  take(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.#finished) return;
    this.#bytes += chunk.length;
    if (stream === 'stdout' && this.#options.captureStdout > 0) {
      this.#capture(chunk);
      return;
    }
    this.#pass(stream, this.#clean?.[stream].push(chunk) ?? chunk);
  }

  #pass(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#log?.write(chunk);
    this.#tail.write(chunk);
    if (this.#options.onOutput === undefined) return;
    const text = this.#decoders[stream].write(chunk);
    if (text !== '') this.#options.onOutput(text, stream);
  }

  /** Writes what the log still owes. Later output is dropped. */
  finish(): void {
    if (this.#finished) return;
    for (const stream of ['stdout', 'stderr'] as const) this.#pass(stream, this.#clean?.[stream].end() ?? nothing);
    this.#finished = true;
    this.#log?.finish();
  }

  tail(): string {
    return readableTail(this.#tail.contents(), this.#tail.dropped > 0);
  }

  #capture(chunk: Buffer): void {
    const room = this.#options.captureStdout - this.#capturedBytes;
    // A chunk may be a view of a much larger pooled buffer: copying keeps the pool free.
    if (room > 0) this.#captured.push(Buffer.from(chunk.subarray(0, room)));
    this.#capturedBytes += Math.min(room, chunk.length);
    if (chunk.length <= room || this.#captureFull) return;
    this.#captureFull = true;
    this.#options.onCaptureFull();
  }
}

/** The end of some output as a person reads it: no ANSI, no control characters, cut at a line. */
export function readableTail(raw: Buffer, wasCut: boolean): string {
  const text = stripVTControlCharacters(raw.toString('utf8'))
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    // eslint-disable-next-line no-control-regex -- control characters are what is removed
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= tailBytes && !wasCut) return text;
  const end = bytes.subarray(Math.max(0, bytes.length - tailBytes));
  const line = end.indexOf('\n');
  const kept = line >= 0 && line < end.length - 1 ? end.subarray(line + 1) : end;
  // A cut inside a character leaves up to three continuation bytes at the front.
  let start = 0;
  while (start < 4 && ((kept[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return kept.subarray(start).toString('utf8');
}

/** The last `size` bytes written, in one buffer however small the pieces were. */
class ByteRing {
  readonly #size: number;
  #buffer: Buffer | null = null;
  #written = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get dropped(): number {
    return Math.max(0, this.#written - this.#size);
  }

  write(chunk: Buffer): void {
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#size);
    const skipped = Math.max(0, chunk.length - this.#size);
    const piece = chunk.subarray(skipped);
    const at = (this.#written + skipped) % this.#size;
    const first = Math.min(piece.length, this.#size - at);
    piece.copy(this.#buffer, at, 0, first);
    piece.copy(this.#buffer, 0, first);
    this.#written += chunk.length;
  }

  contents(): Buffer {
    if (this.#buffer === null) return Buffer.alloc(0);
    if (this.#written <= this.#size) return this.#buffer.subarray(0, this.#written);
    const at = this.#written % this.#size;
    return Buffer.concat([this.#buffer.subarray(at), this.#buffer.subarray(0, at)]);
  }
}

class BoundedLog {
  readonly #file: number;
  readonly #ring: ByteRing;
  #headRoom: number;

  constructor(path: string, bytes: number) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a', 0o600);
    this.#headRoom = Math.ceil(bytes / 2);
    this.#ring = new ByteRing(Math.max(1, Math.floor(bytes / 2)));
  }

  write(chunk: Buffer): void {
    const head = chunk.subarray(0, this.#headRoom);
    if (head.length > 0) this.#append(head);
    this.#headRoom -= head.length;
    if (head.length < chunk.length) this.#ring.write(chunk.subarray(head.length));
  }

  finish(): void {
    const { dropped } = this.#ring;
    if (dropped > 0) this.#append(Buffer.from(`\n[… ${dropped} bytes of output left out here …]\n`));
    this.#append(this.#ring.contents());
    closeSync(this.#file);
  }

  #append(bytes: Buffer): void {
    try {
      writeSync(this.#file, bytes);
    } catch {
      // A full disk must not end the run: the tail and the result are kept in memory.
    }
  }
}

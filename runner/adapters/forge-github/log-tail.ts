const mostLines = 200;
const mostBytes = 16 * 1024;
/** Of one line, however long it is. */
const mostOfLine = 8 * 1024;

/** The last lines of a text of any length, in memory that is bounded. */
export class LogTail {
  readonly #lines: string[] = [];

  add(line: string): void {
    this.#lines.push(line.length > mostOfLine ? `…${line.slice(-mostOfLine)}` : line);
    if (this.#lines.length > mostLines) this.#lines.shift();
  }

  clear(): void {
    this.#lines.length = 0;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  get text(): string {
    return endOf(this.#lines.join('\n'));
  }
}

/** At most 200 lines and 16 kB from the end, no character cut in two. */
export function endOf(text: string): string {
  const lines = text.split('\n').slice(-mostLines).join('\n');
  const bytes = Buffer.from(lines);
  if (bytes.length <= mostBytes) return lines;
  let start = bytes.length - mostBytes;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString('utf8');
}

/** Lines of a stream; of one that never ends only its last part is kept. */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of stream) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const parts = (rest + text).split('\n');
    rest = (parts.pop() ?? '').slice(-mostOfLine);
    for (const part of parts) yield part.replace(/\r$/, '');
  }
  if (rest !== '') yield rest.replace(/\r$/, '');
}

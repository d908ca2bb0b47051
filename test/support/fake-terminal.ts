import type { Terminal } from '../../runner/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly outLines: string[];
  readonly errLines: string[];
  readonly drawn: string[];
  /** What came without a line end. */
  readonly written: string[];
}

/** A terminal that keeps what is written. Colours show as `<red>text</>`. */
export function fakeTerminal(given: Partial<Terminal> = {}): FakeTerminal {
  const outLines: string[] = [];
  const errLines: string[] = [];
  const drawn: string[] = [];
  const written: string[] = [];
  return {
    cwd: '/somewhere',
    environment: {},
    canAsk: false,
    outIsTerminal: false,
    errIsTerminal: false,
    signal: new AbortController().signal,
    untilStopped: () => new AbortController().signal,
    out: (text) => outLines.push(text),
    write: (text) => written.push(text),
    err: (text) => errLines.push(text),
    draw: (text) => drawn.push(text),
    paint: (_stream, _format, text) => text,
    ...given,
    outLines,
    errLines,
    drawn,
    written,
  };
}

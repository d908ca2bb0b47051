import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** The streams of this process and what is known about them. Commands write to it and nowhere else. */
export interface Terminal {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A person can be asked: standard input and standard error are a terminal. */
  readonly canAsk: boolean;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Aborted when a signal asks the process to stop. */
  readonly signal: AbortSignal;
  /**
   * For a command that ends by being stopped: its own exit code counts, and a second signal aborts what this returns
   * instead of ending the process, which takes a third.
   */
  untilStopped(): AbortSignal;
  /** A line on standard output. */
  out(text: string): void;
  /** On standard output without a line end, for text that comes in pieces. */
  write(text: string): void;
  /** A line on standard error. */
  err(text: string): void;
  /** On standard error without a line end, for a line that is drawn again. */
  draw(text: string): void;
  /** Coloured where the stream shows colours and NO_COLOR does not forbid it. */
  paint(stream: 'out' | 'err', format: Format, text: string): string;
}

export function createTerminal(signal: AbortSignal, untilStopped: () => AbortSignal): Terminal {
  const { stdout, stderr, stdin } = process;
  return {
    cwd: process.cwd(),
    environment: process.env,
    canAsk: stdin.isTTY && stderr.isTTY,
    outIsTerminal: stdout.isTTY,
    errIsTerminal: stderr.isTTY,
    signal,
    untilStopped,
    out: (text) => {
      stdout.write(`${text}\n`);
    },
    write: (text) => {
      stdout.write(text);
    },
    err: (text) => {
      stderr.write(`${text}\n`);
    },
    draw: (text) => {
      stderr.write(text);
    },
    paint: (stream, format, text) => styleText(format, text, { stream: stream === 'out' ? stdout : stderr }),
  };
}

/** Where a command that prints a JSON document says everything else: on standard error. */
export function besideJson(terminal: Terminal, json: boolean): Terminal {
  if (!json) return terminal;
  return {
    ...terminal,
    out: (text) => {
      terminal.err(text);
    },
    paint: (_stream, format, text) => terminal.paint('err', format, text),
  };
}

export function printJson(terminal: Terminal, document: unknown): void {
  terminal.out(JSON.stringify(document, null, 2));
}

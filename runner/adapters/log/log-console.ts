/** Where log lines go beside the file: standard error, on which nothing that happens may end the runner. */
export interface LogConsole {
  write(line: string): void;
  close(): void;
}

/** JSON lines as they are, for journald and its like. */
export function jsonConsole(stream: NodeJS.WritableStream): LogConsole {
  surviveErrors(stream);
  return {
    write: (line) => {
      put(stream, line);
    },
    close: () => undefined,
  };
}

/** For a person at a terminal. What formats the lines is loaded meanwhile: commands that log nothing there need not wait for it. */
export function prettyConsole(stream: NodeJS.WritableStream): LogConsole {
  surviveErrors(stream);
  let waiting: string[] = [];
  let format: ((line: string) => string) | null = null;
  const flush = (): void => {
    const lines = waiting;
    waiting = [];
    for (const line of lines) put(stream, formatted(line, format));
  };
  void import('./pretty-lines.ts').then(
    ({ prettyLines }) => {
      format = prettyLines(showsColours(stream));
      flush();
    },
    () => {
      format = (line) => line;
      flush();
    },
  );
  return {
    write(line) {
      if (format === null) waiting.push(line);
      else put(stream, formatted(line, format));
    },
    close: flush,
  };
}

function formatted(line: string, format: ((line: string) => string) | null): string {
  try {
    return format?.(line) ?? line;
  } catch {
    return line;
  }
}

function put(stream: NodeJS.WritableStream, text: string): void {
  try {
    if (stream.writable) stream.write(text);
  } catch {
    // The file has the line.
  }
}

/** Without a listener a closed terminal, or a reader of the pipe that ended, would end the process. */
function surviveErrors(stream: NodeJS.WritableStream): void {
  if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
}

function ignore(): void {
  // The file has every line.
}

function showsColours(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
}

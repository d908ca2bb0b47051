import type { JsonObject } from './json-values.ts';

/** One event is one line; nothing that an agent does makes an honest one this long. */
const longestLine = 16 * 1024 * 1024;

export interface EventLines {
  take(text: string): void;
  /** What came without a line's end counts as a line. */
  finish(): void;
}

export interface EventLineHandlers {
  readonly onEvent: (event: JsonObject) => void;
  /** A line that is no JSON object. */
  readonly onText: (line: string) => void;
}

/** Cuts output into lines of JSON. A line that is too long or cannot be read is said so and skipped, never more. */
export function createEventLines({ onEvent, onText }: EventLineHandlers): EventLines {
  let parts: string[] = [];
  let length = 0;

  function add(part: string): void {
    length += part.length;
    if (length <= longestLine) parts.push(part);
    else parts = [];
  }

  function end(): void {
    const line = parts.join('').trim();
    const tooLong = length > longestLine;
    parts = [];
    length = 0;
    if (tooLong) onText('(a line that was too long to read was left out)');
    else if (line !== '') read(line);
  }

  function read(line: string): void {
    const event = line.startsWith('{') ? parsed(line) : null;
    if (event === null) onText(line);
    else onEvent(event);
  }

  return {
    take(text) {
      const lines = text.split('\n');
      const last = lines.pop() ?? '';
      for (const line of lines) {
        add(line);
        end();
      }
      add(last);
    },
    finish() {
      if (length > 0) end();
    },
  };
}

function parsed(line: string): JsonObject | null {
  try {
    return JSON.parse(line) as JsonObject;
  } catch {
    return null;
  }
}

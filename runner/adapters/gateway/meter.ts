import { eventStreamReader } from './event-stream.ts';
import { parsedJson } from './json-fields.ts';
import { newReading, type Reading, type UsageReader } from './reading.ts';

/** Reads the tokens of one response out of its bytes as they pass. */
export interface Meter {
  readonly reading: Reading;
  push(chunk: Buffer): void;
  /** Nothing more will come. */
  end(): void;
}

const mostBytes = 64 * 1024 ** 2;

export function createMeter(contentType: string, reader: UsageReader): Meter {
  return contentType.startsWith('text/event-stream') ? streamMeter(reader) : wholeMeter(reader);
}

function streamMeter(reader: UsageReader): Meter {
  const reading = newReading();
  const read = eventStreamReader(mostBytes, (data) => {
    if (data !== '[DONE]') reader(parsedJson(data), reading);
  });
  return {
    reading,
    push: read,
    // The last event may lack the empty line that ends it.
    end: () => {
      read(Buffer.from('\n\n'));
    },
  };
}

/** Gemini streams an array where events were not asked for: then the elements are the events. */
function wholeMeter(reader: UsageReader): Meter {
  const reading = newReading();
  let chunks: Buffer[] = [];
  let received = 0;
  return {
    reading,
    push: (chunk) => {
      received += chunk.length;
      if (received <= mostBytes) chunks.push(chunk);
      else chunks = [];
    },
    end: () => {
      const whole = parsedJson(Buffer.concat(chunks).toString('utf8'));
      chunks = [];
      if (whole === undefined) reading.streamed = received;
      else for (const event of Array.isArray(whole) ? (whole as unknown[]) : [whole]) reader(event, reading);
    },
  };
}

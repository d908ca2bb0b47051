import type { TokenUsage } from '#shared/domain/agent-event.ts';
import type { WindowReading } from '../../core/ports/gateway.ts';

/** What is known of one response by now. */
export interface Reading {
  /** As the provider named it. */
  model: string | null;
  /** With what came from, or went into, a cache; null until the provider has told it. */
  input: number | null;
  cacheRead: number;
  cacheWrite: number;
  /** As the provider counted it by now. */
  output: number;
  /** Bytes of text that the model has written by now. */
  streamed: number;
  /** Whether the provider's count is its last. */
  isComplete: boolean;
  /** What the provider said went wrong, in the middle of a response that had begun well. */
  failure: unknown;
  /** Of the subscription, as the answer's headers tell them. */
  windows: readonly WindowReading[];
}

/** Takes one event of a response, or the whole of one that is not streamed, into the reading. */
export type UsageReader = (event: unknown, reading: Reading) => void;

export function newReading(): Reading {
  return {
    model: null,
    input: null,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    streamed: 0,
    isComplete: false,
    failure: null,
    windows: [],
  };
}

const bytesPerToken = 4;

/** The provider's count, or a rough one of what streamed where that is more: its own comes only at the end. */
export function outputOf({ isComplete, output, streamed }: Reading): number {
  return isComplete ? output : Math.max(output, Math.ceil(streamed / bytesPerToken));
}

/** What counts when nothing more will come. `sent` are the tokens that the model was asked, roughly. */
export function settledUsage(reading: Reading, sent: number): TokenUsage {
  const input = reading.input ?? sent;
  return {
    input,
    cacheRead: Math.min(reading.cacheRead, input),
    cacheWrite: Math.min(reading.cacheWrite, Math.max(0, input - reading.cacheRead)),
    output: outputOf(reading),
  };
}

const tokensPerPicture = 1500;

/** Of a request. Pictures and files in it, long runs of base64, are a few tokens and many bytes. */
export function roughTokens(sent: Buffer): number {
  let pictures = 0;
  const text = sent.toString('latin1').replace(/[A-Za-z0-9+/=_-]{2000,}/g, () => {
    pictures += 1;
    return '';
  });
  return Math.ceil(text.length / bytesPerToken) + pictures * tokensPerPicture;
}

/** How much one connection may ask for; times in milliseconds. */
export interface WireLimits {
  readonly helloWithinMs: number;
  /** Of messages, pings and pongs: so many a second, and so many at once. */
  readonly perSecond: number;
  readonly burst: number;
  readonly callsAtWork: number;
  /** On their way to the client; more is not told. */
  readonly waitingBytes: number;
  /** After so long with that much on its way nobody reads. */
  readonly stuckMs: number;
  /** After so long without a word the client is gone. */
  readonly silentMs: number;
}

/** The only source of time for engine and adapters; core functions take `now` as an argument. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

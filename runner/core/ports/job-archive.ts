/** What the runner has done, kept for good outside of the registry and the vault. */
export interface JobArchive {
  /**
   * Durable when it resolves. A record whose key is there already is passed over. Returns files that could not be read
   * and were put aside.
   */
  add(records: readonly ArchiveRecord[]): Promise<readonly string[]>;
}

export interface ArchiveRecord {
  /** Names the record for good, so that one that is added twice is there once. */
  readonly key: string;
  /** The month it belongs to, as milliseconds since the epoch. */
  readonly at: number;
  /** Becomes a line of JSON. */
  readonly content: Readonly<Record<string, unknown>>;
}

/** The vault as a git repository that others push to. */
export interface VaultSync {
  /**
   * One round: takes in what the remote has, merges, commits the runner's own paths, pushes. Nothing a person wrote is lost,
   * whatever happens; what cannot be settled rejects with a `vault.git-*` error and leaves the folder as it was.
   */
  sync(): Promise<VaultSyncOutcome>;
}

export interface VaultSyncOutcome {
  /** Whether the remote's changes altered notes here. */
  readonly pulled: boolean;
  readonly pushed: boolean;
  /** Clashes that were settled in favour of the person's value, or kept beside as a copy: a sentence each. */
  readonly notes: readonly string[];
}

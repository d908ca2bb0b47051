/** Tells that notes changed. It is a hint only: whoever is told looks at the vault itself, and looks now and then anyway. */
export interface VaultWatcher {
  /**
   * Begins to watch. `onChange` comes once for a burst of changes, `onBroken` once when no more changes can be told, after
   * which `start` may be called again. Settles when changes are told; rejects with `vault.watch-failed` where they cannot be.
   */
  start(listener: VaultListener): Promise<void>;
  /** May be called twice; afterwards nothing is told. */
  stop(): Promise<void>;
}

export interface VaultListener {
  onChange(): void;
  onBroken(reason: string): void;
}

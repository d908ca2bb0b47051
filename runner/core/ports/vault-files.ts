/** The vault's Markdown files as bytes, for settling what a synchronisation left in them. */
export interface VaultFiles {
  /** Paths below these folders, sorted; a folder that is not there, or not in the vault, has none; hidden ones are passed over. */
  list(folders: readonly string[]): Promise<string[]>;
  /** Null when it is gone, is no plain file, or is larger than a note may be. */
  read(path: string): Promise<Uint8Array | null>;
  /**
   * Puts `next` in the file's place while it still has the bytes `expected`, which are kept in the vault's `.trash`.
   * Null, and nothing changed, when it has others by now; else the path of what was kept.
   */
  replace(path: string, expected: Uint8Array, next: Uint8Array): Promise<string | null>;
  /** Moves the file to the vault's `.trash`, under the same condition. */
  trash(path: string, expected: Uint8Array): Promise<string | null>;
}

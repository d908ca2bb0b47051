/** Why a backup was made: `restore` keeps what a restore has put in place, so that it is the newest again. */
export const backupReasons = ['scheduled', 'asked', 'migration', 'restore'] as const;
export type BackupReason = (typeof backupReasons)[number];

export interface Backup {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly reason: BackupReason;
  /** The registry's schema in it. */
  readonly schema: number;
  /** The opus that made it. */
  readonly version: string;
}

export interface RestoredBackup {
  readonly backup: Backup;
  /** What was there before, file by file. Nothing is deleted. */
  readonly movedTo: readonly string[];
}

/** Copies of the registry. All but `restore` and `finishRestore` are safe beside a running runner. */
export interface Backups {
  /** Complete, verified and on the disk when it resolves. Rejects with `registry.backup-failed`, or `registry.corrupt` when the registry is. */
  create(reason: BackupReason): Promise<Backup>;
  /** Newest first. */
  list(): Backup[];
  /** Removes what is too many and returns the names: those made before a migration are counted apart from all others. */
  prune(): string[];
  /** The newest that is undamaged and that this version can read. */
  newestGood(): Backup | null;
  /**
   * Only for the holder of the runner lock while the registry is closed. The backup is verified first; the registry and
   * the engine's database, which may be ahead of it, are moved aside. Rejects with `registry.no-backup` or
   * `registry.corrupt` and then has changed nothing.
   */
  restore(name: string): Promise<RestoredBackup>;
  /** Completes a restore that a kill cut short; false when there is none. Only for the holder of the runner lock. */
  finishRestore(): boolean;
}

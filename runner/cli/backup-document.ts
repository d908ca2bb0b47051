import { createBackups } from '../adapters/registry/backups.ts';
import type { Backup, Backups } from '../core/ports/backups.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { packageVersion } from '../config/package-root.ts';
import type { Terminal } from './terminal.ts';

export function locateBackups(
  terminal: Terminal,
  option: string | undefined,
): { readonly backups: Backups; readonly located: LocatedConfig } {
  const located = locateConfig(terminal, option);
  const { data, backup } = located.config;
  const clock = { now: () => Date.now() };
  const backups = createBackups({ dataFolder: data, keep: backup.keep, clock, packageVersion: packageVersion() });
  return { backups, located };
}

/** What --json prints of a backup. */
export function backupDocument({ at, ...backup }: Backup) {
  return { ...backup, at: new Date(at).toISOString() };
}

/** 2026-01-31 23:59:00 UTC, as in the names. */
export function shownTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function shownSize(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1_000))} kB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

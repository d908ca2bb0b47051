import { backupReasons, type Backup, type BackupReason } from '../../core/ports/backups.ts';

const pattern = new RegExp(
  String.raw`^registry-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-schema(\d{1,6})-(${backupReasons.join('|')})-(.+)\.db$`,
);

type Named = Pick<Backup, 'at' | 'schema' | 'reason' | 'version'>;

/** What there is to know of a backup is in its name, so that none can lose it. Names sort by time. */
export function backupName({ at, schema, reason, version }: Named): string {
  return `registry-${timeStamp(at)}-schema${schema}-${reason}-${version.replaceAll(/[^\w.+-]/g, '_')}.db`;
}

/** Null when the file is none of ours. */
export function readBackupName(name: string): Named | null {
  const found = pattern.exec(name);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, millisecond, schema, reason, version = ''] = found;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}Z`);
  if (Number.isNaN(at)) return null;
  return { at, schema: Number(schema), reason: reason as BackupReason, version };
}

/** UTC to the millisecond, without what a file name may not have: 20260131T235959000Z. */
export function timeStamp(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:.]/g, '');
}

import { OpusError } from '#shared/domain/errors.ts';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Backups } from '../../core/ports/backups.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { JobRegistry } from '../../core/ports/job-registry.ts';
import type { Log } from '../../core/ports/log.ts';
import { inspectDatabase } from './backup-soundness.ts';
import { beginAnewHint, damagedRegistry } from './backups.ts';
import { refuseNewerSchema, schemaVersion } from './migrations.ts';
import { openRegistry } from './open-registry.ts';

/** Up to here reading all of it costs less than a person notices, so that it is done at each start. */
const alwaysCheckedBytes = 64 * 1024 * 1024;

export interface SafelyOpened {
  readonly registry: JobRegistry;
  /** The backup that took the place of a damaged registry: jobs are as they were then. */
  readonly restoredFrom: string | null;
  /** What a person should know of it, a sentence each. They are in the log as well. */
  readonly notices: readonly string[];
}

/**
 * Opens the registry of a runner that holds the lock. A damaged one is moved aside for the newest good backup, or else
 * rejected with `registry.corrupt`; one of an older schema is backed up before it is migrated.
 */
export async function openRegistrySafely(options: {
  readonly file: string;
  readonly clock: Clock;
  readonly backups: Backups;
  readonly log?: Log;
}): Promise<SafelyOpened> {
  const { file, backups, log } = options;
  const notices: string[] = [];
  const notice = (text: string, level: 'warn' | 'error', fields: Readonly<Record<string, unknown>> = {}): void => {
    notices.push(text);
    log?.[level](fields, text);
  };
  if (backups.finishRestore()) notice('A restore of the registry that had been cut short was completed.', 'warn');
  if (sizeOf(file) === null && backups.list().length > 0) {
    notice(
      `${file} is missing, so a new one was begun. If that was not meant: stop, and \`opus backup restore latest\`.`,
      'warn',
    );
  }
  try {
    return { registry: await checkAndOpen(options), restoredFrom: null, notices };
  } catch (thrown) {
    if (!(thrown instanceof OpusError) || thrown.code !== 'registry.corrupt') throw thrown;
    const good = backups.newestGood();
    if (!good) throw withoutBackup(file, thrown);
    const { movedTo } = await backups.restore(good.name);
    notice(
      `${thrown.message} It was replaced by the backup of ${new Date(good.at).toISOString()}: ` +
        `what happened since is not known any more. The damaged file is now ${movedTo.find(isRegistry) ?? 'gone'}.`,
      'error',
      { err: thrown, backup: good.name, movedTo },
    );
    return { registry: await checkAndOpen(options), restoredFrom: good.name, notices };
  }
}

async function checkAndOpen({
  file,
  clock,
  backups,
}: {
  readonly file: string;
  readonly clock: Clock;
  readonly backups: Backups;
}): Promise<JobRegistry> {
  const size = sizeOf(file);
  if (size === null) return openRegistry({ file, clock });
  if (size === 0 && backups.list().length > 0) throw damagedRegistry(file, 'it is empty');
  // A log beside it was left by a runner that did not end by itself, perhaps with the machine.
  const wasKilled = (sizeOf(`${file}-wal`) ?? 0) > 0;
  const thoroughly = wasKilled || size <= alwaysCheckedBytes;
  const { schema, damage } = inspectDatabase(file, { readOnly: false, thoroughly });
  if (damage !== null) throw damagedRegistry(file, damage);
  refuseNewerSchema(schema, file);
  if (schema > 0 && schema < schemaVersion) {
    await backups.create('migration');
    // A runner that is started over and over because it cannot migrate must not fill the disk.
    backups.prune();
  }
  return openRegistry({ file, clock });
}

function withoutBackup(file: string, cause: OpusError): OpusError {
  return new OpusError('registry.corrupt', `${cause.message} There is no good backup of it.`, {
    hint: beginAnewHint(dirname(file)),
    cause,
  });
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}

function isRegistry(path: string): boolean {
  return /registry\.db\.before-restore-[^/]*$/.test(path) && !/-(?:wal|shm|journal)$/.test(path);
}

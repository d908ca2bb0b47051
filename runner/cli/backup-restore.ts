import { OpusError } from '#shared/domain/errors.ts';
import { beginAnewHint } from '../adapters/registry/backups.ts';
import { acquireRunnerLock, type RunnerLock } from '../adapters/registry/runner-lock.ts';
import type { Backup, Backups } from '../core/ports/backups.ts';
import { confirm } from './ask.ts';
import { backupDocument, locateBackups, shownTime } from './backup-document.ts';
import type { CommonOptions } from './command-context.ts';
import type { LocatedConfig } from './configuration.ts';
import { besideJson, printJson, type Terminal } from './terminal.ts';

/** While nobody works here, a backup takes the place of the registry. `name` may be `latest`. */
export async function restoreBackup(
  terminal: Terminal,
  name: string,
  options: CommonOptions & { readonly yes?: boolean },
): Promise<number> {
  const { backups, located } = locateBackups(terminal, options.config);
  if (backups.list().length === 0) {
    throw new OpusError('registry.no-backup', `There is no backup of the registry in ${located.config.data}.`, {
      hint: `Make one with: ${located.command('backup create')}\nWhere the registry is damaged there is nothing to make one of. ${beginAnewHint(located.config.data)}`,
    });
  }
  const lock = lockUnlessServing(located);
  try {
    const chosen = choose(backups, name, located);
    if (options.yes !== true && !(await isWanted(terminal, chosen, options, located))) {
      terminal.err('Nothing was changed.');
      return 3;
    }
    const { movedTo } = await backups.restore(chosen.name);
    const beside = besideJson(terminal, options.json === true);
    beside.out(`Restored ${chosen.name}: jobs are as they were on ${shownTime(chosen.at)}.`);
    // The files that SQLite keeps beside a database go where it goes.
    for (const path of movedTo) if (!/-(?:wal|shm)$/.test(path)) beside.out(`  what was there is now ${path}`);
    beside.out(`Devices that were revoked since then may connect again. Look with: ${located.command('devices list')}`);
    beside.out(`Look with: ${located.command('status')}`);
    beside.out(`Then go on: ${located.command('serve')}, or ${located.command('service start')}`);
    if (options.json === true) printJson(terminal, { restored: backupDocument(chosen), movedTo });
    return 0;
  } finally {
    lock.release();
  }
}

function lockUnlessServing({ config, command }: LocatedConfig): RunnerLock {
  try {
    return acquireRunnerLock(config.data);
  } catch (thrown) {
    if (!(thrown instanceof OpusError) || thrown.code !== 'registry.locked') throw thrown;
    throw new OpusError('registry.locked', `${thrown.message} A backup is restored only while nobody does.`, {
      hint: `Stop the service with: ${command('service stop')}\nAnother command ends by itself.`,
      details: thrown.details,
      cause: thrown,
    });
  }
}

function choose(backups: Backups, name: string, { config, command }: LocatedConfig): Backup {
  if (name === 'latest') {
    const newest = backups.newestGood();
    if (newest) return newest;
    throw new OpusError('registry.corrupt', `Every backup in ${config.data} is damaged.`, {
      hint: `Other copies can be put beside them: ${command('backup list --json')} tells where they are.`,
    });
  }
  const found = backups.list().find((backup) => backup.name === name);
  if (found) return found;
  throw new OpusError('registry.no-backup', `There is no backup "${name}".`, {
    hint: `${command('backup list')} names those there are.`,
  });
}

async function isWanted(
  terminal: Terminal,
  { at, name }: Backup,
  options: CommonOptions,
  { command }: LocatedConfig,
): Promise<boolean> {
  if (options.json === true || !terminal.canAsk) {
    throw new OpusError('config.usage', 'A restore replaces the registry, and nobody can be asked here.', {
      hint: `${command(`backup restore ${name} --yes`)} does it without asking.`,
    });
  }
  return await confirm(terminal, `What happened since ${shownTime(at)} will not be known any more. Restore ${name}?`);
}

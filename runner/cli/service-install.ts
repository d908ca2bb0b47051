import { OpusError } from '#shared/domain/errors.ts';
import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { findAccount, lingers, type Account } from '../adapters/systemd/account.ts';
import { keepEditedUnit, readInstalledUnit, stampedUnit, writeUnit } from '../adapters/systemd/unit-file.ts';
import { unitText } from '../adapters/systemd/unit-text.ts';
import type { CommonOptions } from './command-context.ts';
import { locateFile } from './config-file.ts';
import {
  enableLinger,
  requireSystemd,
  servicePlace,
  shellWord,
  thisHost,
  type ScopeOptions,
  type ServiceHost,
  type ServicePlace,
} from './service-place.ts';
import { planService, requireVault, type PlannedService } from './service-unit.ts';
import type { Terminal } from './terminal.ts';

export interface InstallOptions extends CommonOptions, ScopeOptions {
  readonly userName?: string;
  /** Start it, or start it again, at once. */
  readonly now?: boolean;
  readonly dryRun?: boolean;
  /** Replace a unit that somebody edited, or that is of another configuration; a copy of it is kept. */
  readonly force?: boolean;
}

/** Writes the unit for this configuration and this installation, and has systemd start it at boot. */
export async function installService(
  terminal: Terminal,
  options: InstallOptions,
  host: ServiceHost = thisHost(),
): Promise<number> {
  // A service in place decides nothing here: root installs for the machine, others for themselves.
  const asked = options.system === true || options.user === true;
  const isRoot = host.account.uid === 0;
  const place = servicePlace(terminal, asked ? options : { system: isRoot, user: !isRoot }, host);
  const file = locateFile(terminal, options.config);
  if (options.dryRun !== true) requireSystemd(host);
  const account = await accountOf(terminal, options, place, host);
  const planned = planService(terminal, { file, scope: place.scope, account, host });
  const text = stampedUnit(unitText(planned.unit), file);
  if (options.dryRun === true) {
    terminal.out(text.trimEnd());
    return 0;
  }
  if (place.scope === 'system' && !isRoot) throw needsRoot(place, file, options);
  requireVault(planned.config);
  await makeRoom(terminal, place, options, file);
  makeOwnFolder(planned.config.data, place.scope === 'system' ? account : null);
  await writeUnit(place.unitFile, text);
  await place.systemctl.reload();
  await place.systemctl.enable();
  if (options.now === true) {
    await place.systemctl.forget();
    await place.systemctl.restart();
  }
  const who = place.scope === 'system' ? ` as ${account.name}` : '';
  terminal.out(`Installed ${place.unitFile}`);
  terminal.out(
    `  It runs ${file}${who}${options.now === true ? ', is running now,' : ''} and starts ${startsWhen(place)}.`,
  );
  await sayRest(terminal, place, planned, host);
  if (options.now !== true) terminal.out(`Start it: ${place.command('service start')}`);
  return 0;
}

function startsWhen(place: ServicePlace): string {
  return place.scope === 'system' ? 'when the machine does' : 'with your user manager';
}

/** What a person has to see to, each with the command for it. */
async function sayRest(
  terminal: Terminal,
  place: ServicePlace,
  { unit, missingVariables }: PlannedService,
  host: ServiceHost,
): Promise<void> {
  const warn = (sentence: string): void => {
    terminal.err(`${terminal.paint('err', 'yellow', 'warning')} ${sentence}`);
  };
  const { environmentFile } = unit;
  if (missingVariables.length > 0) {
    const make = existsSync(environmentFile)
      ? ''
      : ` Make it with: install -m 600 /dev/null ${shellWord(environmentFile)}`;
    const where = 'write them there, NAME=value a line, since the service does not see those of your shell.';
    warn(`${environmentFile} does not set ${missingVariables.join(', ')}: ${where}${make}`);
  }
  const mode = statSync(environmentFile, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) !== 0) warn(`Others can read the secrets in it: chmod 600 ${shellWord(environmentFile)}`);
  if (unit.bin.includes('/_npx/')) {
    warn(`${unit.bin} is in npm's cache, which may be emptied: install the package, then install the service again.`);
  }
  if (place.scope === 'user' && (await lingers(host.account, terminal.environment)) !== true) {
    warn(`Without a login it does not run. To let it: ${enableLinger(host)}`);
  }
}

/** Who the service runs as; rejects root and users that do not exist. */
async function accountOf(
  terminal: Terminal,
  options: InstallOptions,
  place: ServicePlace,
  host: ServiceHost,
): Promise<Account> {
  const isForMachine = place.scope === 'system';
  if (!isForMachine && options.userName !== undefined) {
    throw new OpusError('config.usage', '--user-name is for a service of the whole machine.', {
      hint: 'Leave it out, or install with --system.',
    });
  }
  const caller = host.account.uid === 0 ? terminal.environment['SUDO_USER'] : host.account.name;
  const name = isForMachine ? (options.userName ?? caller ?? '') : host.account.name;
  const nameOne = 'Name another user: opus service install --system --user-name NAME';
  if (name === '') throw new OpusError('config.usage', 'The service needs a user to run as.', { hint: nameOne });
  const account = isForMachine ? await findAccount(name, terminal.environment) : host.account;
  if (account === null) throw new OpusError('config.usage', `There is no user ${name}.`, { hint: nameOne });
  if (account.uid === 0) {
    throw new OpusError('config.usage', 'The service does not run as root.', { hint: nameOne });
  }
  return account;
}

function needsRoot(place: ServicePlace, file: string, options: InstallOptions): OpusError {
  const name = options.userName === undefined ? '' : ` --user-name ${shellWord(options.userName)}`;
  return new OpusError('service.failed', 'A service of the whole machine takes root to install.', {
    hint: `${place.command(`service install --system${name} --config ${shellWord(file)}`)}\nor, for your user alone: opus service install --user`,
  });
}

/** Leaves alone what is there and is not ours to replace. */
async function makeRoom(terminal: Terminal, place: ServicePlace, options: InstallOptions, file: string): Promise<void> {
  const found = await readInstalledUnit(place.unitFile);
  if (found === null || (!found.isEdited && found.config === file)) return;
  if (options.force !== true) {
    const why = found.isEdited
      ? 'was edited, and is left as it is.'
      : `is of another configuration, ${found.config ?? 'an unknown one'}.`;
    throw new OpusError('service.failed', `${place.unitFile} ${why}`, {
      hint: `Replace it, with a copy kept beside it: ${place.command('service install --force')}\nYour own settings are best kept apart, by: systemctl ${place.scope === 'user' ? '--user ' : ''}edit opus-orchestrator`,
    });
  }
  const kept = await keepEditedUnit(place.unitFile);
  if (kept !== null) terminal.out(`The unit that was there is kept: ${kept}`);
}

/** The service may not make it: what lies above is read-only for it. */
function makeOwnFolder(folder: string, owner: Account | null): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  makeOwnFolder(dirname(folder), owner);
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  } catch (error) {
    throw new OpusError('service.failed', `Could not make the folder ${folder}: ${(error as Error).message}`, {
      hint: 'Make it yourself, for the user that the service runs as, or write another as `data` in opus.yml.',
      cause: error,
    });
  }
}

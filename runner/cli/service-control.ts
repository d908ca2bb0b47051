import { keepEditedUnit, readInstalledUnit, removeUnit } from '../adapters/systemd/unit-file.ts';
import { isRunning, readUnitState } from '../adapters/systemd/unit-state.ts';
import {
  requireInstalled,
  requireSystemd,
  servicePlace,
  thisHost,
  type ScopeOptions,
  type ServiceHost,
} from './service-place.ts';
import type { Terminal } from './terminal.ts';

/** Stops, disables and removes the service. Data, secrets and what a person added beside the unit stay. */
export async function uninstallService(
  terminal: Terminal,
  options: ScopeOptions,
  host: ServiceHost = thisHost(),
): Promise<number> {
  requireSystemd(host);
  const place = servicePlace(terminal, options, host);
  const found = await readInstalledUnit(place.unitFile);
  if (found === null) {
    terminal.out(`There is nothing to remove: ${place.unitFile} does not exist.`);
    return 0;
  }
  await place.systemctl.disable();
  const kept = found.isEdited ? await keepEditedUnit(place.unitFile) : null;
  await removeUnit(place.unitFile);
  await place.systemctl.reload();
  await place.systemctl.forget();
  terminal.out(`Stopped and removed ${place.unitFile}`);
  if (kept !== null) terminal.out(`It had been edited; as it was, it is kept: ${kept}`);
  terminal.out('The data folder, the vault and the repositories are as they were.');
  return 0;
}

const done = { start: 'The service is running', stop: 'The service is stopped', restart: 'The service is running' };

export async function controlService(
  terminal: Terminal,
  verb: keyof typeof done,
  options: ScopeOptions,
  host: ServiceHost = thisHost(),
): Promise<number> {
  requireSystemd(host);
  const place = servicePlace(terminal, options, host);
  requireInstalled(place);
  // Somebody asks for it: earlier failures must not count against this start.
  if (verb !== 'stop') await place.systemctl.forget();
  await place.systemctl[verb]();
  const state = await readUnitState(place.systemctl);
  if (verb !== 'stop' && !isRunning(state)) {
    terminal.out(`The service ended again at once (${state.active}, ${state.sub}).`);
    terminal.out(`See what it said: ${place.command('service logs')}`);
    return 3;
  }
  terminal.out(`${done[verb]}${state.pid === null ? '' : ` (pid ${state.pid})`}.`);
  if (verb !== 'stop' && state.says !== null) terminal.out(`  ${state.says}`);
  return 0;
}

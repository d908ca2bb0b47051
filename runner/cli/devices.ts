import type { DeviceDocument } from '#shared/protocol/method-results.ts';
import { composeDevices, type OpenedDevices } from '../compose-devices.ts';
import { shownTime } from './backup-document.ts';
import type { CommonOptions } from './command-context.ts';
import { locateConfig, type LocatedConfig } from './configuration.ts';
import { plainLine } from './plain-text.ts';
import { askServiceOrNull } from './service-or-null.ts';
import { tableLines } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';

/** Which devices may connect, and which do. */
export async function listDevices(terminal: Terminal, options: CommonOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const asked = await askServiceOrNull(located.config.data, 'device.list', {});
  const devices =
    asked?.devices ??
    (await withDevices(located, ({ devices: known }) =>
      known.list().map((device): DeviceDocument => ({ ...device, connected: false })),
    ));
  if (options.json === true) {
    printJson(terminal, devices);
    return 0;
  }
  if (devices.length === 0) terminal.out(`No device is paired. Pair one with: ${located.command('pair')}`);
  const rows = devices.map(({ id, name, person, role, pairedAt, lastSeenAt, connected }) => [
    name,
    person,
    role,
    shownTime(pairedAt),
    connected ? 'connected' : lastSeenAt === null ? 'never' : shownTime(lastSeenAt),
    id,
  ]);
  const head = ['DEVICE', 'PERSON', 'ROLE', 'PAIRED', 'LAST SEEN', 'ID'];
  if (rows.length > 0) for (const line of tableLines(terminal, head, rows)) terminal.out(line);
  return 0;
}

/** By its id or its name. A running service ends its connections. */
export async function revokeDevice(terminal: Terminal, device: string, options: CommonOptions): Promise<number> {
  const located = locateConfig(terminal, options.config);
  const asked = await askServiceOrNull(located.config.data, 'device.revoke', { device });
  const revoked =
    asked?.revoked ?? (await withDevices(located, ({ pairing }) => pairing.revoke(device).map(({ name }) => name)));
  if (options.json === true) printJson(terminal, { revoked });
  else for (const name of revoked) terminal.out(`${plainLine(name)} may not connect any more.`);
  return 0;
}

async function withDevices<Result>({ config }: LocatedConfig, use: (opened: OpenedDevices) => Result): Promise<Result> {
  const opened = await composeDevices(config);
  try {
    return use(opened);
  } finally {
    opened.close();
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { deviceAccess } from '../../runner/compose-device-calls.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { createPairing, type Pairing } from '../../runner/engine/pairing.ts';
import type { ServerApplication } from '../../runner/server/server-application.ts';
import type { ServerOptions } from '../../runner/server/create-server.ts';
import { createConnectedDevices } from '../../runner/server/connected-devices.ts';
import type { Role } from '../../shared/protocol/roles.ts';

/** A real registry with devices, and a clock that a test puts on. */
export interface DeviceLab {
  readonly file: string;
  readonly clock: { at: number; now(): number };
  readonly registry: JobRegistry;
  readonly pairing: Pairing;
  /** For a server that these devices connect to. */
  readonly server: Pick<ServerOptions, 'devices' | 'connected' | 'runner'>;
  /** As a device pairs, over HTTP. */
  readonly pairs: Pick<ServerApplication, 'device.pair'>;
  /** The token of a new device. */
  pair(role: Role, name?: string, person?: string): string;
}

export function makeDeviceLab(): DeviceLab {
  const folder = mkdtempSync(join(tmpdir(), 'devices-'));
  const file = join(folder, 'registry.db');
  const clock = { at: 1_000_000, now: () => clock.at };
  const registry = openRegistry({ file, clock });
  onTestFinished(() => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const pairing = createPairing(registry.devices, clock);
  return {
    file,
    clock,
    registry,
    pairing,
    server: {
      devices: deviceAccess(registry.devices, clock),
      connected: createConnectedDevices(),
      runner: { version: '1.2.3', name: 'a-machine' },
    },
    pairs: {
      'device.pair': async ({ code, device: name }) => {
        const { token, device } = await Promise.resolve(pairing.pair(code, name));
        return { token, id: device.id, role: device.role, person: device.person, runner: 'a-machine' };
      },
    },
    pair: (role, name = `a ${role}`, person = 'ada') => pairing.pair(pairing.offer({ role, person }).code, name).token,
  };
}

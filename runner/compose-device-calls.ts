import { hostname } from 'node:os';
import { OpusError } from '#shared/domain/errors.ts';
import type { MethodResult } from '#shared/protocol/methods.ts';
import type { Role } from '#shared/protocol/roles.ts';
import type { RunnerConfig } from './core/configuration.ts';
import { createPairing, type Pairing } from './engine/pairing.ts';
import type { Clock } from './core/ports/clock.ts';
import type { Devices } from './core/ports/devices.ts';
import type { DeviceAccess } from './server/callers.ts';
import type { ServerApplication } from './server/server-application.ts';
import { loginName } from './login-name.ts';
import type { ServiceCalls } from './service-calls.ts';

export function deviceCalls(
  calls: ServiceCalls,
): Pick<ServerApplication, 'pairing.create' | 'device.pair' | 'device.unpair' | 'device.list' | 'device.revoke'> {
  const { connected, dependencies, health } = calls;
  const { clock, config, log, registry } = dependencies;
  const pairing = createPairing(registry.devices, clock);
  return {
    'pairing.create': ({ role, person }) => {
      const url = config.server.publicUrl ?? health.status().url;
      return Promise.resolve(createOffer(pairing, { role, person, url }));
    },
    // A refusal is thrown on the way to the promise.
    'device.pair': async ({ code, device: name }) => {
      const { device, token } = await Promise.resolve(pairing.pair(code, name));
      const { id, person, role } = device;
      log.info({ device: id, role }, `The device ${device.name} of ${person} was paired.`);
      return { token, id, role, person, runner: hostname() };
    },
    'device.unpair': (_params, { caller }) => {
      if (caller.device === null) {
        throw new OpusError('protocol.invalid', 'The command line of this machine is no paired device.', {
          hint: '`opus devices revoke` takes a device away.',
        });
      }
      const { id } = caller.device;
      for (const { name } of pairing.revoke(id)) log.info({ device: id }, `The device ${name} was unpaired by itself.`);
      // After the answer, which would not arrive otherwise.
      setImmediate(() => {
        connected.end(id);
      });
      return Promise.resolve({});
    },
    'device.list': () =>
      Promise.resolve({
        devices: registry.devices.list().map((device) => ({ ...device, connected: connected.isConnected(device.id) })),
      }),
    'device.revoke': async ({ device: named }) => {
      const revoked = await Promise.resolve(pairing.revoke(named));
      for (const { id, name } of revoked) {
        log.info({ device: id }, `The device ${name} was revoked.`);
        connected.end(id);
      }
      return { revoked: revoked.map(({ name }) => name) };
    },
  };
}

const seenEveryMs = 60_000;

/** What the server may know of devices. */
export function deviceAccess(devices: Devices, clock: Clock): DeviceAccess {
  const pairing = createPairing(devices, clock);
  return {
    bearer: (token) => pairing.bearer(token),
    get: (id) => devices.get(id),
    seen(id) {
      const before = devices.get(id)?.lastSeenAt ?? -Infinity;
      if (Math.abs(clock.now() - before) >= seenEveryMs) devices.seen(id, clock.now());
    },
  };
}

export function createOffer(
  pairing: Pairing,
  offered: { readonly role: Role; readonly person: string | undefined; readonly url: string },
): MethodResult<'pairing.create'> {
  const { role, person = loginName(), url } = offered;
  const { code, expiresAt } = pairing.offer({ role, person });
  const link = `obsidian://opus-orchestrator?${new URLSearchParams({ url, code }).toString()}`;
  return { code, link, url, expiresAt, role };
}

/** By which this machine would reach a service of that configuration. */
export function ownUrl({ host, port, tls }: RunnerConfig['server']): string {
  const named = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${tls === null ? 'http' : 'https'}://${named.includes(':') ? `[${named}]` : named}:${port}`;
}

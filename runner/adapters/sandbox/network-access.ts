import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import type { Mount, SandboxRequest } from '../../core/ports/sandbox.ts';
import { parseAllowedHost, type AllowedHost } from './allowed-hosts.ts';
import { startAllowListProxy } from './allow-list-proxy.ts';

/** The ways out of one run's sandbox: to the hosts it may reach and no others, and to the sockets it was given. */
export interface NetworkAccess {
  readonly mounts: readonly Mount[];
  /** Comes before the command: the relay, which starts it. */
  readonly command: readonly string[];
  refusedHosts(): readonly string[];
  close(): Promise<void>;
}

const insideFolder = '/run/opus';

export async function openNetworkAccess(
  allowed: readonly string[],
  forwards: NonNullable<SandboxRequest['forwards']>,
): Promise<NetworkAccess> {
  const entries = allowed.map(parseAllowedHost);
  const relay = relayFile();
  const proxy = entries.length === 0 ? null : await startAllowListProxy(entries);
  const relayInside = `${insideFolder}/relay${extname(relay) === '.ts' ? '.mts' : '.mjs'}`;
  const proxyInside = proxy === null ? [] : [{ source: proxy.socketPath, target: `${insideFolder}/proxy.sock` }];
  const forwardsInside = forwards.map(({ port, socketPath }) => ({
    port,
    source: socketPath,
    target: `${insideFolder}/port-${port}.sock`,
  }));
  return {
    mounts: [{ source: relay, target: relayInside }, ...proxyInside, ...forwardsInside].map(({ source, target }) => ({
      source,
      target,
      mode: 'read-only',
    })),
    command: [
      ...[process.execPath, relayInside],
      forwardsInside.map(({ port, target }) => `${port}=${target}`).join(','),
      proxyInside[0]?.target ?? '',
      directHosts(entries, forwards.length > 0),
      tunnels(entries),
      '--',
    ],
    refusedHosts: () => proxy?.refusedHosts() ?? [],
    close: async () => {
      await proxy?.close();
    },
  };
}

const loopbackNames = ['localhost', '127.0.0.1', '::1'];

/**
 * Loopback inside is the sandbox's own, where servers under test listen, unless all of the outer one is allowed; then
 * forwarded ports are still reached by their address.
 */
function directHosts(entries: readonly AllowedHost[], hasForwards: boolean): string {
  const wanted = entries.some(({ host, port }) => port === null && loopbackNames.includes(host));
  if (wanted) return hasForwards ? '127.0.0.1' : '';
  return loopbackNames.join(',');
}

/** Loopback ports by number work for programs that know nothing of proxies, too. */
function tunnels(entries: readonly AllowedHost[]): string {
  return entries
    .filter(({ host, port }) => port !== null && loopbackNames.includes(host))
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${String(port)}`)
    .join(',');
}

/** Beside this file in a checkout, where Node strips the types; beside the bundle when built. */
function relayFile(): string {
  const here = fileURLToPath(import.meta.url);
  const names = extname(here) === '.ts' ? ['relay.ts'] : ['relay.mjs', '../relay.mjs'];
  const found = names.map((name) => `${dirname(here)}/${name}`).find((path) => existsSync(path));
  return found ?? `${dirname(here)}/${names[0] ?? 'relay.mjs'}`;
}

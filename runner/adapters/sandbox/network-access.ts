import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import type { Mount } from '../../core/ports/sandbox.ts';
import { parseAllowedHost, type AllowedHost } from './allowed-hosts.ts';
import { startAllowListProxy } from './allow-list-proxy.ts';

/** The way out of one run's sandbox, to the hosts it may reach and no others. */
export interface NetworkAccess {
  readonly mounts: readonly Mount[];
  /** Comes before the command: the relay, which starts it. */
  readonly command: readonly string[];
  refusedHosts(): readonly string[];
  close(): Promise<void>;
}

const insideFolder = '/run/opus';

export async function openNetworkAccess(allowed: readonly string[]): Promise<NetworkAccess> {
  const entries = allowed.map(parseAllowedHost);
  const relay = relayFile();
  const proxy = await startAllowListProxy(entries);
  const relayInside = `${insideFolder}/relay${extname(relay) === '.ts' ? '.mts' : '.mjs'}`;
  const socketInside = `${insideFolder}/proxy.sock`;
  return {
    mounts: [
      { source: relay, target: relayInside, mode: 'read-only' },
      { source: proxy.socketPath, target: socketInside, mode: 'read-only' },
    ],
    command: [process.execPath, relayInside, socketInside, directHosts(entries), tunnels(entries), '--'],
    refusedHosts: () => proxy.refusedHosts(),
    close: () => proxy.close(),
  };
}

const loopbackNames = ['localhost', '127.0.0.1', '::1'];

/** Loopback inside is the sandbox's own, where servers under test listen, unless all of the outer one is allowed. */
function directHosts(entries: readonly AllowedHost[]): string {
  const wanted = entries.some(({ host, port }) => port === null && loopbackNames.includes(host));
  return wanted ? '' : loopbackNames.join(',');
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

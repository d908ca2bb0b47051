import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import type { Mount } from '../../core/ports/sandbox.ts';
import { startAllowListProxy } from './allow-list-proxy.ts';

/** The way out of one run's sandbox, to the hosts it may reach and no others. */
export interface NetworkAccess {
  readonly mounts: readonly Mount[];
  readonly env: Readonly<Record<string, string>>;
  /** Comes before the command: the relay, which starts it. */
  readonly command: readonly string[];
  refusedHosts(): readonly string[];
  close(): Promise<void>;
}

const insideFolder = '/run/opus';

export async function openNetworkAccess(allowed: readonly string[]): Promise<NetworkAccess> {
  const relay = relayFile();
  const proxy = await startAllowListProxy(allowed);
  const relayInside = `${insideFolder}/relay${extname(relay) === '.ts' ? '.mts' : '.mjs'}`;
  const socketInside = `${insideFolder}/proxy.sock`;
  return {
    mounts: [
      { source: relay, target: relayInside, mode: 'read-only' },
      { source: proxy.socketPath, target: socketInside, mode: 'read-only' },
    ],
    env: {},
    command: [process.execPath, relayInside, socketInside, '--'],
    refusedHosts: () => proxy.refusedHosts(),
    close: () => proxy.close(),
  };
}

/** Beside this file in a checkout, where Node strips the types; beside the bundle when built. */
function relayFile(): string {
  const here = fileURLToPath(import.meta.url);
  const names = extname(here) === '.ts' ? ['relay.ts'] : ['relay.mjs', '../relay.mjs'];
  const found = names.map((name) => `${dirname(here)}/${name}`).find((path) => existsSync(path));
  return found ?? `${dirname(here)}/${names[0] ?? 'relay.mjs'}`;
}

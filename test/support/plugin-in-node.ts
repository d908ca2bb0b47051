import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { startVaultSide } from '../../plugin/vault/vault-side.ts';
import { createRunnerClient } from '../../shared/protocol/client/create-runner-client.ts';
import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import { methodResults } from '../../shared/protocol/method-results.ts';
import { rpcPath } from '../../shared/protocol/version.ts';
import { browserPlatform } from '../../shared/view/browser-platform.ts';
import type { ServiceProcess } from './service-process.ts';
import { createVaultDevice, type VaultDevice } from './vault-device.ts';

/** The vault's side of the plugin, paired and connected over the wire to a service that is a process of its own. */
export interface PluginInNode extends VaultDevice {
  readonly client: RunnerClient;
  /** The ids of the writes that were told to it, as often as they were. */
  readonly told: readonly string[];
  /** Obsidian is closed. */
  close(): void;
  isConnected(): boolean;
}

export interface PairedDevice {
  readonly name: string;
  readonly token: string;
}

export async function pairDevice({ client }: ServiceProcess, name: string): Promise<PairedDevice> {
  const { code } = await client.call('pairing.create', {});
  // Whoever has a token is paired already.
  const response = await fetch(new URL(rpcPath, client.service.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'device.pair', params: { code, device: name } }),
  });
  const { result } = (await response.json()) as { readonly result: unknown };
  const { token } = methodResults['device.pair'].parse(result);
  return { name, token };
}

/** Obsidian with the plugin on a vault in a folder; another process may hold the same folder. */
export function openPlugin(service: ServiceProcess, device: PairedDevice, root: string): PluginInNode {
  mkdirSync(join(root, '10_features'), { recursive: true });
  vi.stubGlobal('window', globalThis);
  const vault = createVaultDevice(root);
  const client = createRunnerClient({
    address: service.client.service.url,
    token: device.token,
    client: { name: 'opus-orchestrator', version: '1.0.0', kind: 'plugin' },
    platform: browserPlatform,
    appliesWrites: true,
  });
  const told: string[] = [];
  const listened: RunnerClient = {
    ...client,
    onVaultWrite(apply) {
      client.onVaultWrite((write) => {
        told.push(write.id);
        return apply(write);
      });
    },
  };
  const stop = startVaultSide({ app: vault.app }, listened);
  const close = (): void => {
    stop();
    client.close();
  };
  onTestFinished(close);
  return { ...vault, client, told, close, isConnected: () => client.state().connection.kind === 'connected' };
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createWriteApplier } from '../../plugin/vault/apply-write.ts';
import { createVaultBundle, type VaultBundle } from '../../plugin/vault/bundle.ts';
import { composePluginVault, type PluginVault, type PluginVaultParts } from '../../runner/compose-plugin-vault.ts';
import { createPluginVault, type PluginVaultOptions } from '../../runner/adapters/vault/brought/plugin-vault.ts';
import type { MethodInput, MethodName, MethodResult } from '../../shared/protocol/methods.ts';
import { methodParams } from '../../shared/protocol/method-params.ts';
import type { Vault } from '../../runner/core/ports/vault.ts';
import type { VaultWrite } from '../../shared/protocol/wire.ts';
import { createVaultDevice, type VaultDevice } from './vault-device.ts';

export interface ConnectedDevice extends VaultDevice {
  readonly name: string;
  readonly bundle: VaultBundle;
  readonly told: readonly VaultWrite[];
  /** What becomes of a write that this device is told; a test may put something else in its place. */
  answer: (write: VaultWrite) => Promise<void>;
  apply(write: VaultWrite): Promise<void>;
  readonly call: <Method extends MethodName>(
    method: Method,
    params: MethodInput<Method>,
  ) => Promise<MethodResult<Method>>;
  leave(): void;
  arrive(): void;
}

/** A runner's side of a vault that is elsewhere and the plugin's, joined without a network. */
export interface BroughtVaultLab {
  readonly folder: string;
  /** As after a restart of the runner, when called again. */
  open(parts?: Partial<PluginVaultParts>): PluginVault;
  vault(options?: Partial<PluginVaultOptions>): Vault;
  /** In a folder of its own unless another device's is given. */
  device(name: string, root?: string): ConnectedDevice;
}

export function createBroughtVaultLab(): BroughtVaultLab {
  const folder = mkdtempSync(join(tmpdir(), 'opus-brought-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  let opened: PluginVault | null = null;
  const current = (): PluginVault => {
    if (opened === null) throw new Error('The lab is not open.');
    return opened;
  };
  return {
    folder,
    open(parts = {}) {
      opened = composePluginVault({
        data: join(folder, 'data'),
        clock: { now: () => Date.now() },
        featureRequestFolder: () => '10_features',
        hasOpenJobs: () => true,
        ...parts,
      });
      return opened;
    },
    vault: (options = {}) => createPluginVault({ notes: current().notes, writing: current().desk, ...options }),
    device(name, root = join(folder, name)) {
      mkdirSync(join(root, '10_features'), { recursive: true });
      return connect(name, createVaultDevice(root), current);
    },
  };
}

function connect(name: string, device: VaultDevice, current: () => PluginVault): ConnectedDevice {
  const told: VaultWrite[] = [];
  const applier = createWriteApplier(device.app);
  let leave: (() => void) | null = null;
  async function call<Method extends MethodName>(
    method: Method,
    params: MethodInput<Method>,
  ): Promise<MethodResult<Method>> {
    // Over the wire and back.
    const sent: unknown = JSON.parse(JSON.stringify(params));
    if (method === 'vault.bundle') {
      const answer = await current().bundle(name, methodParams['vault.bundle'].parse(sent));
      return answer as MethodResult<Method>;
    }
    await current().applied(name, methodParams['vault.applied'].parse(sent));
    return {} as MethodResult<Method>;
  }
  const connected: ConnectedDevice = {
    ...device,
    name,
    told,
    call,
    bundle: createVaultBundle(device.app, { call }),
    async apply(write) {
      await call('vault.applied', await applier(write));
    },
    answer: (write) => connected.apply(write),
    arrive() {
      leave ??= current().desk.arrived({
        device: name,
        tell(write) {
          told.push(write);
          void connected.answer(write);
          return true;
        },
      });
    },
    leave() {
      leave?.();
      leave = null;
    },
  };
  connected.arrive();
  return connected;
}

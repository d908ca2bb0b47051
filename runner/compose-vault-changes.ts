import { createVaultGit } from './adapters/git/vault-git.ts';
import { createVaultWatcher } from './adapters/vault/vault-watcher.ts';
import type { RunnerParts } from './compose-parts.ts';
import type { VaultWatcher } from './core/ports/vault-watcher.ts';
import { createVaultSyncing, type VaultSyncing } from './engine/vault-syncing.ts';

/** Tells what changes in the vault: files, or what a plugin brings. */
export function vaultWatcher({ dependencies, pluginVault }: RunnerParts): VaultWatcher {
  const { config } = dependencies;
  if (pluginVault !== null) return pluginVault.watcher;
  return createVaultWatcher({
    root: config.vault.path,
    folders: () => [dependencies.confirmed().policy.folders.features, '00_system/opus'],
    debounceMs: config.polling.debounce,
  });
}

/** Null where the vault is no clone that others push to. */
export function vaultSyncing({ dependencies, log }: RunnerParts, onPulled: () => void): VaultSyncing | null {
  const { path, git } = dependencies.config.vault;
  if (git === null) return null;
  const folders = () => dependencies.confirmed().policy.folders;
  const sync = createVaultGit({
    root: path,
    remote: git.remote,
    branch: git.branch,
    reportsFolder: () => folders().reports,
    featureFolder: () => folders().features,
    clock: dependencies.clock,
  });
  return createVaultSyncing({ sync, intervalMs: git.interval, log, onPulled });
}

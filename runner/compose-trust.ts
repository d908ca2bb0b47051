import { join } from 'node:path';
import { openRegistry } from './adapters/registry/open-registry.ts';
import { openVault } from './compose-plugin-vault.ts';
import { checkCodeNote } from './confirmed-notes.ts';
import type { RunnerConfig } from './core/configuration.ts';
import { createTrust, type Trust } from './engine/trust.ts';

/**
 * For confirming notes beside a process that holds the data folder: that reads what is in force anew each time, and
 * confirming is one transaction. The registry must be one of this version.
 */
export function composeTrust(config: RunnerConfig): { readonly trust: Trust; close(): void } {
  const clock = { now: () => Date.now() };
  const registry = openRegistry({ file: join(config.data, 'registry.db'), clock });
  return {
    trust: createTrust(openVault(config), registry, clock, checkCodeNote),
    close: () => {
      registry.close();
    },
  };
}

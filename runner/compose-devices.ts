import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { createBackups } from './adapters/registry/backups.ts';
import { openRegistry } from './adapters/registry/open-registry.ts';
import { openRegistrySafely } from './adapters/registry/open-registry-safely.ts';
import { openRegistryReader } from './adapters/registry/registry-reader.ts';
import { acquireRunnerLock } from './adapters/registry/runner-lock.ts';
import { packageVersion } from './config/package-root.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { Clock } from './core/ports/clock.ts';
import type { Devices } from './core/ports/devices.ts';
import type { JobRegistry } from './core/ports/job-registry.ts';
import { createPairing, type Pairing } from './engine/pairing.ts';

export interface OpenedDevices {
  readonly devices: Devices;
  readonly pairing: Pairing;
  close(): void;
}

/** Pairing where no service can be asked, also beside a process that works on the data folder: each change is one transaction. */
export async function composeDevices(config: RunnerConfig): Promise<OpenedDevices> {
  const clock = { now: () => Date.now() };
  const opened = await openedRegistry(config, clock);
  const { registry } = opened;
  return {
    devices: registry.devices,
    pairing: createPairing(registry.devices, clock),
    close() {
      registry.close();
      opened.release();
    },
  };
}

async function openedRegistry(
  config: RunnerConfig,
  clock: Clock,
): Promise<{ readonly registry: JobRegistry; release(): void }> {
  const file = join(config.data, 'registry.db');
  try {
    const lock = acquireRunnerLock(config.data);
    try {
      const backups = createBackups({
        dataFolder: config.data,
        keep: config.backup.keep,
        clock,
        packageVersion: packageVersion(),
      });
      const { registry } = await openRegistrySafely({ file, clock, backups });
      return {
        registry,
        release: () => {
          lock.release();
        },
      };
    } catch (thrown) {
      lock.release();
      throw thrown;
    }
  } catch (thrown) {
    if (!(thrown instanceof OpusError && thrown.code === 'registry.locked')) throw thrown;
    // Whoever holds the lock has it open: it must not be migrated under them.
    if (existsSync(file)) openRegistryReader({ file }).close();
    return { registry: openRegistry({ file, clock }), release: () => undefined };
  }
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import { openRegistry } from './adapters/registry/open-registry.ts';
import { openRegistryReader } from './adapters/registry/registry-reader.ts';
import { acquireRunnerLock } from './adapters/registry/runner-lock.ts';
import { createFileVault } from './adapters/vault/file-vault.ts';
import { createVaultFiles } from './adapters/vault/vault-files.ts';
import { createConfirmedNotes } from './confirmed-notes.ts';
import { defaultPolicy, type RunnerConfig } from './core/configuration.ts';
import type { RegistryReader } from './core/ports/job-registry.ts';
import type { ReconcileDependencies } from './engine/reconcile.ts';

/** What settling needs: the notes as files, and the registry for reading only, so that it works beside a runner too. */
export function composeReconcile(config: RunnerConfig): ReconcileDependencies & { close(): void } {
  if (config.vault.writer === 'plugin') {
    throw new OpusError(
      'config.usage',
      'The vault is not on this machine, so nothing can be settled in it from here.',
      {
        hint: 'Settle it in Obsidian, or call this where the vault is.',
      },
    );
  }
  const file = join(config.data, 'registry.db');
  const registry: RegistryReader | null = existsSync(file) ? openRegistryReader({ file }) : null;
  try {
    const policy = registry === null ? defaultPolicy : createConfirmedNotes(registry)().policy;
    const { features, reports } = policy.folders;
    return {
      vault: createFileVault({ root: config.vault.path, featureRequestFolder: features, idPattern: policy.idPattern }),
      files: createVaultFiles({ root: config.vault.path }),
      registry,
      folders: [features, reports, '00_system/opus'],
      recordStatus: (jobId, before, status) => Promise.resolve(recordStatus(config.data, jobId, before, status)),
      close: () => {
        registry?.close();
      },
    };
  } catch (thrown) {
    registry?.close();
    throw thrown;
  }
}

/** Only where no runner holds the data folder; one that does acts on the note by itself. */
function recordStatus(
  data: string,
  ...[jobId, before, status]: Parameters<ReconcileDependencies['recordStatus']>
): 'recorded' | 'runner' {
  let lock: ReturnType<typeof acquireRunnerLock>;
  try {
    lock = acquireRunnerLock(data);
  } catch (thrown) {
    if (thrown instanceof OpusError && thrown.code === 'registry.locked') return 'runner';
    throw thrown;
  }
  try {
    const registry = openRegistry({ file: join(data, 'registry.db'), clock: { now: Date.now } });
    try {
      if (registry.job(jobId)?.noteStatus !== before) return 'runner';
      registry.commit(null, null, { updateJob: { id: jobId, fields: { noteStatus: status } } });
      return 'recorded';
    } finally {
      registry.close();
    }
  } finally {
    lock.release();
  }
}

import { OpusError } from '#shared/domain/errors.ts';
import { broughtFolder, createBroughtVault, type BroughtVault } from './adapters/vault/brought/brought-vault.ts';
import { readBroughtState, contentsFolder } from './adapters/vault/brought/brought-state.ts';
import { readContent } from './adapters/vault/brought/content-store.ts';
import { createPluginVault, type BroughtNotes } from './adapters/vault/brought/plugin-vault.ts';
import { createFileVault, type FileVaultOptions } from './adapters/vault/file-vault.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { Clock } from './core/ports/clock.ts';
import type { VaultWatcher } from './core/ports/vault-watcher.ts';
import type { Vault } from './core/ports/vault.ts';
import { createVaultDesk, type VaultDesk } from './engine/vault-desk.ts';
import type { BroughtByPlugins } from './service-calls.ts';

/** A vault that is not on this machine, as connected plugins bring and write it. */
export interface PluginVault extends BroughtByPlugins {
  readonly notes: BroughtNotes;
  /** Tells what was brought, in place of files that nobody changes here. */
  readonly watcher: VaultWatcher;
  /** Who speaks for the vault, and whether it is connected; null before any device did. */
  voice(): { readonly device: string; readonly isThere: boolean } | null;
}

export interface PluginVaultParts {
  readonly data: string;
  readonly clock: Clock;
  readonly featureRequestFolder: () => string;
  readonly hasOpenJobs: () => boolean;
}

const codeFolder = '00_system/opus';

export function composePluginVault({ data, clock, featureRequestFolder, hasOpenJobs }: PluginVaultParts): PluginVault {
  const watching = new Set<() => void>();
  const folders = (): string[] => [featureRequestFolder(), codeFolder];
  const brought: BroughtVault = createBroughtVault({
    folder: broughtFolder(data),
    clock,
    folders,
    featureRequestFolder,
    isThere: (device) => desk.isThere(device),
    hasOpenJobs,
    onChange: () => {
      for (const listener of watching) listener();
    },
  });
  const desk: VaultDesk = createVaultDesk({
    voice: () => brought.voice(),
    async take(device, { kind, path }, { outcome, text }) {
      const isGone = outcome.kind === 'gone' || (kind === 'remove' && outcome.kind === 'written');
      if (text === null && !isGone) return;
      desk.onlyInStep(device);
      await brought.take(device, path, text);
    },
  });
  return {
    desk,
    notes: brought,
    watcher: watcherOf(watching),
    async bundle(device, params) {
      const before = brought.state().notes;
      const { missing, taken, inStep } = await brought.bundle(device, params);
      if (params.files !== null && !params.more && missing.length === 0) {
        if (inStep && brought.state().notes !== before) desk.onlyInStep(device);
        desk.setInStep(device, inStep);
      }
      const isQuestion = params.files === null && params.contents.length === 0;
      return { missing, taken: isQuestion ? desk.isInStep(device) : taken, folders: folders() };
    },
    async applied(device, params) {
      await desk.applied(device, params);
    },
    voice() {
      const device = brought.voice();
      return device === null ? null : { device, isThere: desk.isThere(device) };
    },
  };
}

function watcherOf(watching: Set<() => void>): VaultWatcher {
  let listening: (() => void) | null = null;
  return {
    start(listener) {
      listening = () => {
        listener.onChange();
      };
      watching.add(listening);
      return Promise.resolve();
    },
    stop() {
      if (listening) watching.delete(listening);
      return Promise.resolve();
    },
  };
}

/** What was brought, for a process that only looks: read anew each time, since another one may hold it. */
function broughtNotesOnDisk(data: string): BroughtNotes {
  const folder = broughtFolder(data);
  return { state: () => readBroughtState(folder), text: (hash) => readContent(contentsFolder(folder), hash) };
}

/** How many notes a device brought; null before any did. */
export function broughtNotes(data: string): number | null {
  const { isBrought, notes } = readBroughtState(broughtFolder(data));
  return isBrought ? Object.keys(notes).length : null;
}

/** The vault of a configuration, for commands: one that is elsewhere cannot be written by them. */
export function openVault(config: RunnerConfig, options: Omit<FileVaultOptions, 'root'> = {}): Vault {
  if (config.vault.writer === 'runner') return createFileVault({ root: config.vault.path, ...options });
  return createPluginVault({
    ...options,
    notes: broughtNotesOnDisk(config.data),
    writing: { write: (write) => Promise.reject(notHere(write.write.path)) },
  });
}

function notHere(path: string): OpusError {
  return new OpusError('vault.nobody-writes', `${path} cannot be written: the vault is not on this machine.`, {
    hint: 'Do it in Obsidian; its plugin brings what has changed.',
  });
}

import { createFileVault, type FileVault, type FileVaultOptions } from './adapters/vault/file-vault.ts';
import type { Vault } from './core/ports/vault.ts';

/** The vault as the configuration and policy of this moment say: made anew when they change, with its cache until then. */
export function createCurrentVault(options: () => FileVaultOptions): Vault {
  let known: { readonly key: string; readonly vault: FileVault } | null = null;
  const current = (): FileVault => {
    const wanted = options();
    const key = JSON.stringify(wanted);
    if (known?.key !== key) known = { key, vault: createFileVault(wanted) };
    return known.vault;
  };
  return {
    scan: () => current().scan(),
    read: (path) => current().read(path),
    writeKeys: (write) => current().writeKeys(write),
    writeNote: (path, text, mode) => current().writeNote(path, text, mode),
    reportNames: () => current().reportNames(),
    reports: () => current().reports(),
    readNote: (path) => current().readNote(path),
    removeNote: (path, expected) => current().removeNote(path, expected),
    codeNotes: () => current().codeNotes(),
  };
}

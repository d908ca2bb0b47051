import type { FileVaultOptions } from './adapters/vault/file-vault.ts';
import type { Vault } from './core/ports/vault.ts';

/** The vault as the configuration and policy of this moment say: made anew when they change, with its cache until then. */
export function createCurrentVault<Options extends FileVaultOptions>(
  options: () => Options,
  create: (options: Options) => Vault,
): Vault {
  let known: { readonly key: string; readonly vault: Vault } | null = null;
  const current = (): Vault => {
    const wanted = options();
    const key = JSON.stringify(wanted);
    if (known?.key !== key) known = { key, vault: create(wanted) };
    return known.vault;
  };
  return {
    scan: () => current().scan(),
    read: (path) => current().read(path),
    writeKeys: (write) => current().writeKeys(write),
    writeNote: (path, text, mode, id) => current().writeNote(path, text, mode, id),
    reportNames: () => current().reportNames(),
    reports: () => current().reports(),
    readNote: (path) => current().readNote(path),
    removeNote: (path, expected) => current().removeNote(path, expected),
    codeNotes: () => current().codeNotes(),
  };
}

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { FileVault, type FileVaultOptions } from '../../runner/adapters/vault/file-vault.ts';

/** A new vault in a temporary folder for each test of the file that calls this. */
export class VaultFolder {
  /** A folder around the vault, for what lies outside it. */
  folder = '';
  root = '';

  static forEachTest(): VaultFolder {
    const files = new VaultFolder();
    beforeEach(async () => {
      files.folder = await mkdtemp(join(tmpdir(), 'opus-vault-'));
      files.root = join(files.folder, 'vault');
      await mkdir(join(files.root, '10_features'), { recursive: true });
    });
    afterEach(async () => {
      await rm(files.folder, { recursive: true, force: true });
    });
    return files;
  }

  vault(options: Partial<FileVaultOptions> = {}): FileVault {
    return new FileVault({ root: this.root, ...options });
  }

  async put(name: string, content: string | Buffer): Promise<string> {
    const target = join(this.root, name);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
    return target;
  }

  async get(name: string): Promise<string> {
    return readFile(join(this.root, name), 'utf8');
  }
}

export const plannedNote = '---\nid: FR-1\ntitle: One\nstatus: planned # mine\ntags:\n  - fr\n---\nBody\n';

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createFileVault } from '../../runner/adapters/vault/file-vault.ts';
import { createBroughtVaultLab } from '../support/brought-vault-lab.ts';
import { vaultContract, type VaultUnderTest } from './vault.contract.ts';

function filesIn(root: string): Omit<VaultUnderTest, 'open'> {
  return {
    async put(path, content) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    },
    get: (path) => readFile(join(root, path), 'utf8'),
    remove: (path) => rm(join(root, path)),
  };
}

vaultContract('in a folder of this machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'opus-vault-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const root = join(folder, 'vault');
  await mkdir(join(root, '10_features'), { recursive: true });
  return { ...filesIn(root), open: (options = {}) => Promise.resolve(createFileVault({ root, ...options })) };
});

vaultContract('that a plugin brings and writes', () => {
  const lab = createBroughtVaultLab();
  lab.open();
  const device = lab.device('laptop');
  return Promise.resolve({
    ...filesIn(device.root),
    async open(options = {}) {
      await device.bundle.bring();
      return lab.vault(options);
    },
  });
});

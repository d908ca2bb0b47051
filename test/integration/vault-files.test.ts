import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createVaultFiles } from '../../runner/adapters/vault/vault-files.ts';
import { everythingIn, reconcilableNote } from '../support/reconcile-lab.ts';
import { VaultFolder } from '../support/vault-folder.ts';

const files = VaultFolder.forEachTest();

describe('the files of the vault', () => {
  it('keep what somebody writes while the replacement is being written', async () => {
    const target = await files.put('10_features/FR-1.md', 'seen\n');
    const subject = createVaultFiles({ root: files.root });
    const replacing = subject.replace(
      '10_features/FR-1.md',
      Buffer.from('seen\n'),
      Buffer.alloc(16 * 1024 * 1024, 'x'),
    );
    while (!existsSync(join(files.root, '.trash/FR-1.md'))) await setImmediate();
    writeFileSync(target, 'written meanwhile\n');
    expect(await replacing).toBeNull();
    expect(everythingIn(files.root)).toEqual({ '10_features/FR-1.md': 'written meanwhile\n' });
  });

  it('are never read, replaced or moved through a link', async () => {
    await writeFile(join(files.folder, 'outside.md'), 'outside\n');
    await symlink(join(files.folder, 'outside.md'), join(files.root, '10_features/FR-1.md'));
    await symlink(files.folder, join(files.root, '20_runs'));
    const subject = createVaultFiles({ root: files.root });
    const outside = Buffer.from('outside\n');
    expect(await subject.read('10_features/FR-1.md')).toBeNull();
    for (const path of ['10_features/FR-1.md', '20_runs/outside.md', '../outside.md']) {
      await expect(subject.trash(path, outside)).rejects.toMatchObject({ code: 'vault.note-unreadable' });
      await expect(subject.replace(path, outside, outside)).rejects.toMatchObject({ code: 'vault.note-unreadable' });
    }
    expect(await subject.list(['20_runs'])).toEqual([]);
    expect(readFileSync(join(files.folder, 'outside.md'), 'utf8')).toBe('outside\n');
  });

  it('are not touched where nothing can be kept of them', async () => {
    await files.put('10_features/FR-1.md', reconcilableNote('FR-1'));
    await mkdir(join(files.folder, 'elsewhere'));
    await symlink(join(files.folder, 'elsewhere'), join(files.root, '.trash'));
    const subject = createVaultFiles({ root: files.root });
    const seen = Buffer.from(reconcilableNote('FR-1'));
    await expect(subject.trash('10_features/FR-1.md', seen)).rejects.toMatchObject({ code: 'vault.write-failed' });
    await expect(subject.replace('10_features/FR-1.md', seen, Buffer.from('x'))).rejects.toMatchObject({
      code: 'vault.write-failed',
    });
    expect([await files.get('10_features/FR-1.md'), readdirSync(join(files.folder, 'elsewhere'))]).toEqual([
      reconcilableNote('FR-1'),
      [],
    ]);
  });
});

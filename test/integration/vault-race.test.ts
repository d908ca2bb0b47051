import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { plannedNote, VaultFolder } from '../support/vault-folder.ts';

/** What a person does after the vault has read the note and before it replaces it. */
const person = vi.hoisted(() => ({ interferes: async (): Promise<void> => {} }));

vi.mock(import('../../runner/adapters/vault/atomic-write.ts'), async (original) => {
  const actual = await original();
  return {
    ...actual,
    replaceAtomically: async (...write: Parameters<typeof actual.replaceAtomically>) => {
      await person.interferes();
      return actual.replaceAtomically(...write);
    },
  };
});

const path = '10_features/FR-1.md';
const files = VaultFolder.forEachTest();
const write = { path, keys: [['run_state', 'code']], status: { expect: ['planned'], to: 'in-progress' } } as const;

beforeEach(async () => {
  await files.put(path, plannedNote);
});

function interfereOnce(edit: () => Promise<void>): void {
  person.interferes = async () => {
    person.interferes = async () => {};
    await edit();
  };
}

describe('a person who saves while the runner writes', () => {
  it('keeps the edit, and the runner’s keys are written on top of it', async () => {
    interfereOnce(() => writeFile(join(files.root, path), plannedNote.replace('Body', 'Mine')));
    expect(await files.vault().writeKeys(write)).toEqual({ kind: 'written' });
    expect(await files.get(path)).toContain('Mine');
    expect(await files.get(path)).toContain('run_state: code');
  });

  it('keeps the status chosen meanwhile', async () => {
    interfereOnce(() => writeFile(join(files.root, path), plannedNote.replace('planned', 'parked')));
    expect(await files.vault().writeKeys(write)).toEqual({ kind: 'clash', found: 'parked' });
    expect(await files.get(path)).toContain('status: parked # mine');
  });

  it('wins in the end when the note never comes to rest', async () => {
    let edits = 0;
    person.interferes = () => writeFile(join(files.root, path), plannedNote.replace('Body', `Mine ${(edits += 1)}`));
    await expect(files.vault().writeKeys(write)).rejects.toMatchObject({ code: 'vault.write-failed' });
    expect(await files.get(path)).toBe(plannedNote.replace('Body', `Mine ${edits}`));
  });
});

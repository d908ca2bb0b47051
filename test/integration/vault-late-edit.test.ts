import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { plannedNote, VaultFolder } from '../support/vault-folder.ts';

/** What a person writes in the very moment of the replacement, after the last look at the file. */
const person = vi.hoisted((): { writes: ((target: string) => void)[] } => ({ writes: [] }));

vi.mock(import('node:fs'), async (original) => {
  const actual = await original();
  return {
    ...actual,
    renameSync: (from, to) => {
      person.writes.shift()?.(String(to));
      actual.renameSync(from, to);
    },
  };
});

const path = '10_features/FR-1.md';
const files = VaultFolder.forEachTest();
const write = { path, keys: [['run_state', 'code']], status: { expect: ['planned'], to: 'in-progress' } } as const;

beforeEach(async () => {
  person.writes = [];
  await files.put(path, plannedNote);
});

const append = (text: string) => (target: string) => {
  appendFileSync(target, text);
};

describe('an edit in the moment in which the note is replaced', () => {
  it('is kept, with the runner’s keys beside it', async () => {
    person.writes = [append('Mine.\n')];
    expect(await files.vault().writeKeys(write)).toEqual({ kind: 'written' });
    expect(await files.get(path)).toContain('Mine.\n');
    expect(await files.get(path)).toContain('run_state: code');
    expect(await files.get(path)).toContain('status: in-progress');
  });

  it('is kept also when it changes the middle of the note', async () => {
    person.writes = [
      (target) => {
        writeFileSync(target, plannedNote.replace('Body', 'Mine'));
      },
    ];
    await files.vault().writeKeys(write);
    expect(await files.get(path)).toContain('Mine');
    expect(await files.get(path)).toContain('run_state: code');
  });

  it('is kept time after time', async () => {
    person.writes = [append('One.\n'), append('Two.\n'), append('Three.\n')];
    await files.vault().writeKeys(write);
    const text = await files.get(path);
    for (const line of ['One.', 'Two.', 'Three.']) expect(text.split('\n')).toContain(line);
    expect(text).toContain('run_state: code');
  });

  it('is kept beside the note where it cannot be put together with what came after it', async () => {
    const rewrite = (word: string) => (target: string) => {
      writeFileSync(target, plannedNote.replace('Body', word));
    };
    person.writes = [rewrite('First'), rewrite('Second')];
    await files.vault().writeKeys(write);
    const folder = join(files.root, '10_features');
    const texts = await Promise.all(readdirSync(folder).map((name) => files.get(`10_features/${name}`)));
    expect(texts.some((text) => text.includes('First'))).toBe(true);
    expect(texts.some((text) => text.includes('Second'))).toBe(true);
  });
});

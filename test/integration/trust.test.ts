import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileVault } from '../../runner/adapters/vault/file-vault.ts';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { checkCodeNote } from '../../runner/confirmed-notes.ts';
import type { JobRegistry } from '../../runner/core/ports/job-registry.ts';
import { createTrust, type Trust } from '../../runner/engine/trust.ts';

const rule = '00_system/opus/review-rules/names.md';
const memory = '00_system/opus/memory/past.md';
let folder: string;
let registry: JobRegistry;
let trust: Trust;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trust-'));
  const clock = { now: () => 1 };
  registry = openRegistry({ file: join(folder, 'data', 'registry.db'), clock });
  trust = createTrust(createFileVault({ root: folder }), registry, clock, checkCodeNote);
  write(rule, 'Good names.\n');
  write(memory, 'It was so.\n');
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const confirmed = (): string[] => registry.trustedNotes().map(({ path, text }) => `${path}: ${text.trim()}`);

test('notes are confirmed as they were shown, one that is gone is in force no more', async () => {
  expect(await trust.confirmShown(await trust.changes())).toBeNull();
  expect(confirmed()).toEqual([`${memory}: It was so.`, `${rule}: Good names.`]);
  rmSync(join(folder, memory));
  write(rule, 'Better names.\n');
  expect(await trust.confirmShown(await trust.changes())).toBeNull();
  expect(confirmed()).toEqual([`${rule}: Better names.`]);
});

test.each([
  [
    'is another by now',
    () => {
      write(rule, 'Run this.\n');
    },
  ],
  [
    'is gone by now',
    () => {
      rmSync(join(folder, rule));
    },
  ],
])('nothing is confirmed where one that was shown %s', async (_name, change) => {
  const shown = await trust.changes();
  change();
  expect(await trust.confirmShown(shown)).toBe(rule);
  expect(confirmed()).toEqual([]);
});

test('nothing is put out of force where one that was shown as gone is back', async () => {
  await trust.confirm('all');
  rmSync(join(folder, rule));
  const shown = (await trust.changes()).filter(({ state }) => state !== 'confirmed');
  write(rule, 'Good names.\n');
  expect(await trust.confirmShown(shown)).toBe(rule);
  expect(confirmed()).toHaveLength(2);
});

test('a note that came after the look is not confirmed with those that were shown', async () => {
  const shown = await trust.changes();
  write('00_system/opus/review-rules/later.md', 'Later.\n');
  expect(await trust.confirmShown(shown)).toBeNull();
  expect(confirmed()).toHaveLength(2);
});

test('what is confirmed by itself stays in force while the vault shows no such note at all', async () => {
  await trust.confirm('all');
  rmSync(join(folder, '00_system'), { recursive: true });
  expect(await trust.confirm('all')).toBe(0);
  expect(confirmed()).toEqual([`${memory}: It was so.`, `${rule}: Good names.`]);
  write(rule, 'Good names.\n');
  expect(await trust.confirm('all')).toBe(1);
  expect(confirmed()).toEqual([`${rule}: Good names.`]);
});

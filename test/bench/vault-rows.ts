import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createFileVault } from '../../runner/adapters/vault/file-vault.ts';
import { spliceFrontmatter } from '../../shared/frontmatter/splice.ts';
import { alternately, median, timed, type Row } from './measure.ts';

const notes = 10_000;
/** A vault does not trust what it read of a file that changed less than two seconds before. */
const settleMs = 2_500;

const sentence = 'The list shows every entry once, the newest first, and says so when there is none. ';

function noteText(number: number): string {
  const body = `${sentence.repeat(1 + (number % 8))}\n\n- ${sentence}\n- ${sentence}\n\n`.repeat(1 + (number % 4));
  return `---
id: FR-${number}
title: "List entry ${number}: newest first"
status: ${['idea', 'planned', 'done', 'parked'][number % 4] ?? 'idea'}
priority: P${number % 4}
repo: app
depends_on:
  - "[[FR-${Math.max(1, number - 1)}]]"
decision: ""
tags:
  - fr
  - list
---

# List entry ${number}

${body.slice(0, 3_600)}`;
}

function makeVault(): string {
  const root = mkdtempSync(join(tmpdir(), 'opus-bench-vault-'));
  for (let number = 1; number <= notes; number += 1) {
    const folder = join(root, '10_features', `area-${number % 50}`);
    if (number <= 50) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `FR-${number}.md`), noteText(number));
  }
  return root;
}

export async function scanRows(): Promise<Row[]> {
  const root = makeVault();
  try {
    await pause(settleMs);
    const cold: number[] = [];
    let vault = createFileVault({ root });
    for (let round = 0; round < 3; round += 1) {
      vault = createFileVault({ root });
      cold.push(
        await timed(async () => {
          const found = await vault.scan();
          if (found.length !== notes) throw new Error(`${found.length} of ${notes} notes were found.`);
        }),
      );
    }
    const path = '10_features/area-7/FR-7.md';
    const rescans: number[] = [];
    const reads: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      writeFileSync(join(root, path), `${noteText(7)}\nEdit ${round}\n`);
      reads.push(await timed(() => vault.read(path)));
      rescans.push(await timed(() => vault.scan()));
    }
    return [
      row(`cold scan of ${notes} notes`, median(cold), 2_000),
      row('one edited note among them read again, links resolved', median(reads), 20),
      { ...row('whole rescan after one edit', median(rescans), 0), limit: null },
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function row(what: string, measured: number, at: number): Row {
  return { what, unit: 'ms', measured, reference: null, limit: { of: 'value', at } };
}

export async function noteWriteRows(): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), 'opus-bench-note-'));
  try {
    const path = '10_features/FR-7.md';
    const file = join(root, path);
    mkdirSync(join(root, '10_features'));
    const text = noteText(7);
    writeFileSync(file, text);
    const vault = createFileVault({ root });
    const splices: number[] = [];
    for (let round = 0; round < 500; round += 1) {
      splices.push(await timed(() => spliceFrontmatter(text, [['run_state', `round-${round}`]])));
    }
    const { one, other } = await alternately(
      60,
      async (round) => {
        const outcome = await vault.writeKeys({ path, keys: [['run_state', `round-${round}`]], status: null });
        if (outcome.kind !== 'written') throw new Error(`The note was not written: ${outcome.kind}.`);
      },
      async () => bareReplace(file, await readFile(file)),
    );
    return [
      { what: 'one property set in memory', unit: 'ms', measured: median(splices), reference: null, limit: null },
      {
        what: 'one property set on disk',
        unit: 'ms',
        measured: one,
        reference: { name: 'write, fsync, rename', value: other },
        limit: null,
      },
    ];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function bareReplace(file: string, bytes: Buffer): Promise<void> {
  const handle = await open(`${file}.tmp`, 'w');
  await handle.writeFile(bytes);
  await handle.sync();
  await handle.close();
  await rename(`${file}.tmp`, file);
}

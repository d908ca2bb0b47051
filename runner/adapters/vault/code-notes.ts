import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeNote } from '../../core/ports/vault.ts';
import { hasCode } from './atomic-write.ts';
import { liesInside } from './confined-path.ts';
import { statOf } from './note-scan.ts';

const folders = [
  ['agents', 'agent'],
  ['review-rules', 'review-rule'],
  ['memory', 'memory'],
] as const;

/** Of a note below the folder, by its path; null for what is none of these. */
export function kindOfCodeNote(path: string, folder: string): CodeNote['kind'] | null {
  if (path === `${folder}/config.md`) return 'policy';
  const kinds = folders.filter(([name]) => {
    const inside = `${folder}/${name}/`;
    return path.startsWith(inside) && !path.slice(inside.length).includes('/');
  });
  return kinds[0]?.[1] ?? null;
}

/** Policy, agent, rule and memory notes. Links are not followed, so that what is confirmed is what lies in the vault. */
export async function readCodeNotes(root: string, folder: string, maxBytes: number): Promise<CodeNote[]> {
  const candidates: { path: string; kind: CodeNote['kind'] }[] = [{ path: `${folder}/config.md`, kind: 'policy' }];
  for (const [name, kind] of folders) {
    for (const file of await markdownFilesIn(join(root, folder, name))) {
      candidates.push({ path: `${folder}/${name}/${file}`, kind });
    }
  }
  const notes: CodeNote[] = [];
  for (const { path, kind } of candidates) {
    const bytes = await readPlainFile(root, path, maxBytes);
    if (!bytes) continue;
    const hash = createHash('sha256').update(bytes).digest('hex');
    notes.push({ path, kind, text: bytes.toString('utf8'), hash });
  }
  return notes;
}

async function markdownFilesIn(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => /\.md$/i.test(name) && !name.startsWith('.')).sort();
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return [];
    throw error;
  }
}

async function readPlainFile(root: string, path: string, maxBytes: number): Promise<Buffer | null> {
  const absolute = join(root, path);
  const stats = statOf(absolute);
  if (!stats?.isFile() || stats.size > maxBytes || !(await liesInside(root, absolute))) return null;
  try {
    return await readFile(absolute, { flag: constants.O_RDONLY | constants.O_NOFOLLOW });
  } catch (error) {
    if (hasCode(error, ['ENOENT', 'ELOOP'])) return null;
    throw error;
  }
}

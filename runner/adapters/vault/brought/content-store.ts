import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rename, writeFile } from 'node:fs/promises';
import { hasCode } from '../atomic-write.ts';
import { sha256 } from '../parsed-note.ts';

/** Texts by the SHA-256 of their bytes, each in a file of that name: what a power cut left half written is known by it, and asked for again. */
export interface ContentStore {
  has(hash: string): boolean;
  /** Bytes of what is there; 0 for what is not. */
  size(hash: string): number;
  /** Null when it is not there, or is not what its name says. */
  read(hash: string): string | null;
  put(text: string): Promise<string>;
  keepOnly(hashes: ReadonlySet<string>): void;
}

export function createContentStore(folder: string): ContentStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const sizes = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    // What a killed runner, or a power cut, left of a write.
    const text = /^[0-9a-f]{64}$/.test(name) ? readContent(folder, name) : null;
    if (text !== null) sizes.set(name, Buffer.byteLength(text));
    else rmSync(join(folder, name), { force: true });
  }
  return {
    has: (hash) => sizes.has(hash),
    size: (hash) => sizes.get(hash) ?? 0,
    read(hash) {
      const text = readContent(folder, hash);
      if (text === null) sizes.delete(hash);
      return text;
    },
    async put(text) {
      const hash = sha256(text);
      if (!sizes.has(hash)) {
        const temporary = join(folder, `${hash}.tmp`);
        await writeFile(temporary, text, { mode: 0o600 });
        await rename(temporary, join(folder, hash));
      }
      sizes.set(hash, Buffer.byteLength(text));
      return hash;
    },
    keepOnly(hashes) {
      for (const hash of sizes.keys()) {
        if (hashes.has(hash)) continue;
        rmSync(join(folder, hash), { force: true });
        sizes.delete(hash);
      }
    },
  };
}

/** Null when it is not there, or is not what its name says. */
export function readContent(folder: string, hash: string): string | null {
  try {
    const text = readFileSync(join(folder, hash), 'utf8');
    return sha256(text) === hash ? text : null;
  } catch (error) {
    if (hasCode(error, ['ENOENT'])) return null;
    throw error;
  }
}

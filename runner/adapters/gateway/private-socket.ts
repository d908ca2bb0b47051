import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folderPrefix = 'opus-gateway-';
/** The longest path that the address of a socket holds. */
const socketPathBytes = 107;

export interface PrivateSocket {
  readonly path: string;
  remove(): Promise<void>;
}

/** A place for a socket that other users of this machine cannot look into. */
export async function privateSocket(): Promise<PrivateSocket> {
  const parent = Buffer.byteLength(tmpdir()) + folderPrefix.length + 40 <= socketPathBytes ? tmpdir() : '/tmp';
  await removeLeftovers(parent);
  const folder = await mkdtemp(join(parent, `${folderPrefix}${process.pid}-`));
  return {
    path: join(folder, 'model.sock'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A runner that was killed could not remove its folders. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = name.startsWith(folderPrefix) ? parseInt(name.slice(folderPrefix.length), 10) : NaN;
    if (Number.isNaN(owner) || existsSync(`/proc/${owner}`)) continue;
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

import { createHash } from 'node:crypto';
import type { ConnectedDevice } from './brought-vault-lab.ts';

export const planned = (id: string, status = 'planned'): string =>
  `---\nid: ${id}\nstatus: ${status}\ntags: fr\n---\nBody of ${id}\n`;

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Names these notes as a device's whole vault, and returns the hashes that are asked for. */
export async function nameNotes(
  { call }: Pick<ConnectedDevice, 'call'>,
  notes: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const files = Object.entries(notes).map(([path, text]) => ({ path, hash: hashOf(text) }));
  return (await call('vault.bundle', { files })).missing;
}

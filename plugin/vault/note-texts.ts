import type { TFile, Vault } from 'obsidian';
import { broughtOfLongNote, longestNote } from '../../shared/protocol/vault-bundle.ts';

/** What is brought of a note. */
export interface NoteText {
  readonly text: string;
  readonly hash: string;
  /** The size of a note that is too long; `text` is its beginning, then. */
  readonly bytes?: number;
}

/** Escaped for the wire a text may be several times as long. */
const longestEscaped = 900_000;

/** A note as it is brought, whatever bytes it has; null when it is gone. */
export async function readNoteText(vault: Vault, file: TFile): Promise<NoteText | null> {
  let bytes: ArrayBuffer;
  try {
    bytes = await vault.readBinary(file);
  } catch {
    return null;
  }
  const whole = bytes.byteLength > longestNote ? null : decoded(bytes);
  if (whole !== null && byteLength(JSON.stringify(whole)) <= longestEscaped) {
    return { text: whole, hash: await sha256(whole) };
  }
  // A character that was cut in two ends it.
  const head = decoded(bytes.slice(0, broughtOfLongNote)).replace(/\ufffd+$/, '');
  return { text: head, hash: await sha256(head), bytes: bytes.byteLength };
}

/** Whether reading the note as text and writing that loses nothing. */
export async function isUtf8(vault: Vault, file: TFile): Promise<boolean> {
  const bytes = await vault.readBinary(file);
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A byte order mark is a part of the text. */
function decoded(bytes: ArrayBuffer): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

import type { App, TFile } from 'obsidian';
import { OpusError } from '../../shared/domain/errors.ts';
import type { MethodInput, MethodResult } from '../../shared/protocol/methods.ts';
import type { RunnerClient } from '../../shared/protocol/client/runner-client.ts';
import { isNotePath } from '../../shared/protocol/vault-bundle.ts';
import { byteLength, readNoteText, type NoteText } from './note-texts.ts';

/** Brings the runner what it needs of the vault. */
export interface VaultBundle {
  /**
   * Brings the notes as they are now. `later` when another device speaks for the vault, or this one has yet to catch up with
   * it. Rejects with what the runner says, or when it cannot be reached.
   */
  bring(): Promise<'taken' | 'later'>;
  /** Whether the runner still has what was brought, and asks for nothing else. */
  isCurrent(): Promise<boolean>;
  /** Whether the runner asks for this note. */
  concerns(path: string): boolean;
}

type NamedNote = NonNullable<MethodInput<'vault.bundle'>['files']>[number];
type Content = NonNullable<MethodInput<'vault.bundle'>['contents']>[number];

/** Below the longest message of the wire, with room for what is around it. */
const longestPart = 950_000;
const mostContents = 1_000;
/** As often a note may change, or a part get lost, while all are brought. */
const mostRounds = 60;

export function createVaultBundle(app: Pick<App, 'vault'>, client: Pick<RunnerClient, 'call'>): VaultBundle {
  const known = new Map<string, { readonly stamp: string; readonly note: NamedNote }>();
  let folders: readonly string[] = [];

  async function namedNotes(): Promise<Map<string, TFile>> {
    const files = new Map<string, TFile>();
    const stamps = new Map<string, { readonly stamp: string; readonly note: NamedNote }>();
    for (const file of app.vault.getMarkdownFiles()) {
      if (!isNotePath(file.path, folders)) continue;
      const stamp = `${file.stat.mtime}:${file.stat.size}`;
      const before = known.get(file.path);
      const note = before?.stamp === stamp ? before.note : await read(file);
      if (note === null) continue;
      stamps.set(file.path, { stamp, note });
      files.set(note.hash, file);
    }
    known.clear();
    for (const [path, entry] of stamps) known.set(path, entry);
    return files;
  }

  async function read(file: TFile): Promise<NamedNote | null> {
    const note = await readNoteText(app.vault, file);
    if (note !== null) return named(file.path, note);
    if (app.vault.getFileByPath(file.path) === null) return null;
    // Left out it would count as removed, and its job be canceled.
    throw new OpusError('vault.note-unreadable', `${file.path} cannot be read on this device.`, {
      hint: 'The runner keeps all notes as it knows them until it can be.',
    });
  }

  async function name(): Promise<MethodResult<'vault.bundle'>> {
    const parts = inParts([...known.values()].map(({ note }) => note));
    let from = 0;
    for (const part of parts.slice(0, -1)) {
      await client.call('vault.bundle', { files: part, from, more: true });
      from += part.length;
    }
    return await client.call('vault.bundle', { files: parts.at(-1) ?? [], from });
  }

  /** One that has changed since it was named is named anew with the next round. */
  async function contentsOf(missing: readonly string[], files: ReadonlyMap<string, TFile>): Promise<Content[]> {
    const contents: Content[] = [];
    for (const hash of missing) {
      const file = files.get(hash);
      const note = file === undefined ? null : await readNoteText(app.vault, file);
      if (note?.hash === hash) contents.push({ hash, text: note.text });
      else if (file !== undefined) known.delete(file.path);
    }
    return contents;
  }

  return {
    async isCurrent() {
      const asked = await client.call('vault.bundle', {});
      return asked.taken && asked.folders.join('\n') === folders.join('\n');
    },
    concerns: (path) => isNotePath(path, folders),
    async bring() {
      folders = (await client.call('vault.bundle', {})).folders;
      for (let round = 0; round < mostRounds; round += 1) {
        const files = await namedNotes();
        const answer = await name();
        if (answer.missing.length === 0) return answer.taken ? 'taken' : 'later';
        for (const part of inParts(await contentsOf(answer.missing, files))) {
          if (part.length > 0) await client.call('vault.bundle', { contents: part });
        }
      }
      return 'later';
    },
  };
}

function named(path: string, { hash, bytes }: NoteText): NamedNote {
  return bytes === undefined ? { path, hash } : { path, hash, bytes };
}

/** At least one part, each below the longest message. */
function inParts<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = [[]];
  let length = 0;
  for (const item of items) {
    const more = byteLength(JSON.stringify(item)) + 1;
    const last = parts.at(-1);
    if (last && (last.length === 0 || (length + more <= longestPart && last.length < mostContents))) {
      last.push(item);
      length += more;
    } else {
      parts.push([item]);
      length = more;
    }
  }
  return parts;
}

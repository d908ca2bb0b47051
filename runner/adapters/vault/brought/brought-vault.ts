import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { MethodParams } from '#shared/protocol/methods.ts';
import { isNotePath, largestBundle, longestNote, mostNotes } from '#shared/protocol/vault-bundle.ts';
import { judgeBundle, type NoteHashes } from '../../../core/brought-vault/judge-bundle.ts';
import type { Clock } from '../../../core/ports/clock.ts';
import { sha256 } from '../parsed-note.ts';
import { contentsFolder, readBroughtState, writeBroughtState, type BroughtState } from './brought-state.ts';
import { createContentStore } from './content-store.ts';
import { withNotes, withWritten } from './next-state.ts';

/** What a device brought of the vault, kept so that a reader sees one state of it whole, whenever this process ends. */
export interface BroughtVault {
  /** `inStep` tells whether what the device has is what the runner takes for the vault now. */
  bundle(
    device: string,
    params: MethodParams<'vault.bundle'>,
  ): Promise<{ readonly missing: string[]; readonly taken: boolean; readonly inStep: boolean }>;
  /** The text of a note after a write, or null when it is gone: as the device has it, which speaks for the vault from now on. */
  take(device: string, path: string, text: string | null): Promise<void>;
  voice(): string | null;
  state(): BroughtState;
  text(hash: string): string | null;
}

export interface BroughtVaultOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whose notes are brought. */
  readonly folders: () => readonly string[];
  /** Of these, the one whose notes jobs are for. */
  readonly featureRequestFolder: () => string;
  /** Whether a connection of the device is there that applies writes. */
  readonly isThere: (device: string) => boolean;
  /** Whether the loss of every feature request would concern a job. */
  readonly hasOpenJobs: () => boolean;
  readonly onChange: () => void;
}

type NamedFile = NonNullable<MethodParams<'vault.bundle'>['files']>[number];

/** A device that is behind, alone, is believed after so long: what it lacks may have been taken back, not be on its way. */
const catchUpMs = 120_000;
const mostAskedAtOnce = 1_000;

export function createBroughtVault(options: BroughtVaultOptions): BroughtVault {
  const { folder, clock } = options;
  let state = readBroughtState(folder);
  const store = createContentStore(contentsFolder(folder));
  /** What a device names in several calls. */
  const naming = new Map<string, NamedFile[]>();
  const asked = new Map<string, { readonly hashes: Set<string>; room: number }>();
  const behindSince = new Map<string, number>();
  let turn: Promise<unknown> = Promise.resolve();

  prune();

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  function prune(): void {
    const named = [...Object.values(state.notes), ...Object.values(state.own)].map(({ hash }) => hash);
    store.keepOnly(new Set([...named, ...[...asked.values()].flatMap(({ hashes }) => [...hashes])]));
  }

  async function put(next: BroughtState): Promise<void> {
    await writeBroughtState(folder, next);
    state = next;
    prune();
    options.onChange();
  }

  async function keepContents(device: string, contents: MethodParams<'vault.bundle'>['contents']): Promise<void> {
    const wanted = asked.get(device);
    for (const { hash, text } of contents) {
      // Of a bundle that was named to a runner before this one: it is named again.
      if (!wanted?.hashes.has(hash) || store.has(hash)) continue;
      const bytes = Buffer.byteLength(text);
      if (bytes > longestNote) throw refused(`A note has ${bytes} bytes; at most ${longestNote} are brought.`);
      if (sha256(text) !== hash) throw refused('A note is not what its hash says.');
      wanted.room -= bytes;
      if (wanted.room < 0) throw tooLarge();
      await store.put(text);
    }
  }

  /** Null until all are named. */
  function named(device: string, { files, from, more }: MethodParams<'vault.bundle'>): readonly NamedFile[] | null {
    const before = from === 0 ? [] : (naming.get(device) ?? []);
    naming.delete(device);
    if (before.length !== from)
      throw refused('The bundle goes on from where it was not; it is to be named from its beginning.');
    const folders = options.folders();
    for (const { path } of files ?? []) {
      if (!isNotePath(path, folders))
        throw refused(`${JSON.stringify(path)} is no note of the folders that are brought.`);
    }
    const all = [...before, ...(files ?? [])];
    if (all.length > mostNotes) throw refused(`There are more than ${mostNotes} notes.`);
    if (!more) return all;
    naming.set(device, all);
    return null;
  }

  async function takeWhole(
    device: string,
    files: readonly NamedFile[],
  ): Promise<{ missing: string[]; taken: boolean; inStep: boolean }> {
    const brought = new Map(files.map((file) => [file.path, file]));
    if (brought.size !== files.length) throw refused('A note is named twice.');
    const hashes = new Set(files.map(({ hash }) => hash));
    const bytes = [...hashes].reduce((sum, hash) => sum + store.size(hash), 0);
    if (bytes > largestBundle) throw tooLarge();
    const missing = [...hashes].filter((hash) => !store.has(hash));
    if (missing.length > 0) {
      asked.set(device, { hashes, room: largestBundle - bytes });
      return { missing: missing.slice(0, mostAskedAtOnce), taken: false, inStep: false };
    }
    asked.delete(device);
    const current = currentHashes();
    const verdict = judgeBundle({
      current,
      past: new Map(Object.entries(state.past)),
      brought: new Map(files.map(({ path, hash }) => [path, hash])),
      isVoice: state.voice === device || !state.isBrought,
    });
    if (verdict === 'behind' && !isBelieved(device)) return { missing: [], taken: false, inStep: false };
    behindSince.delete(device);
    if (verdict !== 'same' || !state.isBrought) {
      refuseLossOfAll(brought);
      await put(withNotes(state, device, brought, current));
    } else if (state.voice !== device && !isVoiceThere()) {
      await put({ ...state, voice: device });
    }
    return { missing: [], taken: true, inStep: true };
  }

  /** Folders may have changed since: what lies in others by now counts for nothing. */
  function currentHashes(): NoteHashes {
    const folders = options.folders();
    return new Map(
      Object.entries(state.notes).flatMap(([path, { hash }]) => (isNotePath(path, folders) ? [[path, hash]] : [])),
    );
  }

  function isVoiceThere(): boolean {
    return state.voice !== null && options.isThere(state.voice);
  }

  function isBelieved(device: string): boolean {
    if (isVoiceThere()) {
      behindSince.delete(device);
      return false;
    }
    const since = behindSince.get(device) ?? clock.now();
    behindSince.set(device, since);
    return clock.now() - since >= catchUpMs;
  }

  /** A vault that has not loaded, or another one, must not count as one whose notes were deleted. */
  function refuseLossOfAll(brought: ReadonlyMap<string, NamedFile>): void {
    const isRequest = (path: string): boolean => isNotePath(path, [options.featureRequestFolder()]);
    const before = Object.entries(state.notes).filter(([path]) => isRequest(path));
    if (before.length === 0 || !options.hasOpenJobs()) return;
    // One that was moved is known by its text, one that was edited by its place.
    const texts = new Set(before.map(([, { hash }]) => hash));
    const isKnown = ({ path, hash }: NamedFile): boolean => path in state.notes || texts.has(hash);
    if ([...brought.values()].some((file) => isRequest(file.path) && isKnown(file))) return;
    throw new OpusError(
      'vault.bundle-refused',
      `The vault was brought without any of the feature requests that were there before (${before.length}); the runner keeps those.`,
      {
        hint: 'Wait until Obsidian has loaded and synchronised the vault, and see that it is the right one. If they are to go, cancel their jobs first.',
      },
    );
  }

  return {
    bundle: (device, params) =>
      inTurn(async () => {
        await keepContents(device, params.contents);
        const files = params.files === null ? null : named(device, params);
        return files === null ? { missing: [], taken: false, inStep: false } : await takeWhole(device, files);
      }),
    take: (device, path, text) =>
      inTurn(async () => {
        if (text !== null && Buffer.byteLength(text) > longestNote) return;
        const hash = text === null ? null : await store.put(text);
        if (state.voice === device && (state.notes[path] ?? state.own[path])?.hash === hash) return;
        await put(
          withWritten(state, { device, path, hash, isBrought: isNotePath(path, options.folders()), at: clock.now() }),
        );
      }),
    voice: () => state.voice,
    state: () => state,
    text: (hash) => store.read(hash),
  };
}

/** Where it is kept in a data folder. */
export const broughtFolder = (data: string): string => join(data, 'vault');

function refused(message: string): OpusError {
  return new OpusError('vault.bundle-refused', message, {
    hint: 'Update the plugin and the runner to the same version.',
  });
}

function tooLarge(): OpusError {
  return new OpusError('vault.bundle-refused', `The notes have more than ${largestBundle} bytes together.`, {
    hint: 'Move logs and attachments out of the folders that the runner reads.',
  });
}

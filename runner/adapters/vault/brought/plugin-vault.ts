import { randomUUID } from 'node:crypto';
import { OpusError } from '#shared/domain/errors.ts';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import { noteName } from '#shared/domain/note-link.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';
import type { FeatureRequest, FeatureRequestNote } from '#shared/domain/feature-request.ts';
import { isNotePath, longestNote } from '#shared/protocol/vault-bundle.ts';
import type { VaultWrite } from '#shared/protocol/wire.ts';
import type { AppliedWrite, RemoteWriting } from '../../../core/ports/vault-writers.ts';
import type { CodeNote, KeyWriteOutcome, Vault } from '../../../core/ports/vault.ts';
import { kindOfCodeNote } from '../code-notes.ts';
import type { FileVaultOptions } from '../file-vault.ts';
import { tooLarge } from '../note-file.ts';
import { inSlices } from '../note-scan.ts';
import { amongOthers, plainFolder, sha256, withoutText } from '../parsed-note.ts';
import type { BroughtNote, BroughtState } from './brought-state.ts';

/** What was brought of the vault; `text` is null where it is not there any more. */
export interface BroughtNotes {
  state(): BroughtState;
  text(hash: string): string | null;
}

export interface PluginVaultOptions extends Omit<FileVaultOptions, 'root' | 'maxNoteBytes' | 'now'> {
  readonly notes: BroughtNotes;
  readonly writing: RemoteWriting;
}

/** A vault on another machine: read from what a plugin brought of it, written by a plugin that is connected. */
export function createPluginVault(options: PluginVaultOptions): Vault {
  const { notes, writing } = options;
  const requests = plainFolder(options.featureRequestFolder ?? '10_features');
  const reportsFolder = plainFolder(options.reportsFolder ?? '20_runs');
  const codeFolder = plainFolder(options.codeFolder ?? '00_system/opus');
  let parsed = new Map<string, { readonly hash: string; readonly note: ParsedFeatureRequest }>();

  function brought(): BroughtState {
    const state = notes.state();
    if (state.isBrought) return state;
    throw new OpusError('vault.not-found', 'No plugin has brought the vault yet.', {
      hint: 'Open Obsidian on a device that is paired as an approver: its plugin brings the notes by itself.',
    });
  }

  /** A text that is missing must not look like a note that somebody removed. */
  function textOf(hash: string): string {
    const text = notes.text(hash);
    if (text !== null) return text;
    throw new OpusError('vault.not-found', 'A part of what was brought of the vault is not there any more.', {
      hint: 'The plugin brings it again when it connects.',
    });
  }

  function parse(path: string, { hash, bytes }: BroughtNote): ParsedFeatureRequest & FeatureRequestNote {
    const note = parseFeatureRequest(path, textOf(hash), { ...options, hash: sha256 });
    return bytes === undefined ? note : { ...note, problems: [tooLarge(bytes, longestNote), ...note.problems] };
  }

  async function write(path: string, change: VaultWrite['write'], id: string | undefined): Promise<AppliedWrite> {
    // What is written differs with what was seen of the note, also under one entry of the outbox.
    const unique = `${id ?? randomUUID()}:${sha256(JSON.stringify(change)).slice(0, 16)}`;
    const applied = await writing.write({ id: unique, write: change });
    if (applied.outcome.kind !== 'failed') return applied;
    throw new OpusError('vault.write-failed', `${path} could not be written: ${applied.outcome.message}`, {
      details: { path },
    });
  }

  async function scan(): Promise<FeatureRequest[]> {
    const { notes: files } = brought();
    const known = new Map<string, { readonly hash: string; readonly note: ParsedFeatureRequest }>();
    const paths = Object.keys(files)
      .filter((path) => isNotePath(path, [requests]))
      .sort();
    await inSlices(paths, (path) => {
      const file = files[path];
      if (file === undefined) return;
      const before = parsed.get(path);
      const isKnown = before?.hash === file.hash;
      known.set(path, isKnown ? before : { hash: file.hash, note: withoutText(parse(path, file)) });
    });
    parsed = known;
    return linkFeatureRequests([...known.values()].map(({ note }) => note));
  }

  return {
    // Once more: a newer state may have been taken meanwhile, and with it the texts of this one have gone.
    scan: () => scan().catch(scan),
    async read(path) {
      const others = [...parsed.values()].map((other) => other.note);
      const file = brought().notes[path];
      return await Promise.resolve(file === undefined ? null : amongOthers(parse(path, file), others));
    },
    async writeKeys({ path, keys, status, id }) {
      const { outcome } = await write(
        path,
        {
          kind: 'keys',
          path,
          keys: keys.map(([key, value]) => [key, value]),
          status: status === null ? null : { expect: [...status.expect], to: status.to },
          names: { ...options.keys },
        },
        id,
      );
      return keyOutcome(outcome);
    },
    async writeNote(path, text, mode, id) {
      const { outcome } = await write(path, { kind: 'note', path, text, mode }, id);
      if (outcome.kind === 'clash') {
        throw new OpusError('vault.clash', `${path} is there already.`, { hint: 'Choose another name.' });
      }
      if (outcome.kind !== 'refused') return;
      throw new OpusError('vault.write-failed', `${path} could not be written: ${outcome.message}`, {
        details: { path },
      });
    },
    async reportNames() {
      return (await this.reports()).map(({ name }) => name);
    },
    reports() {
      const own = Object.entries(notes.state().own).filter(([path]) => isNotePath(path, [reportsFolder]));
      return Promise.resolve(
        own.sort(([, left], [, right]) => left.at - right.at).map(([path]) => ({ path, name: noteName(path) })),
      );
    },
    readNote(path) {
      const state = notes.state();
      const file = state.own[path] ?? state.notes[path];
      return Promise.resolve(file === undefined ? null : notes.text(file.hash));
    },
    async removeNote(path, expected) {
      const { outcome } = await write(path, { kind: 'remove', path, expect: sha256(expected) }, undefined);
      return outcome.kind === 'written';
    },
    async codeNotes() {
      const { isBrought, notes: files } = notes.state();
      if (!isBrought) return [];
      const found = Object.entries(files).flatMap(([path, { hash, bytes }]): CodeNote[] => {
        const kind = kindOfCodeNote(path, codeFolder);
        return kind === null || bytes !== undefined ? [] : [{ path, kind, text: textOf(hash), hash }];
      });
      return await Promise.resolve(found.sort((left, right) => (left.path < right.path ? -1 : 1)));
    },
  };
}

function keyOutcome(outcome: AppliedWrite['outcome']): KeyWriteOutcome {
  switch (outcome.kind) {
    case 'refused': {
      const { code, message, line } = outcome;
      return {
        kind: 'refused',
        problem: { code, message, hint: 'Mend the note; it is written after that.', line, severity: 'error' },
      };
    }
    case 'clash':
      return outcome;
    case 'failed':
      throw new OpusError('vault.write-failed', outcome.message);
    default:
      return { kind: outcome.kind };
  }
}

import { isUtf8 } from 'node:buffer';
import { readFile, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest, FeatureRequestNote } from '#shared/domain/feature-request.ts';
import { planKeyWrite } from '#shared/domain/key-write.ts';
import { linkFeatureRequests } from '#shared/domain/link-feature-requests.ts';
import type { NoteKeyNames } from '#shared/domain/note-keys.ts';
import { noteName } from '#shared/domain/note-link.ts';
import { parseFeatureRequest, type ParsedFeatureRequest } from '#shared/domain/parse-feature-request.ts';
import type { VaultFiles } from '../../core/ports/vault-files.ts';
import type { CodeNote, KeyWrite, KeyWriteOutcome, RunReportNote, Vault } from '../../core/ports/vault.ts';
import { hasCode, replaceAtomically, writeAtomically } from './atomic-write.ts';
import { bringBack } from './late-edit.ts';
import { readCodeNotes } from './code-notes.ts';
import { confinedPath, liesInside } from './confined-path.ts';
import { decodeNote, readNoteText, tooLarge } from './note-file.ts';
import { FileCache, inSlices, listNotes, statOf } from './note-scan.ts';
import { amongOthers, plainFolder, sha256, withoutText } from './parsed-note.ts';
import { createVaultFiles } from './vault-files.ts';

export interface FileVaultOptions {
  /** The vault's folder. */
  readonly root: string;
  /** Folders relative to the root, with forward slashes. */
  readonly featureRequestFolder?: string;
  readonly reportsFolder?: string;
  readonly codeFolder?: string;
  readonly idPattern?: string;
  readonly keys?: NoteKeyNames;
  readonly maxNoteBytes?: number;
  /** The names in opus.yml; notes that name another repository get a problem. */
  readonly repositories?: readonly string[];
  /** Whether phrases of a note's body such as "after FR-009" are dependencies too; they are not unless said so. */
  readonly bodyDependencies?: boolean;
  readonly now?: () => number;
}

const writeAttempts = 5;

/** A vault in a folder of this machine. */
export class FileVault implements Vault {
  private readonly options: FileVaultOptions;
  private readonly frFolder: string;
  private readonly maxNoteBytes: number;
  private readonly cache: FileCache<ParsedFeatureRequest>;
  /** The last write of each path still going on, so that writes of one note follow each other. */
  private readonly writing = new Map<string, Promise<unknown>>();

  constructor(options: FileVaultOptions) {
    this.options = options;
    this.frFolder = plainFolder(options.featureRequestFolder ?? '10_features');
    this.maxNoteBytes = options.maxNoteBytes ?? 2 * 1024 * 1024;
    this.cache = new FileCache(options.now ?? Date.now);
  }

  async scan(): Promise<FeatureRequest[]> {
    const root = await this.root();
    const paths = await this.notePaths(root);
    const notes = await inSlices(paths, (path) => this.load(root, path));
    this.cache.keepOnly(paths);
    return linkFeatureRequests(notes.filter((note) => note !== null));
  }

  async read(path: string): Promise<FeatureRequestNote | null> {
    const root = await this.root();
    try {
      await confinedPath(root, path);
    } catch (error) {
      if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return null;
      throw error;
    }
    const note = this.parse(root, path);
    if (!note) return null;
    return amongOthers(note, this.cache.values());
  }

  async writeKeys(write: KeyWrite): Promise<KeyWriteOutcome> {
    return this.inTurn(write.path, () => this.applyKeys(write));
  }

  async writeNote(path: string, text: string, mode: 'create' | 'replace'): Promise<void> {
    await this.inTurn(path, async () => {
      const target = await confinedPath(await this.root(), path, 'create');
      const stats = mode === 'replace' ? statOf(target) : null;
      try {
        const kept = stats ? { mode: stats.mode & 0o777 } : {};
        await writeAtomically(target, Buffer.from(text, 'utf8'), { exclusive: mode === 'create', ...kept });
      } catch (error) {
        if (hasCode(error, ['EEXIST'])) {
          throw new OpusError('vault.clash', `${path} is there already.`, {
            hint: 'Choose another name.',
            cause: error,
          });
        }
        throw writeFailure(path, error);
      }
    });
  }

  async reportNames(): Promise<string[]> {
    const root = await this.root();
    try {
      return (await listNotes(root, plainFolder(this.options.reportsFolder ?? '20_runs'))).map(noteName);
    } catch (error) {
      if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return [];
      throw error;
    }
  }

  async reports(): Promise<RunReportNote[]> {
    const root = await this.root();
    const paths = await this.files().list([plainFolder(this.options.reportsFolder ?? '20_runs')]);
    return paths
      .map((path) => ({ path, name: noteName(path), changedAt: statOf(join(root, path))?.mtimeMs ?? 0 }))
      .sort((left, right) => left.changedAt - right.changedAt)
      .map(({ path, name }) => ({ path, name }));
  }

  async readNote(path: string): Promise<string | null> {
    const bytes = await this.files().read(path);
    return bytes === null || !isUtf8(bytes) ? null : Buffer.from(bytes).toString('utf8');
  }

  async removeNote(path: string, expected: string): Promise<boolean> {
    return this.inTurn(path, async () => {
      // By way of the vault's trash, so that words that are written in the very last moment are still somewhere.
      const kept = await this.files().trash(path, Buffer.from(expected, 'utf8'));
      if (kept === null) return false;
      await rm(join(await this.root(), kept), { force: true });
      return true;
    });
  }

  async codeNotes(): Promise<CodeNote[]> {
    return readCodeNotes(
      await this.root(),
      plainFolder(this.options.codeFolder ?? '00_system/opus'),
      this.maxNoteBytes,
    );
  }

  private files(): VaultFiles {
    return createVaultFiles({ root: this.options.root, maxNoteBytes: this.maxNoteBytes });
  }

  private async root(): Promise<string> {
    try {
      return await realpath(this.options.root);
    } catch (error) {
      throw notFound(`The vault ${this.options.root} cannot be found.`, error);
    }
  }

  private async notePaths(root: string): Promise<string[]> {
    let inside: boolean;
    try {
      inside = await liesInside(root, join(root, this.frFolder));
      if (inside) return await listNotes(root, this.frFolder);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw notFound(`The folder ${this.frFolder} of the vault ${this.options.root} cannot be read: ${reason}.`, error);
    }
    throw notFound(`The folder ${this.frFolder} leads out of the vault ${this.options.root}.`, undefined);
  }

  private load(root: string, path: string): ParsedFeatureRequest | null {
    const stats = statOf(join(root, path));
    if (!stats) return null;
    const known = this.cache.get(path, stats);
    if (known) return known;
    const read = this.parse(root, path, stats);
    if (!read) return null;
    const note = withoutText(read);
    this.cache.set(path, stats, note);
    return note;
  }

  private parse(
    root: string,
    path: string,
    stats = statOf(join(root, path)),
  ): (ParsedFeatureRequest & FeatureRequestNote) | null {
    if (!stats) return null;
    const absolute = join(root, path);
    const file = readNoteText(absolute, stats, this.maxNoteBytes);
    if (!file) return null;
    const parsed = parseFeatureRequest(path, file.text, { ...this.options, hash: sha256 });
    // A file that could not be read at all has one problem, not also that of being empty.
    const others = file.problem?.code === 'note.unreadable' ? [] : parsed.problems;
    return file.problem ? { ...parsed, problems: [file.problem, ...others] } : parsed;
  }

  private async applyKeys(write: KeyWrite): Promise<KeyWriteOutcome> {
    try {
      for (let attempt = 0; attempt < writeAttempts; attempt += 1) {
        const target = await confinedPath(await this.root(), write.path);
        const stats = statOf(target);
        if (!stats) return { kind: 'gone' };
        if (stats.size > this.maxNoteBytes) {
          return { kind: 'refused', problem: tooLarge(stats.size, this.maxNoteBytes) };
        }
        const bytes = await readFile(target);
        const { text, problem } = decodeNote(bytes);
        if (problem) return { kind: 'refused', problem };
        const plan = planKeyWrite(text, write, this.options.keys);
        if (plan.kind === 'refused') return plan;
        const clash = plan.clash === null ? null : ({ kind: 'clash', found: plan.clash } as const);
        if (plan.text === text) return clash ?? { kind: 'unchanged' };
        const next = Buffer.from(plan.text, 'utf8');
        const replaced = await replaceAtomically(target, next, bytes, stats.mode & 0o777);
        if (replaced.kind === 'replaced') return clash ?? { kind: 'written' };
        // What was written into the old file meanwhile goes back in, and then the keys again.
        if (replaced.kind === 'overtaken') {
          await bringBack({ target, mode: stats.mode & 0o777, before: bytes, ours: next, late: replaced.late });
        }
      }
    } catch (error) {
      if (hasCode(error, ['ENOENT', 'ENOTDIR'])) return { kind: 'gone' };
      throw error instanceof OpusError ? error : writeFailure(write.path, error);
    }
    throw writeFailure(write.path, new Error('the note changes faster than it can be written'));
  }

  private async inTurn<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.writing.get(path) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.writing.set(path, settled);
    try {
      return await mine;
    } finally {
      if (this.writing.get(path) === settled) this.writing.delete(path);
    }
  }
}

export function createFileVault(options: FileVaultOptions): FileVault {
  return new FileVault(options);
}

function notFound(message: string, cause: unknown): OpusError {
  return new OpusError('vault.not-found', message, {
    hint: 'Check `vault.path` in opus.yml, or run `opus init` to make the folders.',
    cause,
  });
}

function writeFailure(path: string, cause: unknown): OpusError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OpusError('vault.write-failed', `${path} could not be written: ${reason}.`, { details: { path }, cause });
}

import { TFile, TFolder, type App, type TAbstractFile } from 'obsidian';
import type { FeatureRequest, NoteProblem } from '../../shared/domain/feature-request.ts';
import { defaultIdPattern, isSafeId } from '../../shared/domain/ids.ts';
import { linkFeatureRequests } from '../../shared/domain/link-feature-requests.ts';
import {
  parseFeatureRequest,
  type FeatureRequestReading,
  type ParsedFeatureRequest,
} from '../../shared/domain/parse-feature-request.ts';
import { unreadHere } from '../yaml/parse-block.ts';

/** The vault's feature requests, read by the code that the runner reads them with. */
export interface FeatureNotes {
  /** The id in a note's properties, by the app's own index; null for a note that is no feature request. */
  idOf(file: TAbstractFile): string | null;
  /** The feature requests among files and in folders; a chosen note whose properties cannot be read may be one, too. */
  within(files: readonly TAbstractFile[]): TFile[];
  /** Those, and what in folders is one by its text alone: none is passed over because its properties are broken. */
  chosen(files: readonly TAbstractFile[]): Promise<TFile[]>;
  /** Each with what is wrong with it, on its own and among all others. */
  validate(files: readonly TFile[]): Promise<FeatureRequest[]>;
  ids(): string[];
}

export interface FeatureNotesOptions {
  readonly app: App;
  readonly folder: () => string;
}

const policyNote = '00_system/opus/config.md';

export function createFeatureNotes({ app, folder }: FeatureNotesOptions): FeatureNotes {
  const all = (): TFile[] => {
    const root = app.vault.getFolderByPath(folder());
    return root ? notesIn(root) : [];
  };
  const property = (file: TFile, key: string): unknown =>
    app.metadataCache.getFileCache(file)?.frontmatter?.[key] as unknown;
  const policy = (key: string): unknown => {
    const note = app.vault.getFileByPath(policyNote);
    return note ? property(note, key) : undefined;
  };
  const idPattern = (): string => {
    const pattern = policy('idPattern');
    return typeof pattern === 'string' && isPattern(pattern) ? pattern : defaultIdPattern;
  };
  const idOf = (file: TAbstractFile): string | null => {
    if (!isNote(file)) return null;
    const id = property(file, 'id');
    return typeof id === 'string' && isSafeId(id.trim(), idPattern()) ? id.trim() : null;
  };
  /** In the folder of feature requests, but the app made nothing of its properties: what is wrong is said line by line. */
  const isUnread = (file: TFile): boolean =>
    file.path.startsWith(`${folder()}/`) && app.metadataCache.getFileCache(file)?.frontmatter === undefined;
  const parse = async (file: TFile): Promise<ParsedFeatureRequest> => {
    const reading: FeatureRequestReading = {
      // What it is the hash of is compared by the runner alone.
      hash: () => '',
      idPattern: idPattern(),
      bodyDependencies: policy('bodyDependencies') === true,
    };
    return parseFeatureRequest(file.path, await app.vault.cachedRead(file), reading);
  };
  const within = (files: readonly TAbstractFile[]): TFile[] => [
    ...new Set(
      files.flatMap((file) => {
        if (file instanceof TFolder) return notesIn(file).filter((note) => idOf(note) !== null);
        return isNote(file) && (idOf(file) !== null || isUnread(file)) ? [file] : [];
      }),
    ),
  ];
  return {
    idOf,
    within,
    async chosen(files) {
      const unread = files.flatMap((file) => (file instanceof TFolder ? notesIn(file).filter(isUnread) : []));
      const named = await Promise.all(unread.map(async (file) => ((await parse(file)).id === '' ? [] : [file])));
      return [...new Set([...within(files), ...named.flat()])];
    },
    async validate(files) {
      const notes = new Map(all().map((file) => [file.path, file]));
      for (const file of files) notes.set(file.path, file);
      const linked = linkFeatureRequests(await Promise.all([...notes.values()].map(parse)));
      const wanted = new Set(files.map((file) => file.path));
      return linked.filter(({ path }) => wanted.has(path));
    },
    ids: () => all().flatMap((file) => idOf(file) ?? []),
  };
}

/** What keeps it from being dispatched. What cannot be read here alone is left to the runner. */
export function errorsOf(featureRequest: FeatureRequest): NoteProblem[] {
  return featureRequest.problems.filter(
    ({ severity, message }) => severity === 'error' && !message.includes(unreadHere),
  );
}

function notesIn(folder: TFolder): TFile[] {
  return folder.children.flatMap((child) => (child instanceof TFolder ? notesIn(child) : isNote(child) ? [child] : []));
}

function isNote(file: TAbstractFile): file is TFile {
  return file instanceof TFile && file.extension === 'md';
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u').source !== '';
  } catch {
    return false;
  }
}
